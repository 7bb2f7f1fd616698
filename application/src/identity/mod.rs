//! Who somebody is: signing in, sessions, keys, invitations, second factors, and who a token belongs to.
//!
//! What happened is told by the account's events; what proves who somebody is lies in the credential store. Where both
//! change, a right is written down in the store first and counts only once the log tells of it; a right that ends, ends in the
//! store first. So whatever a crash comes between, nobody has a right that the log does not know of. Deliberately absent:
//! what anybody may do, which is the policy's.

mod accounts;
mod authenticate;
mod digest;
mod elsewhere;
mod error;
mod first_admin;
mod handouts;
mod keys;
mod letters;
mod own;
mod sessions;
mod sign_in;
mod signing_keys;
mod trail;
mod verified;

pub use accounts::{Invited, NewAccount};
pub use authenticate::{Authenticated, Whence};
pub use digest::{Email, IdentityKeys, InvalidEmail};
pub use error::IdentityError;
pub use first_admin::FirstAdmin;
pub use handouts::{Handout, Handouts};
pub use keys::{KeyOrder, MadeKey};
pub use own::Enrolment;
pub use sessions::Tokens;
pub use sign_in::SignIn;
pub use trail::{SecurityTrail, TrailError};

use crate::{
    aggregates::Aggregates,
    ports::{
        access_tokens::{AccessTokens, KeyPolicy},
        account_index::AccountIndex,
        clock::{Clock, Ids},
        credentials::CredentialStore,
        event_log::{StreamId, TenancyStream, Tenant},
        mailer::Mailer,
        outside_issuer::OutsideIssuer,
        passwords::Passwords,
        second_factor::SecondFactor,
    },
    throttle::SignInThrottle,
};
use domain::value::AccountId;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use verified::Verified;

/// Knows who is who. Shared by all that ask.
pub struct Identity {
    parts: IdentityParts,
    verified: Verified,
    throttle: Mutex<SignInThrottle>,
    /// One takes an admin away at a time.
    admins: tokio::sync::Mutex<()>,
}

/// The parts of [`Identity`].
pub struct IdentityParts {
    /// Accounts.
    pub aggregates: Arc<Aggregates>,
    /// Which accounts there are.
    pub index: Arc<dyn AccountIndex>,
    /// What proves who somebody is.
    pub credentials: Arc<dyn CredentialStore>,
    /// Hashes passwords.
    pub passwords: Arc<dyn Passwords>,
    /// Signs and verifies access tokens.
    pub tokens: Arc<dyn AccessTokens>,
    /// Checks codes.
    pub second_factor: Arc<dyn SecondFactor>,
    /// Whose tokens are taken besides ours, and for which tenant.
    pub outside: Option<(Arc<dyn OutsideIssuer>, Tenant)>,
    /// Writes to people; they are handed links otherwise.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Notes what went wrong.
    pub trail: Arc<SecurityTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and secrets.
    pub ids: Arc<dyn Ids>,
    /// Keys of digests.
    pub keys: IdentityKeys,
    /// Digest of the token that lies in the data folder, if there is one.
    pub operator: Option<[u8; 32]>,
    /// What is configured.
    pub settings: IdentitySettings,
}

/// What is configured about signing in.
#[derive(Clone, Debug)]
pub struct IdentitySettings {
    /// How keys of access tokens come and go, and how long a token holds.
    pub keys: KeyPolicy,
    /// A session that is not used for so long ends, in milliseconds.
    pub session_idle_ms: u64,
    /// A session ends after so long, in milliseconds.
    pub session_max_ms: u64,
    /// How long a refresh token may be handed in again by who did not hear the answer, in milliseconds.
    pub grace_ms: u64,
    /// How long an invitation holds, in milliseconds.
    pub invitation_ms: u64,
    /// How long a link for a new password holds, in milliseconds.
    pub reset_ms: u64,
    /// Admins must have a second factor.
    pub admins_need_second_factor: bool,
    /// Where people reach the server: `https://dub.example.org`.
    pub public_url: String,
}

impl Default for IdentitySettings {
    /// Tokens of ten minutes; sessions end after 14 days without use and after 90 in all; 10 s of grace; invitations hold for
    /// a week, links for a new password for an hour.
    fn default() -> Self {
        const HOUR_MS: u64 = 3_600_000;
        Self {
            keys: KeyPolicy::default(),
            session_idle_ms: 14 * 24 * HOUR_MS,
            session_max_ms: 90 * 24 * HOUR_MS,
            grace_ms: 10_000,
            invitation_ms: 7 * 24 * HOUR_MS,
            reset_ms: HOUR_MS,
            admins_need_second_factor: false,
            public_url: "http://127.0.0.1:8080".to_owned(),
        }
    }
}

impl Identity {
    /// Of these parts.
    pub fn new(parts: IdentityParts) -> Self {
        Self { parts, verified: Verified::default(), throttle: Mutex::default(), admins: tokio::sync::Mutex::new(()) }
    }

    /// What is configured.
    pub fn settings(&self) -> &IdentitySettings {
        &self.parts.settings
    }

    /// What proves who somebody is.
    pub fn credentials(&self) -> &Arc<dyn CredentialStore> {
        &self.parts.credentials
    }

    /// Notes what went wrong.
    pub fn trail(&self) -> &Arc<SecurityTrail> {
        &self.parts.trail
    }

    /// Public keys, for those who verify our tokens.
    pub fn jwks(&self) -> serde_json::Value {
        self.parts.tokens.jwks()
    }

    fn throttle(&self) -> MutexGuard<'_, SignInThrottle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stream(account: AccountId) -> StreamId {
    StreamId::Tenancy(TenancyStream::Account(account))
}
