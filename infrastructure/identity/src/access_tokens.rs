//! Access tokens as JWTs: RFC 9068 in shape, Ed25519 in signature.
//!
//! A token is refused for the first thing that is wrong with it, in this order: form, algorithm, type, key, signature,
//! and only then what it says. The algorithm that verifies is ours and never the token's.

mod keys;

#[cfg(test)]
mod tests;

use self::keys::KeySet;
use crate::jws::{Audience, Sealed};
use application::ports::{
    access_tokens::{AccessTokens, KeyPolicy, SigningKey, TokenClaims, TokenError, TokenRefusal},
    event_log::Tenant,
};
use domain::value::{AccountId, Role, SessionId, Timestamp};
use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::{Arc, PoisonError, RwLock};
use uuid::Uuid;

/// The only algorithm, and its name in a header (RFC 8037, section 3.1).
const ALGORITHM: Algorithm = Algorithm::EdDSA;
const ALGORITHM_NAME: &str = "EdDSA";

/// The type of our tokens (RFC 9068, section 2.1), and all forms in which others may write it.
const TYPE: &str = "at+jwt";
const TYPES: [Option<&str>; 2] = [Some(TYPE), Some("application/at+jwt")];

/// No token of ours comes near this.
const TOKEN_BYTES_MAX: usize = 4096;

/// Issues and verifies the access tokens of one installation.
pub struct JwtAccessTokens {
    issuer: String,
    audience: String,
    policy: KeyPolicy,
    keys: RwLock<Arc<KeySet>>,
}

impl JwtAccessTokens {
    /// Tokens say that `issuer` issued them for `audience`. The policy says which of the keys signs, and by how much
    /// clocks may differ.
    pub fn new(issuer: String, audience: String, policy: KeyPolicy, keys: Vec<SigningKey>) -> Self {
        Self { issuer, audience, policy, keys: RwLock::new(Arc::new(KeySet::new(keys))) }
    }

    fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AccessTokens for JwtAccessTokens {
    fn issue(&self, claims: &TokenClaims) -> Result<String, TokenError> {
        let keys = self.keys();
        let key = keys.signer(claims.issued_at, &self.policy).ok_or(TokenError::NoKey)?;
        let mut header = Header::new(ALGORITHM);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.kid.clone());
        let said = Said {
            iss: &self.issuer,
            aud: &self.audience,
            sub: claims.account,
            client_id: &claims.client_id,
            iat: seconds(claims.issued_at),
            nbf: seconds(claims.issued_at),
            exp: seconds(claims.expires_at),
            jti: claims.token_id,
            tenant: &claims.tenant.0,
            role: claims.role,
            sid: claims.session,
        };
        jsonwebtoken::encode(&header, &said, &key.private).map_err(|error| TokenError::Failed(error.into()))
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<TokenClaims, TokenRefusal> {
        let sealed = Sealed::open(token, TOKEN_BYTES_MAX).ok_or(TokenRefusal::Malformed)?;
        let head = &sealed.head;
        if head.algorithm() != Some(ALGORITHM_NAME) {
            return Err(TokenRefusal::Algorithm);
        }
        if !head.is_of_type(&TYPES) {
            return Err(TokenRefusal::Type);
        }
        head.refuse_foreign_keys().map_err(|_| TokenRefusal::Key)?;
        let kid = head.key_id().ok().flatten().ok_or(TokenRefusal::Key)?;
        let keys = self.keys();
        let key = keys.find(kid).ok_or(TokenRefusal::Key)?;
        let message = sealed.message.as_bytes();
        match jsonwebtoken::crypto::verify(sealed.signature, message, &key.public, ALGORITHM) {
            Ok(true) => self.accept(sealed.payload().ok_or(TokenRefusal::Claims)?, now),
            // An error says that the signature is no base64.
            Ok(false) | Err(_) => Err(TokenRefusal::Signature),
        }
    }

    fn jwks(&self) -> Value {
        self.keys().jwks()
    }

    fn looks_like_ours(&self, token: &str) -> bool {
        let issuer = Sealed::open(token, TOKEN_BYTES_MAX).and_then(|sealed| sealed.payload::<Peek>());
        issuer.is_some_and(|peek| peek.iss == self.issuer)
    }

    fn make_key(&self, seed: [u8; 32], made_at: Timestamp) -> SigningKey {
        keys::make(seed, made_at)
    }

    fn set_keys(&self, keys: Vec<SigningKey>) {
        let keys = Arc::new(KeySet::new(keys));
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

impl JwtAccessTokens {
    /// What a token says whose signature is right.
    fn accept(&self, heard: Heard, now: Timestamp) -> Result<TokenClaims, TokenRefusal> {
        if heard.iss != self.issuer {
            return Err(TokenRefusal::Issuer);
        }
        if !heard.aud.holds(&self.audience) {
            return Err(TokenRefusal::Audience);
        }
        if now >= moment(heard.exp).plus_ms(self.policy.leeway_ms) {
            return Err(TokenRefusal::Expired);
        }
        if now.plus_ms(self.policy.leeway_ms) < moment(heard.nbf.max(heard.iat)) {
            return Err(TokenRefusal::NotYetValid);
        }
        Ok(TokenClaims {
            account: heard.sub,
            tenant: Tenant(heard.tenant),
            role: heard.role,
            session: heard.sid,
            client_id: heard.client_id,
            token_id: heard.jti,
            issued_at: moment(heard.iat),
            expires_at: moment(heard.exp),
        })
    }
}

/// The claims as they are written.
#[derive(Serialize)]
struct Said<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: AccountId,
    client_id: &'a str,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: Uuid,
    tenant: &'a str,
    role: Role,
    sid: SessionId,
}

/// The claims as they are read: all of them must be there, each once.
#[derive(Deserialize)]
struct Heard {
    iss: String,
    aud: Audience,
    sub: AccountId,
    client_id: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: Uuid,
    tenant: String,
    role: Role,
    sid: SessionId,
}

/// What is looked at before anything is verified.
#[derive(Deserialize)]
struct Peek {
    iss: String,
}

/// JWTs count whole seconds (RFC 7519, section 2, NumericDate).
fn seconds(moment: Timestamp) -> u64 {
    moment.unix_ms() / 1_000
}

fn moment(seconds: u64) -> Timestamp {
    Timestamp::from_unix_ms(seconds.saturating_mul(1_000))
}
