//! Passwords: how they are kept, checked and judged.
//!
//! Deliberately absent: where hashes are stored, and how often somebody may guess.

use async_trait::async_trait;
use std::{error::Error, fmt};
use thiserror::Error;

/// The fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 10;

/// The most characters of a password.
pub const PASSWORD_CHARS_MAX: usize = 128;

/// Hashes and verifies passwords, slowly on purpose, and never on the threads that serve requests. How many are at work
/// at the same time is bounded, and so is how many wait.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// A fresh hash of the password: two of the same password differ.
    async fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError>;

    /// Whether the password is the hash's. With no hash the answer is [`Verdict::Wrong`], and it takes as long as with
    /// one: an account that does not exist is not told apart by time.
    async fn verify(&self, password: &str, hash: Option<&PasswordHash>) -> Result<Verdict, PasswordError>;

    /// Why the password is too weak, in one sentence that does not repeat it; `None` when it is good enough. `about` is
    /// what others may know of its owner: address, names.
    fn weakness(&self, password: &str, about: &[&str]) -> Option<String>;
}

/// A password's hash as a PHC string (`$argon2id$v=19$m=…`). Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// From the text that was stored.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The text, to be stored.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password.
    Right {
        /// The hash was made with other figures than are used now: hash the password anew and store that.
        needs_rehash: bool,
    },
    /// It is not.
    Wrong,
}

/// Why nothing can be said about a password.
#[derive(Debug, Error)]
pub enum PasswordError {
    /// Too many are waiting already. Try again in a few seconds.
    #[error("too many passwords are being checked")]
    Busy,
    /// The hash could not be made or read.
    #[error("the password could not be hashed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}
