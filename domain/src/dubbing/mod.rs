//! The dubbing: one source video, one or more target languages. Stream `dubbing-<id>`.
//!
//! Reading order: command, event, state, decide, tests. Beside them: order (how it came in), edit (what people
//! correct), fork (what another dubbing takes over).

mod command;
mod decide;
mod edit;
mod event;
mod fork;
mod order;
mod priority;
mod state;
#[cfg(test)]
mod tests;

pub use command::{DubbingCommand, DubbingRejection, Start, TrackRequest};
pub use edit::{Edit, TEXT_CHARS_MAX};
pub use event::{
    Delivery, DubbingEvent, IngestedSource, Outcome, Picture, PlannedUtterance, SeparatedSound, SpokenWord, TextTrack,
    TranscribedUtterance, Transcript, UtterancePart, WhyDropped,
};
pub use order::{Fork, Order};
pub use priority::Priority;
pub use state::{Dubbing, KeptTrack, Phase, Request, RequestedTrack, Speaker};
