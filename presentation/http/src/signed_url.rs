//! Links that can be given away: they open one path, to read, until a moment.
//!
//! `PATH?expires=SECONDS&tenant=NAME&signature=…`, where the signature is HMAC-SHA256 over path, moment and tenant, in
//! base64url without padding. A link takes no other parameter, and holds for its tenant only.

use crate::problem::{Code, Problem};
use application::ports::event_log::Tenant;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::value::Timestamp;
use form_urlencoded::byte_serialize;
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

    /// A link to a path (with no query) of this tenant, which opens until the second of `expires_at`.
    pub fn sign(&self, tenant: &Tenant, path: &str, expires_at: Timestamp) -> String {
        let tenant: String = byte_serialize(tenant.0.as_bytes()).collect();
        let terms = format!("expires={}&tenant={tenant}", expires_at.unix_ms() / 1_000);
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.mac(path, &terms).finalize().into_bytes());
        format!("{path}?{terms}&signature={signature}")
    }

    /// Whose link it is, when path and query are one of ours that has not expired.
    pub(crate) fn check(&self, path: &str, query: &str, now: Timestamp) -> Result<Tenant, Problem> {
        let invalid = || Problem::new(Code::LinkInvalid);
        let (terms, signature) = query.rsplit_once("&signature=").ok_or_else(invalid)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| invalid())?;
        self.mac(path, terms).verify_slice(&signature).map_err(|_| invalid())?;
        // From here on it is what we wrote ourselves.
        let mut pairs = form_urlencoded::parse(terms.as_bytes());
        let expires = pairs.next().and_then(|(_, seconds)| seconds.parse::<u64>().ok()).ok_or_else(invalid)?;
        let tenant = pairs.next().map(|(_, tenant)| Tenant(tenant.into_owned())).ok_or_else(invalid)?;
        if now.unix_ms() / 1_000 < expires { Ok(tenant) } else { Err(Problem::new(Code::LinkExpired)) }
    }

    /// Neither part can hold a line feed: a path has none, and terms are percent-encoded.
    fn mac(&self, path: &str, terms: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(path.as_bytes());
        mac.update(b"\n");
        mac.update(terms.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_ms(seconds * 1_000)
    }

    fn tenant(name: &str) -> Tenant {
        Tenant(name.to_owned())
    }

    fn link(key: u8, owner: &str) -> String {
        let link = UrlSigner::new(&[key; 32]).sign(&tenant(owner), "/v1/a", at(100));
        link.split_once('?').expect("a query").1.to_owned()
    }

    fn check(path: &str, query: &str, now: u64) -> Result<Tenant, Code> {
        UrlSigner::new(&[7; 32]).check(path, query, at(now)).map_err(|problem| problem.code())
    }

    #[test]
    fn a_link_opens_its_path_until_its_moment() {
        let query = link(7, "us");
        assert_eq!(check("/v1/a", &query, 99), Ok(tenant("us")));
        assert_eq!(check("/v1/a", &query, 100), Err(Code::LinkExpired));
        assert_eq!(check("/v1/b", &query, 99), Err(Code::LinkInvalid));
    }

    #[test]
    fn a_link_tells_whose_it_is_whatever_the_name() {
        for owner in ["us", "a&tenant=b", "x&signature=y", "ü\n=%26", ""] {
            assert_eq!(check("/v1/a", &link(7, owner), 99), Ok(tenant(owner)), "{owner}");
        }
        assert_eq!(check("/v1/a", &link(7, "us").replace("=us", "=them"), 99), Err(Code::LinkInvalid));
    }

    #[test]
    fn a_link_that_was_touched_opens_nothing() {
        let query = link(7, "us");
        let touched = [
            query.replace("100", "101"),
            query.replace("expires=", "expires=0").replace("0100", "1000"),
            format!("{query}&a=b"),
            format!("{query}A"),
            format!("a=b&{query}"),
            query[..query.len() - 2].to_owned(),
            query.replace("&tenant=us", ""),
            String::new(),
            link(8, "us"),
        ];
        for query in touched {
            assert_eq!(check("/v1/a", &query, 99), Err(Code::LinkInvalid), "{query}");
        }
    }
}
