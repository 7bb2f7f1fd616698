//! Regenerate a track: make anew what is stale, and nothing else.

use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::event_log::{Appended, ReadError, StreamId},
};
use domain::{
    dubbing::{Dubbing, DubbingCommand, DubbingRejection, RequestedTrack},
    track::Track,
    value::{Span, TrackId, UtteranceId},
};
use std::sync::Arc;
use thiserror::Error;

/// The use case, with what it needs.
#[derive(Clone)]
pub struct RegenerateTrack {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
}

/// What a regeneration makes anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regeneration {
    /// Lines that are made anew, added or taken out, by id.
    pub lines: Vec<UtteranceId>,
    /// How long the original of those lines lasts, in milliseconds.
    pub speech_ms: u64,
    /// How long the source lasts, in milliseconds: it is mixed and written anew as a whole.
    pub source_ms: u64,
}

/// Why nothing is made anew.
#[derive(Debug, Error)]
pub enum RegenerateError {
    /// There is no such track.
    #[error("there is no such track")]
    NoSuchTrack,
    /// It has no result yet that could be stale, and is not out of attempts at one.
    #[error("the track has not been published yet; wait until it is")]
    NotPublished,
    /// Nothing has changed since.
    #[error("no line has changed since the track was made")]
    NothingStale,
    /// All that has changed is being made already.
    #[error("all that has changed is being made already; wait until it is published")]
    UnderWay,
    /// It is paused; or it is out of attempts, and none of its lines has changed since.
    #[error("the track stands still; resume or retry the dubbing first")]
    StandsStill,
    /// A rule was broken.
    #[error(transparent)]
    Command(#[from] CommandError<DubbingRejection>),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl RegenerateTrack {
    /// What a regeneration would make anew now. The revision that `meta` expects is the track's.
    pub async fn plan(&self, id: &TrackId, meta: &CommandMeta) -> Result<Regeneration, RegenerateError> {
        Ok(self.see(id, meta).await?.0)
    }

    /// The plan, and how often a regeneration had been asked for when it was made.
    async fn see(&self, id: &TrackId, meta: &CommandMeta) -> Result<(Regeneration, u32), RegenerateError> {
        let tenant = meta.tenant.clone().unwrap_or_default();
        let (dubbing, track) = (self.aggregates.dubbing(id.dubbing).await?, self.aggregates.track(id).await?);
        let asked = dubbing.state.tracks.get(&id.language).filter(|_| dubbing.is_of(&tenant));
        let asked = asked.ok_or(RegenerateError::NoSuchTrack)?;
        if meta.expected_revision.is_some_and(|expected| expected != track.revision) {
            return Err(CommandError::Stale { actual: track.revision }.into());
        }
        let lines = owed(&dubbing.state, asked, &track.state)?;
        Ok((measure(lines, &dubbing.state), asked.regenerations))
    }

    /// Asks for it. The revision that `meta` expects is the track's, as it is looked at to make the plan. Given again by
    /// `meta`, it answers as the first time; of those who ask at the same time, one does it and the others hear that it
    /// is under way.
    pub async fn run(&self, id: &TrackId, meta: &CommandMeta) -> Result<(Regeneration, Appended), RegenerateError> {
        let stream = StreamId::Dubbing(id.dubbing);
        let (plan, before) = match self.see(id, meta).await {
            Ok(seen) => seen,
            Err(refusal) => {
                let appended = self.aggregates.unless_given(&stream, meta, refusal).await?;
                let dubbing = self.aggregates.dubbing(id.dubbing).await?.state;
                return Ok((measure(vec![], &dubbing), appended));
            }
        };
        let command = DubbingCommand::Regenerate { language: id.language.clone(), request: before + 1 };
        let meta = meta.clone().expecting(None);
        let appended = self.aggregates.execute::<Dubbing>(&stream, command, &meta).await?;
        // Somebody else asked since: their request takes the same lines.
        Ok((plan, appended.ok_or(RegenerateError::UnderWay)?))
    }
}

/// The lines that a regeneration is for. One that stands still because a stage is out of attempts can be what helps:
/// when the lines that it was made from are different now. What a user paused waits for that user.
fn owed(dubbing: &Dubbing, asked: &RequestedTrack, track: &Track) -> Result<Vec<UtteranceId>, RegenerateError> {
    let transcript = dubbing.source_lines();
    let is_parked = asked.outcome.is_none() && track.flow.has_parked();
    let lines = match (&track.published, is_parked) {
        (Some(_), _) => track.stale_lines(&transcript),
        (None, true) => track.lines_owed_anew(&transcript),
        (None, false) => return Err(RegenerateError::NotPublished),
    };
    if lines.is_empty() && !is_parked {
        return Err(RegenerateError::NothingStale);
    }
    if dubbing.flow.is_held() || track.flow.is_held() {
        return Err(RegenerateError::StandsStill);
    }
    if asked.outcome.is_some() {
        return Ok(lines);
    }
    // What was asked for and has not reached the track yet will take the lines as they are then.
    let is_coming = asked.regenerations > track.regenerations;
    match (is_coming, track.lines_owed_anew(&transcript).is_empty()) {
        (false, false) => Ok(lines),
        (false, true) if is_parked => Err(RegenerateError::StandsStill),
        (false | true, _) => Err(RegenerateError::UnderWay),
    }
}

fn measure(lines: Vec<UtteranceId>, dubbing: &Dubbing) -> Regeneration {
    let spans = lines.iter().filter_map(|id| dubbing.utterances.get(id)).map(|line| line.span);
    let speech_ms = spans.map(Span::len_ms).sum();
    let source_ms = dubbing.source.as_ref().map_or(0, |source| source.duration_ms);
    Regeneration { lines, speech_ms, source_ms }
}
