//! Access tokens: short-lived proofs of a sign-in, checked without looking anything up.
//!
//! Deliberately absent: refresh tokens and the storage of keys, which are the credential store's.

mod rotation;

pub use rotation::{KeyPolicy, Rotation, rotation, signer};

use super::event_log::Tenant;
use domain::value::{AccountId, Role, SessionId, Timestamp};
use std::{error::Error, fmt};
use thiserror::Error;
use uuid::Uuid;

/// Issues and verifies JWTs after RFC 9068, signed EdDSA (Ed25519) and nothing else.
pub trait AccessTokens: Send + Sync {
    /// A signed token with these claims. Times are cut to whole seconds.
    fn issue(&self, claims: &TokenClaims) -> Result<String, TokenError>;

    /// The claims of a token that one of our keys has signed, that is for us, and that holds at `now`.
    fn verify(&self, token: &str, now: Timestamp) -> Result<TokenClaims, TokenRefusal>;

    /// The public halves of all keys that may still verify, newest first: a JWK set (RFC 7517, RFC 8037).
    fn jwks(&self) -> serde_json::Value;

    /// Whether the token *says* that it is ours. Nothing is verified: this may choose who verifies a token, and nothing
    /// else.
    fn looks_like_ours(&self, token: &str) -> bool;

    /// The key of this seed, with its id. It is not used before [`AccessTokens::set_keys`] is told of it.
    fn make_key(&self, seed: [u8; 32], made_at: Timestamp) -> SigningKey;

    /// Replaces the keys. Tokens of a key that stays remain valid; which one signs, [`signer`] says.
    fn set_keys(&self, keys: Vec<SigningKey>);
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenClaims {
    /// Whose it is: `sub`.
    pub account: AccountId,
    /// Where it is good: `tenant`.
    pub tenant: Tenant,
    /// What its owner is there: `role`.
    pub role: Role,
    /// The sign-in that it comes from: `sid`.
    pub session: SessionId,
    /// The program that asked for it: `client_id`.
    pub client_id: String,
    /// Its own id: `jti`.
    pub token_id: Uuid,
    /// Since when it holds: `iat` and `nbf`.
    pub issued_at: Timestamp,
    /// Until when it holds: `exp`.
    pub expires_at: Timestamp,
}

/// A private key for signing tokens. Its seed is never shown.
#[derive(Clone)]
pub struct SigningKey {
    /// Its id: the JWK thumbprint (RFC 7638) of its public half.
    pub kid: String,
    /// When it was made.
    pub made_at: Timestamp,
    seed: [u8; 32],
}

impl SigningKey {
    /// As it was stored.
    pub fn new(kid: String, seed: [u8; 32], made_at: Timestamp) -> Self {
        Self { kid, made_at, seed }
    }

    /// The seed, to be sealed and stored.
    pub fn expose(&self) -> &[u8; 32] {
        &self.seed
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("made_at", &self.made_at).finish_non_exhaustive()
    }
}

/// Why no token was issued.
#[derive(Debug, Error)]
pub enum TokenError {
    /// There is no key to sign with.
    #[error("there is no key to sign access tokens with")]
    NoKey,
    /// The signature could not be made.
    #[error("the access token could not be signed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a token is not accepted. No text repeats anything of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenRefusal {
    /// Not a signed token in its three parts, or larger than any of ours.
    #[error("the access token is malformed")]
    Malformed,
    /// Signed by another algorithm than ours, or not at all.
    #[error("the access token's algorithm is not accepted")]
    Algorithm,
    /// Not an access token.
    #[error("the token is not an access token")]
    Type,
    /// Signed by no key of ours, or it brings its own.
    #[error("the access token's key is not accepted")]
    Key,
    /// The signature is not that of the token's content.
    #[error("the access token's signature is wrong")]
    Signature,
    /// Issued by somebody else.
    #[error("the access token is from another issuer")]
    Issuer,
    /// Meant for somebody else.
    #[error("the access token is for another audience")]
    Audience,
    /// Too old.
    #[error("the access token has expired")]
    Expired,
    /// From the future.
    #[error("the access token is not valid yet")]
    NotYetValid,
    /// A claim is missing, or it is not what it should be.
    #[error("the access token lacks a claim")]
    Claims,
}
