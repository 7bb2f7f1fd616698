//! What the store says about accounts: addresses, tickets, secrets.

use domain::value::{AccountId, SessionId};
use std::{fmt, str::FromStr};

/// Whose an e-mail address is, after it was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It belongs to the account that claims it, since now or before.
    Yours,
    /// It belongs to another account.
    TakenBy(AccountId),
}

/// What a ticket is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TicketPurpose {
    /// To take up an account and choose its first password.
    Invitation,
    /// To choose another password.
    PasswordReset,
}

impl TicketPurpose {
    /// Its name: `password-reset`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::PasswordReset => "password-reset",
        }
    }
}

impl fmt::Display for TicketPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not the name of a ticket's purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTicketPurpose;

impl fmt::Display for InvalidTicketPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a ticket is an invitation or a password-reset")
    }
}

impl std::error::Error for InvalidTicketPurpose {}

impl FromStr for TicketPurpose {
    type Err = InvalidTicketPurpose;

    fn from_str(text: &str) -> Result<Self, InvalidTicketPurpose> {
        let all = [Self::Invitation, Self::PasswordReset];
        all.into_iter().find(|purpose| purpose.name() == text).ok_or(InvalidTicketPurpose)
    }
}

/// What a ticket was used up for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redeemed {
    /// Whose ticket it was.
    pub account: AccountId,
    /// What it was good for.
    pub purpose: TicketPurpose,
    /// The sessions that ended with it.
    pub ended: Vec<SessionId>,
}

/// A secret that must be read back: a TOTP secret, a private key. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// From its bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, for the purpose they were kept for.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
