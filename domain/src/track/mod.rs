//! The track: one target language of a dubbing. Stream `track-<id>-<lang>`.
//!
//! Reading order: settings, command, event, state, decide, tests. Beside them: edit (what people correct), fork (what
//! another track takes over).

mod command;
mod decide;
mod edit;
mod event;
mod fork;
mod settings;
mod state;
#[cfg(test)]
mod tests;

pub use command::{TrackCommand, TrackRejection};
pub use edit::{Direction, LineChange};
pub use event::{
    AssessedTrack, DeliveredFile, FittedUtterance, Flag, MixLevels, MixedSound, MuxedTrack, PublishedTrack, Role,
    SignedTrack, SourceLine, SynthesisedUtterance, TrackEvent, TranslatedUtterance,
};
pub use fork::ForkedLines;
pub use settings::{Background, TrackSettings};
pub use state::{Header, Line, PublishedWith, Track};
