//! Links that can be given away: they open one path, to read, until a moment.
//!
//! `PATH?expires=SECONDS&signature=…`, where the signature is HMAC-SHA256 over path and moment, in base64url without
//! padding. A link takes no other parameter. It holds for the tenant of the server's own account.

use crate::problem::{Code, Problem};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::value::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Makes and checks signed links.
#[derive(Clone)]
pub struct UrlSigner(Hmac<Sha256>);

impl UrlSigner {
    /// With a secret key: 32 bytes from the machine's randomness.
    pub fn new(key: &[u8; 32]) -> Self {
        // A key is padded with zeros to the hash's block (RFC 2104).
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        Self(<Hmac<Sha256> as KeyInit>::new(&block.into()))
    }

    /// A link to a path (with no query), which opens until the second of `expires_at`.
    pub fn sign(&self, path: &str, expires_at: Timestamp) -> String {
        let expires = expires_at.unix_ms() / 1_000;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.mac(path, expires).finalize().into_bytes());
        format!("{path}?expires={expires}&signature={signature}")
    }

    /// Whether path and query are a link of ours that has not expired.
    pub(crate) fn check(&self, path: &str, query: &str, now: Timestamp) -> Result<(), Problem> {
        let invalid = || Problem::new(Code::LinkInvalid);
        let (expires, signature) = query.split_once('&').ok_or_else(invalid)?;
        let expires = expires.strip_prefix("expires=").and_then(|text| text.parse().ok()).ok_or_else(invalid)?;
        let signature = signature.strip_prefix("signature=").ok_or_else(invalid)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| invalid())?;
        self.mac(path, expires).verify_slice(&signature).map_err(|_| invalid())?;
        if now.unix_ms() / 1_000 < expires { Ok(()) } else { Err(Problem::new(Code::LinkExpired)) }
    }

    fn mac(&self, path: &str, expires: u64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(path.as_bytes());
        mac.update(b"\n");
        mac.update(&expires.to_be_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_ms(seconds * 1_000)
    }

    fn check(path: &str, query: &str, now: u64) -> Result<(), Code> {
        UrlSigner::new(&[7; 32]).check(path, query, at(now)).map_err(|problem| problem.code())
    }

    #[test]
    fn a_link_opens_its_path_until_its_moment() {
        let link = UrlSigner::new(&[7; 32]).sign("/v1/a", at(100));
        let (path, query) = link.split_once('?').expect("a query");
        assert_eq!(check(path, query, 99), Ok(()));
        assert_eq!(check(path, query, 100), Err(Code::LinkExpired));
        assert_eq!(check("/v1/b", query, 99), Err(Code::LinkInvalid));
    }

    #[test]
    fn a_link_that_was_touched_opens_nothing() {
        let link = UrlSigner::new(&[7; 32]).sign("/v1/a", at(100));
        let query = link.split_once('?').expect("a query").1;
        let touched = [
            query.replace("100", "101"),
            query.replace("expires=", "expires=0").replace("0100", "1000"),
            format!("{query}&a=b"),
            format!("{query}A"),
            format!("a=b&{query}"),
            query[..query.len() - 2].to_owned(),
            String::new(),
        ];
        for query in touched {
            assert_eq!(check("/v1/a", &query, 99), Err(Code::LinkInvalid), "{query}");
        }
        let other = UrlSigner::new(&[8; 32]).sign("/v1/a", at(100));
        assert_eq!(check("/v1/a", other.split_once('?').expect("a query").1, 99), Err(Code::LinkInvalid));
    }
}
