//! Identifiers. They are given, never made here: randomness and time are arguments.

use super::LanguageTag;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// An identifier of one kind.
macro_rules! id {
    ($(#[$meaning:meta])* $name:ident) => {
        $(#[$meaning])*
        ///
        /// A UUIDv7, so that ids sort by age.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text).map(Self).map_err(|_| InvalidId(text.to_owned()))
            }
        }
    };
}

id! {
    /// One dubbing: one source video.
    DubbingId
}
id! {
    /// A source video that was handed in, and can be dubbed more than once.
    AssetId
}
id! {
    /// A group of dubbings.
    ProjectId
}
id! {
    /// Terms and their translations, to be used by more than one dubbing.
    GlossaryId
}

id! {
    /// Somebody who may sign in, or a program of theirs.
    AccountId
}
id! {
    /// A sign-in and all refresh tokens that follow from it.
    SessionId
}
id! {
    /// A key for programs.
    KeyId
}
id! {
    /// Somebody's own part of an installation. Of tenants that are named by words, it is a UUIDv5 of the name.
    TenantId
}
id! {
    /// A tenant's day in the security trail: a UUIDv5 of both.
    SecurityDayId
}
id! {
    /// Where a tenant wants to hear of events.
    WebhookId
}

/// The text is not an identifier of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidId(pub String);

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "“{}” is not an id", self.0)
    }
}

impl std::error::Error for InvalidId {}

/// One target language of a dubbing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TrackId {
    /// The dubbing it belongs to.
    pub dubbing: DubbingId,
    /// The language it speaks.
    pub language: LanguageTag,
}

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.dubbing, self.language)
    }
}

/// An utterance within its dubbing, numbered from 1 in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtteranceId(pub u32);

impl fmt::Display for UtteranceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "u{}", self.0)
    }
}

/// A speaker within a dubbing, numbered from 1 in the order of first speech. Names are personal and
/// stand beside it, never in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SpeakerId(pub u32);

impl fmt::Display for SpeakerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S{}", self.0)
    }
}
