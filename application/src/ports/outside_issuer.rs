//! Tokens of somebody else: an OpenID Connect issuer that the installation trusts.
//!
//! Deliberately absent: which account a token belongs to. The caller finds it by issuer and subject, never by address
//! alone.

use async_trait::async_trait;
use domain::value::{Role, Timestamp};
use std::fmt;
use thiserror::Error;

/// Verifies an outside issuer's tokens. May ask the issuer for its keys, seldom and within bounds.
#[async_trait]
pub trait OutsideIssuer: Send + Sync {
    /// What a token says that the issuer has signed, that is for us, and that holds at `now`.
    async fn verify(&self, token: &str, now: Timestamp) -> Result<OutsideClaims, OutsideRefusal>;
}

/// What an outside token says of its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct OutsideClaims {
    /// Who issued it: `iss`.
    pub issuer: String,
    /// Whose it is, by the issuer's own name for them: `sub`.
    pub subject: String,
    /// Their address, if it says so: `email`. Personal.
    pub email: Option<String>,
    /// Whether the issuer vouches for the address: `email_verified`. Without that, anybody may have typed it.
    pub is_email_verified: bool,
    /// Their name, if it says so: `name`. Personal.
    pub name: Option<String>,
    /// The highest role that its claims are mapped to, else the configured default.
    pub role: Role,
}

impl fmt::Debug for OutsideClaims {
    /// Shows nothing personal: not the subject either, which many issuers make of a name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutsideClaims")
            .field("issuer", &self.issuer)
            .field("role", &self.role)
            .field("is_email_verified", &self.is_email_verified)
            .finish_non_exhaustive()
    }
}

/// Why an outside token is not accepted. No text repeats anything of the token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutsideRefusal {
    /// Not a signed token in its three parts, or too large.
    #[error("the token is malformed")]
    Malformed,
    /// Signed by an algorithm that is not allowed, or not at all.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// Neither an access token nor an ID token.
    #[error("the token is of a kind that is not accepted")]
    Type,
    /// Signed by no key of the issuer's that fits, or it brings its own.
    #[error("the token's key is not accepted")]
    Key,
    /// The signature is not that of the token's content.
    #[error("the token's signature is wrong")]
    Signature,
    /// Issued by somebody else.
    #[error("the token is from another issuer")]
    Issuer,
    /// Meant for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Too old.
    #[error("the token has expired")]
    Expired,
    /// From the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// A claim is missing, or it is not what it should be.
    #[error("the token lacks a claim")]
    Claims,
    /// Its owner has no role here.
    #[error("the token has none of the roles that are mapped to a role here, and there is no default role")]
    NoRole,
    /// The issuer's keys are not to be had. May succeed when tried again.
    #[error("the issuer's keys cannot be had: {reason}")]
    Unavailable {
        /// What went wrong, for the operator.
        reason: String,
    },
}
