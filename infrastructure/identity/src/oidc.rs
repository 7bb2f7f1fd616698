//! Tokens of an outside OpenID Connect issuer: access tokens and ID tokens alike.
//!
//! The issuer's keys are found by discovery and kept. They are asked for anew when they are old, and when a token names
//! a key that is not among them, but seldom: strangers who make up key ids cannot make us ask more often.

mod claims;
mod fetch;
mod keys;

#[cfg(test)]
mod tests;

use self::{fetch::fetch, keys::IssuerKeys};
use crate::jws::Sealed;
use application::ports::{
    outbound::{Outbound, Reach},
    outside_issuer::{OutsideClaims, OutsideIssuer, OutsideRefusal},
};
use async_trait::async_trait;
use domain::value::{Role, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tokens of others carry more than ours: lists of groups, for one.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// The algorithms that are accepted. None of them is symmetric, so a public key is never a secret.
const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("RS256", Algorithm::RS256),
    ("PS256", Algorithm::PS256),
    ("ES256", Algorithm::ES256),
    ("EdDSA", Algorithm::EdDSA),
];

/// Types of access tokens and ID tokens, whose issuers often leave it out. Others, such as logout tokens, are refused.
const TYPES: [Option<&str>; 5] =
    [None, Some("jwt"), Some("application/jwt"), Some("at+jwt"), Some("application/at+jwt")];

/// Age at which keys are asked for anew, so that those that the issuer withdrew are forgotten.
const KEYS_MS_MAX: u64 = 60 * 60_000;

/// How long to wait before asking again, with keys and while there are none.
const ASK_AGAIN_MS: u64 = 30_000;
const ASK_AGAIN_WITHOUT_KEYS_MS: u64 = 5_000;

/// The issuer that is trusted, and what its claims mean here.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// Its name, exactly as its tokens and its discovery document say it; an address of `https`, or `http` for trials.
    pub issuer: String,
    /// What its tokens must name as their audience: our client id there, or the API's name.
    pub audience: String,
    /// The claim with roles or groups: its name, or a path with dots (`realm_access.roles`). Its value is one text or
    /// several.
    pub role_claim: String,
    /// Which value of that claim is which role here.
    pub role_map: Vec<(String, Role)>,
    /// The role of those who have none of these; with `None` they are refused.
    pub default_role: Option<Role>,
    /// Where the issuer may be: on the Internet only, or also in the operator's own network.
    pub reach: Reach,
}

/// Verifies the tokens of one issuer.
pub struct OidcIssuer {
    config: OidcConfig,
    outbound: Arc<dyn Outbound>,
    known: Mutex<Known>,
    /// Whoever asks the issuer holds this.
    asking: tokio::sync::Mutex<()>,
}

/// What is known of the issuer.
#[derive(Default)]
struct Known {
    keys: Option<Arc<IssuerKeys>>,
    fetched_at: Option<Timestamp>,
    asked_at: Option<Timestamp>,
    /// Why the last time there were no keys.
    trouble: Option<String>,
}

impl OidcIssuer {
    /// Nothing is asked before the first token comes.
    pub fn new(config: OidcConfig, outbound: Arc<dyn Outbound>) -> Self {
        Self { config, outbound, known: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key that a token names, from those that are known or, within bounds, from the issuer.
    async fn key(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<DecodingKey, OutsideRefusal> {
        let found = self.known().find(kid, algorithm);
        match found {
            Some(key) if !self.known().is_old(now) => return Ok(key),
            Some(key) => {
                // Old keys are still good: whoever comes first asks for new ones, the others go on.
                let Ok(_turn) = self.asking.try_lock() else { return Ok(key) };
                self.ask(now).await;
            }
            None => {
                let _turn = self.asking.lock().await;
                // Somebody may have asked while this one waited.
                if self.known().find(kid, algorithm).is_none() {
                    self.ask(now).await;
                }
            }
        }
        let known = self.known();
        known.find(kid, algorithm).ok_or_else(|| known.refusal())
    }

    /// Asks for the keys, unless that was done just now. Keys that are known stay when there are no new ones.
    async fn ask(&self, now: Timestamp) {
        if !self.known().begin(now) {
            return;
        }
        let answer = fetch(&*self.outbound, &self.config.issuer, self.config.reach).await;
        let mut known = self.known();
        match answer {
            Ok(keys) => {
                known.keys = Some(Arc::new(keys));
                known.fetched_at = Some(now);
                known.trouble = None;
            }
            Err(reason) => known.trouble = Some(reason),
        }
    }
}

impl Known {
    fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        self.keys.as_ref().and_then(|keys| keys.find(kid, algorithm))
    }

    /// A clock that was set back makes keys old, and asking due: better once too often than never again.
    fn is_old(&self, now: Timestamp) -> bool {
        self.fetched_at.is_none_or(|at| now < at || now.since_ms(at) >= KEYS_MS_MAX)
    }

    /// Whether it is time to ask. If so, it counts as done from now on, also when the asker goes in the middle.
    fn begin(&mut self, now: Timestamp) -> bool {
        let pause_ms = if self.keys.is_some() { ASK_AGAIN_MS } else { ASK_AGAIN_WITHOUT_KEYS_MS };
        let is_due = self.asked_at.is_none_or(|at| now < at || now.since_ms(at) >= pause_ms);
        if is_due {
            self.asked_at = Some(now);
        }
        is_due
    }

    fn refusal(&self) -> OutsideRefusal {
        match (&self.keys, &self.trouble) {
            (Some(_), _) => OutsideRefusal::Key,
            (None, Some(reason)) => OutsideRefusal::Unavailable { reason: reason.clone() },
            (None, None) => OutsideRefusal::Unavailable { reason: "they were asked for a moment ago".to_owned() },
        }
    }
}

#[async_trait]
impl OutsideIssuer for OidcIssuer {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<OutsideClaims, OutsideRefusal> {
        let sealed = Sealed::open(token, TOKEN_BYTES_MAX).ok_or(OutsideRefusal::Malformed)?;
        let head = &sealed.head;
        let named = ALGORITHMS.iter().find(|(name, _)| head.algorithm() == Some(name));
        let algorithm = named.map(|(_, algorithm)| *algorithm).ok_or(OutsideRefusal::Algorithm)?;
        if !head.is_of_type(&TYPES) {
            return Err(OutsideRefusal::Type);
        }
        head.refuse_foreign_keys().map_err(|_| OutsideRefusal::Key)?;
        let kid = head.key_id().map_err(|_| OutsideRefusal::Key)?;
        let payload: Value = sealed.payload().ok_or(OutsideRefusal::Malformed)?;
        // Not believed yet; but for a token that does not even say so, the issuer is not asked.
        claims::check_issuer(&payload, &self.config)?;
        let key = self.key(kid, algorithm, now).await?;
        match jsonwebtoken::crypto::verify(sealed.signature, sealed.message.as_bytes(), &key, algorithm) {
            Ok(true) => claims::read(&payload, &self.config, now),
            // An error says that the signature is no base64, or the key no key.
            Ok(false) | Err(_) => Err(OutsideRefusal::Signature),
        }
    }
}
