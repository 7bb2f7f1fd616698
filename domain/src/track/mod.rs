//! The track: one target language of a dubbing. Stream `track-<id>-<lang>`.
//!
//! Reading order: settings, command, event, state, decide, tests.

mod command;
mod decide;
mod event;
mod settings;
mod state;
#[cfg(test)]
mod tests;

pub use command::{TrackCommand, TrackRejection};
pub use event::{
    AssessedTrack, DeliveredFile, FittedUtterance, Flag, MixedSound, MuxedTrack, PublishedTrack, Role, SignedTrack,
    SynthesisedUtterance, TrackEvent, TranslatedUtterance,
};
pub use settings::{Background, TrackSettings};
pub use state::{Header, Line, Track};
