//! Value objects: small, validated at construction, without behaviour of their own.

mod artefact;
mod id;
mod language;
mod level;
mod percent;
mod personal;
mod role;
mod scope;
mod sha256;
mod span;
mod timestamp;

pub use artefact::{Artefact, Producer};
pub use id::{
    AccountId, AssetId, DubbingId, GlossaryId, InvalidId, KeyId, ProjectId, SecurityDayId, SessionId, SpeakerId,
    TenantId, TrackId, UtteranceId, WebhookId,
};
pub use language::{InvalidLanguageTag, LanguageTag};
pub use level::Decibel;
pub use percent::Percent;
pub use personal::Personal;
pub use role::{InvalidRole, Role};
pub use scope::{InvalidScope, Scope};
pub use sha256::{InvalidSha256, Sha256};
pub use span::{InvalidSpan, Span};
pub use timestamp::{InvalidTimestamp, Timestamp};
