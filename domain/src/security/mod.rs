//! The security trail: who tried what, was refused what, took what away. Stream `security-<id>`, one for each tenant and
//! day, so that none grows without bound and the addresses in it can be erased by the day.
//!
//! What happens to an account stands in the account's own stream.

use crate::{
    decider::Decider,
    tenant::Quota,
    value::{AccountId, DubbingId, KeyId, LanguageTag, Personal, Sha256},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is known of a day: nothing that a later event depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityDay;

/// Who did it, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The account, where it is known.
    pub account: Option<AccountId>,
    /// The key, where one was used.
    pub key: Option<KeyId>,
    /// The address, where it came over a network.
    pub address: Option<Personal<String>>,
}

/// What has happened.
///
/// `times` counts what is alike and came in quick succession: it is written once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecurityEvent {
    /// Somebody could not sign in.
    SignInFailed {
        /// Who.
        by: By,
        /// Why.
        why: SignInFailure,
        /// How often.
        times: u32,
    },
    /// Somebody was refused what they may not do.
    AccessRefused {
        /// Who.
        by: By,
        /// What: a name of the policy's.
        action: String,
        /// How often.
        times: u32,
    },
    /// Somebody showed a token or a key that is not valid.
    CredentialRefused {
        /// Who.
        by: By,
        /// What is wrong with it.
        why: String,
        /// How often.
        times: u32,
    },
    /// Somebody asked too much in too short a time.
    RateLimitReached {
        /// Who.
        by: By,
        /// Which limit.
        limit: String,
        /// How often.
        times: u32,
    },
    /// The tenant has used what it may.
    QuotaReached {
        /// Who asked for more.
        by: By,
        /// Which quota.
        quota: Quota,
        /// How often.
        times: u32,
    },
    /// The server started with another configuration than before.
    ConfigurationChanged {
        /// The keys whose values differ; never the values.
        keys: Vec<String>,
        /// Digest of the whole.
        digest: Sha256,
    },
    /// Somebody downloaded what was made.
    ResultDownloaded {
        /// Who; nobody, when with a signed link.
        by: By,
        /// Of which dubbing.
        dubbing: DubbingId,
        /// In which language.
        language: LanguageTag,
        /// Which file: `video`, `audio`, `subtitles`, `report`, `provenance`.
        file: String,
        /// With a signed link.
        by_link: bool,
    },
    /// Somebody took records away.
    RecordsExported {
        /// Who.
        by: By,
        /// Which: `security-events`, `usage`, `links` to results.
        what: String,
    },
}

impl SecurityEvent {
    /// The same, so often. What is told each time stays as it is.
    #[must_use]
    pub fn times(mut self, often: u32) -> Self {
        match &mut self {
            SecurityEvent::SignInFailed { times, .. }
            | SecurityEvent::AccessRefused { times, .. }
            | SecurityEvent::CredentialRefused { times, .. }
            | SecurityEvent::RateLimitReached { times, .. }
            | SecurityEvent::QuotaReached { times, .. } => *times = often,
            SecurityEvent::ConfigurationChanged { .. }
            | SecurityEvent::ResultDownloaded { .. }
            | SecurityEvent::RecordsExported { .. } => {}
        }
        self
    }
}

/// Why somebody could not sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignInFailure {
    /// Nobody has that address.
    UnknownAccount,
    /// The password is another one.
    WrongPassword,
    /// There is no password yet.
    NoPassword,
    /// The account was deactivated.
    Deactivated,
    /// The second factor is missing or wrong.
    SecondFactor,
    /// It was tried too often.
    SlowedDown,
    /// The refresh token is not valid.
    RefreshToken,
}

/// What can be asked of a day: to note something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note(pub Vec<SecurityEvent>);

/// A day refuses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityRejection {}

impl fmt::Display for SecurityRejection {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for SecurityRejection {}

impl Decider for SecurityDay {
    type State = SecurityDay;
    type Command = Note;
    type Event = SecurityEvent;
    type Rejection = SecurityRejection;

    const STATE_VERSION: u32 = 1;

    fn decide(_: &SecurityDay, Note(events): Note) -> Result<Vec<SecurityEvent>, SecurityRejection> {
        Ok(events)
    }

    fn evolve(_: &mut SecurityDay, _: &SecurityEvent) {}
}
