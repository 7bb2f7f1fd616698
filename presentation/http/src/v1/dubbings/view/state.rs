//! Where dubbings and tracks stand, in one word each.

use domain::{
    dubbing::{Dubbing, Outcome, Phase as Life},
    flow::{Cell, Phase},
    track::Track,
    value::LanguageTag,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a dubbing stands. Whether it is paused, or stands still with a problem, is said beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DubbingState {
    /// It waits for its turn.
    Queued,
    /// Source and transcript are being made ready.
    Preparing,
    /// Languages are being made.
    Processing,
    /// All is done; somebody should look at some lines.
    NeedsAttention,
    /// All is done.
    Completed,
    /// It cannot be done; `problem` says why.
    Failed,
    /// Somebody called it off.
    Cancelled,
}

/// Where a language stands: the first of these that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TrackState {
    /// Its dubbing failed.
    Failed,
    /// It had a result, which cannot be fetched any more.
    Withdrawn,
    /// It was called off before it had a result.
    Cancelled,
    /// It waits for the transcript, or for its turn.
    Queued,
    /// It is being made, or made anew.
    Processing,
    /// It has a result, and lines have changed since.
    Stale,
    /// It has a result, and somebody should look at some lines.
    NeedsAttention,
    /// It has a result.
    Published,
}

impl DubbingState {
    /// Its name, as read models have it too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Preparing => "preparing",
            Self::Processing => "processing",
            Self::NeedsAttention => "needs_attention",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        let all = [Self::Queued, Self::Preparing, Self::Processing, Self::NeedsAttention, Self::Completed];
        all.into_iter().chain([Self::Failed, Self::Cancelled]).find(|state| state.name() == name)
    }

    /// Whether something is still to be done.
    pub const fn is_live(self) -> bool {
        match self {
            Self::Queued | Self::Preparing | Self::Processing => true,
            Self::NeedsAttention | Self::Completed | Self::Failed | Self::Cancelled => false,
        }
    }
}

/// Where a dubbing stands; `has_begun_track` says whether any of its tracks ever began.
pub(crate) fn dubbing_state(dubbing: &Dubbing, has_begun_track: bool) -> DubbingState {
    let is_attention = |outcome: Option<Outcome>| outcome == Some(Outcome::NeedsAttention);
    match dubbing.phase {
        Life::Failed => DubbingState::Failed,
        Life::Cancelled => DubbingState::Cancelled,
        Life::Completed if dubbing.tracks.values().any(|track| is_attention(track.outcome)) => {
            DubbingState::NeedsAttention
        }
        Life::Completed => DubbingState::Completed,
        Life::NotStarted | Life::Processing if has_begun_track => DubbingState::Processing,
        Life::NotStarted | Life::Processing if dubbing.flow.cells.values().any(has_begun) => DubbingState::Preparing,
        Life::NotStarted | Life::Processing => DubbingState::Queued,
    }
}

/// Whether a worker ever was at a stage.
fn has_begun(cell: &Cell) -> bool {
    cell.attempt > 1 || (cell.attempt == 1 && !matches!(cell.phase, Phase::Requested(_)))
}

/// Where a language of a dubbing stands; `track` is `None`, or empty, before it began.
pub(crate) fn track_state(dubbing: &Dubbing, language: &LanguageTag, track: Option<&Track>) -> TrackState {
    let begun = track.filter(|track| track.header.is_some());
    let outcome = dubbing.tracks.get(language).and_then(|asked| asked.outcome);
    let result = begun.filter(|track| track.published.is_some());
    if dubbing.phase == Life::Failed {
        return TrackState::Failed;
    }
    let had_result = begun.is_some_and(|track| track.withdrawn);
    let is_off = result.is_none() && (dubbing.phase == Life::Cancelled || outcome.is_some());
    if is_off {
        return if had_result { TrackState::Withdrawn } else { TrackState::Cancelled };
    }
    match (begun, result) {
        (_, Some(track)) if outcome.is_some() => finished(dubbing, track),
        // Made anew: it was begun long ago.
        (_, Some(_)) => TrackState::Processing,
        (Some(track), None) if !track.cancelled && track.flow.cells.values().any(has_begun) => TrackState::Processing,
        (Some(_) | None, None) => TrackState::Queued,
    }
}

fn finished(dubbing: &Dubbing, track: &Track) -> TrackState {
    if !track.stale_lines(&dubbing.source_lines()).is_empty() {
        TrackState::Stale
    } else if track.lines_to_attend() > 0 {
        TrackState::NeedsAttention
    } else {
        TrackState::Published
    }
}
