//! The dubbing: one source video, one or more target languages. Stream `dubbing-<id>`.
//!
//! Reading order: command, event, state, decide, tests.

mod command;
mod decide;
mod event;
mod state;
#[cfg(test)]
mod tests;

pub use command::{DubbingCommand, DubbingRejection, Start, TrackRequest};
pub use event::{
    Delivery, DubbingEvent, IngestedSource, Outcome, Picture, PlannedUtterance, SeparatedSound, SpokenWord, TextTrack,
    TranscribedUtterance, Transcript, WhyDropped,
};
pub use state::{Dubbing, Phase, Request, RequestedTrack, Speaker};
