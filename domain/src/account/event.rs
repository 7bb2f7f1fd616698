//! What can have happened to an account.

use crate::value::{KeyId, Personal, Role, Scope, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

/// What has happened to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountEvent {
    /// It was made.
    AccountCreated {
        /// How it came about.
        origin: Origin,
        /// Its address, by which it signs in.
        email: Personal<String>,
        /// What it is called.
        name: Personal<String>,
        /// What it is in its tenant.
        role: Role,
    },
    /// It was invited to choose a password.
    AccountInvited,
    /// It has another password.
    PasswordChanged {
        /// In which way.
        by: PasswordChange,
    },
    /// Somebody asked for a new password.
    PasswordResetRequested,
    /// It is something else in its tenant.
    RoleGranted {
        /// What.
        role: Role,
    },
    /// Nobody may sign in with it any more.
    AccountDeactivated,
    /// It may be used again.
    AccountReactivated,
    /// A second factor is asked for.
    SecondFactorEnabled,
    /// No second factor is asked for any more.
    SecondFactorDisabled,
    /// Somebody signed in.
    SessionStarted {
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
    SessionEnded {
        /// The session.
        session: SessionId,
        /// Why.
        why: SessionEnd,
    },
    /// A refresh token was used once more, and not by who got its successor.
    RefreshTokenReused {
        /// The session.
        session: SessionId,
        /// From where.
        address: Personal<String>,
    },
    /// A key for programs was made.
    ApiKeyCreated(NewKey),
    /// A key is not valid any more.
    ApiKeyRevoked {
        /// The key.
        key: KeyId,
    },
    /// A key was used from somewhere for the first time.
    ApiKeyUsedFromNewAddress {
        /// The key.
        key: KeyId,
        /// From where.
        address: Personal<String>,
    },
}

/// How an account came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// With the installation, or by its operator.
    Operator,
    /// Somebody invited it.
    Invitation,
    /// Its own provider signed it in.
    Issuer,
}

/// In which way a password was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordChange {
    /// By who runs the installation.
    Operator,
    /// With an invitation.
    Invitation,
    /// With a ticket that was asked for.
    Reset,
    /// By its owner, who knew the old one.
    Owner,
}

/// Why a session ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionEnd {
    /// Its owner signed out.
    SignedOut,
    /// Its owner, or an admin, ended it from elsewhere.
    Revoked,
    /// A refresh token was used once more.
    RefreshTokenReused,
    /// The password was changed.
    PasswordChanged,
    /// The account was deactivated.
    Deactivated,
}

/// A key for programs, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// Its id.
    pub key: KeyId,
    /// What its owner calls it.
    pub name: Personal<String>,
    /// What it may be used for, in order and without repetition.
    pub scopes: Vec<Scope>,
    /// From when on it is not valid any more.
    pub expires_at: Option<Timestamp>,
}
