//! What can be asked of an account, and which rules that can break.

use super::{NewKey, Origin, PasswordChange, SessionEnd};
use crate::value::{KeyId, Personal, Role, SessionId, Timestamp};
use std::fmt;

/// What can be asked of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountCommand {
    /// Make it.
    Create {
        /// How it came about.
        origin: Origin,
        /// Its address, by which it signs in.
        email: Personal<String>,
        /// What it is called.
        name: Personal<String>,
        /// What it is in its tenant.
        role: Role,
    },
    /// Invite it once more.
    Invite,
    /// Its password was set.
    NotePassword(PasswordChange),
    /// Somebody asked for a new password.
    NoteResetRequest,
    /// Make it something else in its tenant.
    Grant(Role),
    /// Nobody may sign in with it any more.
    Deactivate,
    /// It may be used again.
    Reactivate,
    /// A second factor is asked for from now on.
    EnableSecondFactor,
    /// No second factor is asked for any more.
    DisableSecondFactor,
    /// Somebody signed in.
    StartSession {
        /// The session.
        session: SessionId,
        /// When it ends at the latest.
        expires_at: Timestamp,
        /// From where.
        address: Personal<String>,
        /// Nobody signed in from there before.
        is_new_address: bool,
    },
    /// A session came to an end before its time.
    EndSession {
        /// The session.
        session: SessionId,
        /// Why.
        why: SessionEnd,
    },
    /// A refresh token was used once more, and not by who got its successor: the session's family is void.
    ReportReuse {
        /// The session.
        session: SessionId,
        /// From where.
        address: Personal<String>,
    },
    /// Make a key for programs.
    CreateKey(NewKey),
    /// It is not valid any more.
    RevokeKey(KeyId),
    /// A key was used from somewhere for the first time.
    NoteKeyAddress {
        /// The key.
        key: KeyId,
        /// From where.
        address: Personal<String>,
    },
}

/// Which rule a command to an account broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountRejection {
    /// There is none.
    Unknown,
    /// It was made already, in another way.
    AlreadyCreated,
    /// It was deactivated.
    Deactivated,
    /// It has been accepted already.
    AlreadyAccepted,
    /// It signs in elsewhere: its password and second factor are not kept here.
    SignsInElsewhere,
    /// There is no such key.
    UnknownKey,
    /// The key was made already, in another way.
    KeyExists,
    /// It has as many keys as an account can have.
    TooManyKeys,
}

impl fmt::Display for AccountRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AccountRejection::Unknown => "there is no such account",
            AccountRejection::AlreadyCreated => "the account was made already, in another way",
            AccountRejection::Deactivated => "the account was deactivated; reactivate it first",
            AccountRejection::AlreadyAccepted => "the invitation was accepted already; ask for a new password instead",
            AccountRejection::SignsInElsewhere => {
                "the account signs in with its own provider, which keeps its password"
            }
            AccountRejection::UnknownKey => "there is no such key",
            AccountRejection::KeyExists => "the key was made already, in another way",
            AccountRejection::TooManyKeys => "the account has 100 keys that are valid; revoke one first",
        })
    }
}

impl std::error::Error for AccountRejection {}
