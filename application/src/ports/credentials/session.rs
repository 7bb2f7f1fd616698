//! What the store says about sessions and their refresh tokens.

use domain::value::{AccountId, SessionId, Sha256, Timestamp};

/// A session that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Its id, never used before.
    pub id: SessionId,
    /// Who signed in.
    pub account: AccountId,
    /// Digest of its first refresh token.
    pub refresh_hash: Sha256,
    /// When it begins.
    pub now: Timestamp,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
    /// After how many milliseconds without use it ends.
    pub idle_ms: u64,
}

/// A session as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// Whether it is neither ended nor expired.
    pub is_live: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When its refresh token was last exchanged, or it began.
    pub last_used_at: Timestamp,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
}

/// What came of a refresh token that was handed in for its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// It was current; now the successor is.
    Rotated {
        /// Its session.
        session: SessionId,
        /// Whose it is.
        account: AccountId,
    },
    /// It had this successor already, since a moment ago, and the successor was not used yet: the same answer may be
    /// given again.
    Repeated {
        /// Its session.
        session: SessionId,
        /// Whose it is.
        account: AccountId,
    },
    /// It was exchanged before, and this is no repetition: somebody else may have it. Its session is ended.
    Reused {
        /// Its session.
        session: SessionId,
        /// Whose it is.
        account: AccountId,
        /// Whether this call ended the session; an earlier one did otherwise.
        first: bool,
    },
    /// Its session was ended.
    Ended,
    /// Its session came to its end, or was not used for too long.
    Expired,
    /// Nobody knows it.
    Unknown,
}
