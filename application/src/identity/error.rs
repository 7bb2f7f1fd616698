//! Why somebody is not let in, or nothing was changed.

use crate::{
    aggregates::CommandError,
    ports::{
        access_tokens::TokenError, credentials::CredentialError, event_log::ReadError, passwords::PasswordError,
        read_store::ReadStoreError,
    },
};
use domain::account::AccountRejection;
use thiserror::Error;

/// Why somebody is not let in, or nothing was changed.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// Address, password or code are wrong, or the account may not be used: which, is nobody's business.
    #[error("the address or the password is wrong, or the account may not be used")]
    SignInFailed,
    /// Address and password are right; a code of the second factor is asked for.
    #[error("a code of the second factor is needed")]
    SecondFactorNeeded,
    /// The code is wrong, or was used before.
    #[error("the code of the second factor is wrong, or was used before")]
    SecondFactorWrong,
    /// It was tried too often.
    #[error("there were too many attempts")]
    SlowDown {
        /// When to try again, in milliseconds from now.
        after_ms: u64,
    },
    /// The refresh token is not valid, or not any more.
    #[error("the refresh token is not valid any more")]
    RefreshRefused,
    /// The ticket is unknown, used or expired.
    #[error("the link was used, or has expired")]
    TicketInvalid,
    /// The password is too easy to guess.
    #[error("{0}")]
    Weak(String),
    /// The present password is another one.
    #[error("the present password is another one")]
    WrongPassword,
    /// Somebody has that address already.
    #[error("there is an account with this address already")]
    EmailTaken,
    /// The last admin of a tenant stays one.
    #[error("the tenant would be left without an admin")]
    LastAdmin,
    /// No second factor is being enrolled.
    #[error("no second factor is being enrolled; begin first")]
    NothingToConfirm,
    /// There is no such thing, or it is somebody else's.
    #[error("there is no such thing")]
    NotFound,
    /// A key may not do what its maker may not.
    #[error("a key may not do more than who makes it")]
    TooMuchScope,
    /// The account refused it.
    #[error(transparent)]
    Command(#[from] CommandError<AccountRejection>),
    /// The password could not be looked at.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// No token could be made.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The credentials could not be used.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is not known which accounts there are.
    #[error(transparent)]
    Index(#[from] ReadStoreError),
}
