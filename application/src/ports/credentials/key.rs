//! What the store says about keys for programs.

use crate::ports::event_log::Tenant;
use domain::value::{AccountId, KeyId, Scope, Sha256, Timestamp};

/// A key that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// Its id, never used before.
    pub id: KeyId,
    /// Whose it is.
    pub account: AccountId,
    /// In which tenant it may be used.
    pub tenant: Tenant,
    /// Digest of its secret part.
    pub secret_hash: Sha256,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it ends; `None` when it does not by itself.
    pub expires_at: Option<Timestamp>,
    /// When it is made.
    pub now: Timestamp,
}

/// A key as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// Its id.
    pub id: KeyId,
    /// Whose it is.
    pub account: AccountId,
    /// In which tenant it may be used.
    pub tenant: Tenant,
    /// Digest of its secret part. To be compared in constant time.
    pub secret_hash: Sha256,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends; `None` when it does not by itself.
    pub expires_at: Option<Timestamp>,
    /// Whether it was revoked. Whether it has expired is the caller's question.
    pub is_revoked: bool,
    /// When it was last used, to within [`super::USE_STEP_MS`].
    pub last_used_at: Option<Timestamp>,
}

/// A use of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// The key.
    pub key: KeyId,
    /// Keyed digest of the address it was used from.
    pub address_digest: Sha256,
    /// When.
    pub now: Timestamp,
}
