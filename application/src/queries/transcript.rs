//! What of the transcript can be heard, over all languages that have a result.

use crate::{aggregates::Aggregates, ports::event_log::ReadError};
use domain::{
    dubbing::Dubbing,
    track::Track,
    value::{DubbingId, TrackId, UtteranceId},
};
use std::sync::Arc;

/// What of an utterance can be heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The transcript's revision that every published track has heard: the lowest of theirs. `None` when there is no
    /// result, and when one of them does not have the utterance yet.
    pub output_revision: Option<u32>,
    /// Whether some result was made before the utterance was last changed, or added.
    pub stale: bool,
}

/// The tracks of a dubbing that have a result.
pub async fn published(
    aggregates: &Aggregates,
    id: DubbingId,
    dubbing: &Dubbing,
) -> Result<Vec<Arc<Track>>, ReadError> {
    let mut published = Vec::new();
    for language in dubbing.tracks.keys() {
        let track = aggregates.track(&TrackId { dubbing: id, language: language.clone() }).await?.state;
        if track.published.is_some() {
            published.push(track);
        }
    }
    Ok(published)
}

/// What of an utterance can be heard in these results.
pub fn heard(dubbing: &Dubbing, published: &[Arc<Track>], utterance: UtteranceId) -> Heard {
    let now = dubbing.revisions.get(&utterance).copied().unwrap_or(1);
    let heard = |track: &Arc<Track>| track.lines.get(&utterance).and_then(|line| line.output_source_revision);
    let revisions: Vec<Option<u32>> = published.iter().map(heard).collect();
    // `None` is below every revision.
    let output_revision = revisions.iter().copied().min().flatten();
    Heard { output_revision, stale: !revisions.is_empty() && output_revision.is_none_or(|output| output < now) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::track::Line;

    #[test]
    fn what_every_result_has_heard_counts() {
        let track = |heard: Option<u32>| {
            let line = Line { output_source_revision: heard, ..Line::default() };
            Arc::new(Track { lines: [(UtteranceId(1), line)].into(), ..Track::default() })
        };
        let dubbing = Dubbing { revisions: [(UtteranceId(1), 3)].into(), ..Dubbing::default() };
        let check = |published: &[Option<u32>], output_revision, stale| {
            let published: Vec<Arc<Track>> = published.iter().map(|heard| track(*heard)).collect();
            assert_eq!(heard(&dubbing, &published, UtteranceId(1)), Heard { output_revision, stale });
        };
        check(&[], None, false);
        check(&[Some(3)], Some(3), false);
        check(&[Some(3), Some(2)], Some(2), true);
        check(&[Some(3), None], None, true);
    }
}
