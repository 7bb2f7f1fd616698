//! What can be asked of a track, and which rules that can break.

use super::{DeliveredFile, LineChange, SourceLine, TrackEvent, TrackSettings};
use crate::{
    flow::{Fence, FlowCommand, FlowRejection, Stage, StageSummary},
    value::{DubbingId, LanguageTag, UtteranceId},
};
use std::fmt;

/// What can be asked of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackCommand {
    /// Begin: the transcript is there.
    Start {
        /// The dubbing.
        dubbing: DubbingId,
        /// The language spoken in the source.
        source_language: LanguageTag,
        /// The language to speak.
        language: LanguageTag,
        /// How.
        settings: TrackSettings,
        /// The lines, in order of time.
        lines: Vec<SourceLine>,
        /// What it takes over from the track that it was forked from; empty otherwise.
        inherited: Vec<TrackEvent>,
    },
    /// Make it in another way.
    Revise(TrackSettings),
    /// A person words a line, or says how it is spoken.
    Correct {
        /// Which line.
        utterance: UtteranceId,
        /// What is to be different.
        change: LineChange,
        /// The transcript's line as it is now.
        source_revision: u32,
    },
    /// Make lines anew that have changed, or everything from a stage on.
    Regenerate {
        /// The first stage that runs anew, where no line has changed.
        from: Option<Stage>,
        /// How often that was asked for; the first is 1.
        request: u32,
        /// The lines as they are now, in order of time.
        lines: Vec<SourceLine>,
    },
    /// A worker reports what it has found so far.
    Record {
        /// Which attempt.
        fence: Fence,
        /// What it found.
        facts: Vec<TrackEvent>,
    },
    /// A worker reports the rest, and that it is done.
    Complete {
        /// Which attempt.
        fence: Fence,
        /// What it found since it last reported.
        facts: Vec<TrackEvent>,
        /// What it took.
        summary: StageSummary,
        /// A stage that must run anew because of what was found.
        reopen: Option<Stage>,
    },
    /// Call off the run that is under way; what was published before stays, and this is how it was made.
    CallOff(TrackSettings),
    /// Files were put where the user wants them.
    Deliver(Vec<DeliveredFile>),
    /// Make the result invisible.
    Withdraw,
    /// Call it off.
    Cancel,
    /// Something for the flow alone.
    Flow(FlowCommand),
}

/// Which rule a command to a track broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackRejection {
    /// It has not begun.
    NotStarted,
    /// It began already, from another request.
    AlreadyStarted,
    /// A worker reported what its stage does not know.
    ForeignFact,
    /// There is no such line in the track.
    UnknownUtterance,
    /// There is no result to do this with.
    NotPublished,
    /// It was called off.
    Ended,
    /// A rule of the flow.
    Flow(FlowRejection),
}

impl From<FlowRejection> for TrackRejection {
    fn from(rejection: FlowRejection) -> Self {
        Self::Flow(rejection)
    }
}

impl fmt::Display for TrackRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrackRejection::NotStarted => "there is no such track",
            TrackRejection::AlreadyStarted => "the track began already, from another request",
            TrackRejection::ForeignFact => "a worker reported what its stage does not know",
            TrackRejection::UnknownUtterance => "the track has no such line",
            TrackRejection::NotPublished => "the track has no published result",
            TrackRejection::Ended => "the track was called off",
            TrackRejection::Flow(rejection) => return rejection.fmt(f),
        })
    }
}

impl std::error::Error for TrackRejection {}
