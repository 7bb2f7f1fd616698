//! What can be asked of a dubbing, and which rules that can break.

use super::{Delivery, DubbingEvent, Edit, Order, Outcome, Transcript};
use crate::{
    flow::{Fence, FlowCommand, FlowRejection, Stage, StageSummary},
    track::TrackSettings,
    value::{Artefact, LanguageTag, Personal, Sha256},
};
use std::fmt;

/// What can be asked of a dubbing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DubbingCommand {
    /// Begin.
    Start(Box<Start>),
    /// Make it in these languages too, or anew with other settings, or put results somewhere else from now on: all
    /// of it or nothing.
    RequestTracks {
        /// The languages, and how each is made.
        tracks: Vec<TrackRequest>,
        /// Where results are put; `None` leaves it as it is.
        delivery: Option<Delivery>,
    },
    /// A worker reports what it has found so far.
    Record {
        /// Which attempt.
        fence: Fence,
        /// What it found.
        facts: Vec<DubbingEvent>,
    },
    /// A worker reports the rest, and that it is done.
    Complete {
        /// Which attempt.
        fence: Fence,
        /// What it found since it last reported.
        facts: Vec<DubbingEvent>,
        /// What it took.
        summary: StageSummary,
    },
    /// A worker found that the source cannot be dubbed.
    RejectSource {
        /// Which attempt.
        fence: Fence,
        /// Stable code.
        code: String,
        /// One sentence that says what to do.
        message: String,
    },
    /// A track has come to its end.
    SettleTrack {
        /// Its language.
        language: LanguageTag,
        /// Which time that it was asked for, counted from 1: what was asked for since has not come to its end.
        request: u32,
        /// How.
        outcome: Outcome,
    },
    /// Call one language off, finished or not.
    CancelTrack {
        /// The language.
        language: LanguageTag,
    },
    /// A person corrects the transcript.
    Edit(Edit),
    /// Make a language anew where lines have changed since, or from a stage on.
    Regenerate {
        /// The language.
        language: LanguageTag,
        /// The first stage that runs anew, whatever has changed.
        from: Option<Stage>,
        /// The how-manieth time that is of this language, counted from 1: what was asked for already is not asked for
        /// again, however many saw the same lines and asked at the same time.
        request: u32,
    },
    /// Begin with what another dubbing found: its facts, and the stages that they finish.
    Inherit {
        /// The beginning.
        start: Box<Start>,
        /// What the other dubbing found, as far as it is taken over.
        inherited: Vec<DubbingEvent>,
    },
    /// Call off what is under way. Languages that were finished before are as they were then; a dubbing that was never
    /// completed, and makes something for the first time, is called off itself.
    Cancel,
    /// The flow owes nothing more: say so.
    Finish,
    /// Something for the flow alone.
    Flow(FlowCommand),
}

/// A language to make it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackRequest {
    /// The language.
    pub language: LanguageTag,
    /// How.
    pub settings: TrackSettings,
}

/// What is needed to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Digest over source, sound and transcript.
    pub identity: Sha256,
    /// The source, kept as a blob.
    pub source: Artefact,
    /// Its file name without folder.
    pub name: Personal<String>,
    /// The sound asked for.
    pub audio_stream: Option<u32>,
    /// The language spoken.
    pub source_language: LanguageTag,
    /// Nobody said so.
    pub language_assumed: bool,
    /// Where the words come from.
    pub transcript: Transcript,
    /// Where results are put; `None` keeps them where they can be fetched.
    pub delivery: Option<Delivery>,
    /// How it came in.
    pub order: Order,
    /// The languages to make it in.
    pub tracks: Vec<TrackRequest>,
}

/// Which rule a command to a dubbing broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DubbingRejection {
    /// It has not begun.
    NotStarted,
    /// It began already, from another request.
    AlreadyStarted,
    /// It has failed or was called off: nothing more can be asked of it.
    Ended,
    /// The target language is the source's.
    SameLanguage,
    /// No such track was asked for.
    UnknownTrack,
    /// There is no transcript to correct yet.
    NotTranscribed,
    /// The transcript has no such utterance.
    UnknownUtterance,
    /// A corrected utterance would end before it begins.
    EndsBeforeItBegins,
    /// A corrected utterance would sound together with another one.
    OverlapsNeighbour,
    /// A corrected utterance would lie past the end of the sound.
    PastTheEnd,
    /// There is nowhere to cut: both parts need time and words.
    NothingToSplit,
    /// Only utterances that follow each other can be joined.
    NotNeighbours,
    /// Joined utterances would hold more text than one may.
    TooLong,
    /// The speaker's number is neither known nor the next one.
    UnknownSpeaker,
    /// A worker reported what its stage does not know.
    ForeignFact,
    /// Still owed: it cannot be finished.
    Unfinished,
    /// A rule of the flow.
    Flow(FlowRejection),
}

impl From<FlowRejection> for DubbingRejection {
    fn from(rejection: FlowRejection) -> Self {
        Self::Flow(rejection)
    }
}

impl fmt::Display for DubbingRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DubbingRejection::NotStarted => "there is no such dubbing",
            DubbingRejection::AlreadyStarted => "the dubbing began already, from another request",
            DubbingRejection::Ended => "the dubbing has ended",
            DubbingRejection::SameLanguage => "the target language is the language of the source",
            DubbingRejection::UnknownTrack => "this language was never asked for",
            DubbingRejection::NotTranscribed => "there is no transcript to correct yet; wait until it is there",
            DubbingRejection::UnknownUtterance => "the transcript has no such utterance",
            DubbingRejection::EndsBeforeItBegins => "the utterance must end after it begins; choose other times",
            DubbingRejection::OverlapsNeighbour => {
                "the utterance would sound together with another one; choose other times"
            }
            DubbingRejection::PastTheEnd => "the utterance would lie past the end of the sound; choose earlier times",
            DubbingRejection::NothingToSplit => "the utterance cannot be cut there: both parts need time and words",
            DubbingRejection::NotNeighbours => "only utterances that follow each other can be joined",
            DubbingRejection::TooLong => {
                "joined, the utterances would have more than 2,000 characters; shorten one of them first"
            }
            DubbingRejection::UnknownSpeaker => "there is no such speaker; a new one takes the next number",
            DubbingRejection::ForeignFact => "a worker reported what its stage does not know",
            DubbingRejection::Unfinished => "something is still owed",
            DubbingRejection::Flow(rejection) => return rejection.fmt(f),
        })
    }
}

impl std::error::Error for DubbingRejection {}
