//! Value objects: small, validated at construction, without behaviour of their own.

mod artefact;
mod id;
mod language;
mod level;
mod percent;
mod personal;
mod sha256;
mod span;
mod timestamp;

pub use artefact::{Artefact, Producer};
pub use id::{AssetId, DubbingId, GlossaryId, InvalidId, ProjectId, SpeakerId, TrackId, UtteranceId};
pub use language::{InvalidLanguageTag, LanguageTag};
pub use level::Decibel;
pub use percent::Percent;
pub use personal::Personal;
pub use sha256::{InvalidSha256, Sha256};
pub use span::{InvalidSpan, Span};
pub use timestamp::{InvalidTimestamp, Timestamp};
