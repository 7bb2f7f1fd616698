//! The keys of an installation, ready for use.

use crate::jws::encoded;
use application::ports::access_tokens::{KeyPolicy, SigningKey, signer};
use domain::value::Timestamp;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::cmp::Reverse;

/// What stands before the seed in a private key of Ed25519 after RFC 8410, section 7.
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The key of this seed. Its id is the thumbprint of its public half.
pub(super) fn make(seed: [u8; 32], made_at: Timestamp) -> SigningKey {
    SigningKey::new(thumbprint(&public_half(&seed)), seed, made_at)
}

/// All keys that may verify.
pub(super) struct KeySet {
    keys: Vec<SigningKey>,
    ready: Vec<Ready>,
}

/// A key in the forms that the library takes.
pub(super) struct Ready {
    pub(super) kid: String,
    pub(super) private: EncodingKey,
    pub(super) public: DecodingKey,
    /// The public half in base64url.
    x: String,
}

impl KeySet {
    pub(super) fn new(mut keys: Vec<SigningKey>) -> Self {
        keys.sort_by_key(|key| Reverse(key.made_at));
        let ready = keys.iter().map(ready).collect();
        Self { keys, ready }
    }

    /// The key of this id, letter by letter. An id is compared, never used as a path or in a query.
    pub(super) fn find(&self, kid: &str) -> Option<&Ready> {
        self.ready.iter().find(|key| key.kid == kid)
    }

    /// The key that signs now.
    pub(super) fn signer(&self, now: Timestamp, policy: &KeyPolicy) -> Option<&Ready> {
        signer(&self.keys, now, policy).and_then(|key| self.find(&key.kid))
    }

    /// The public halves, newest first, after RFC 8037, section 2.
    pub(super) fn jwks(&self) -> Value {
        let jwk = |key: &Ready| json!({"kty": "OKP", "crv": "Ed25519", "x": key.x, "kid": key.kid, "use": "sig", "alg": "EdDSA"});
        json!({ "keys": self.ready.iter().map(jwk).collect::<Vec<_>>() })
    }
}

fn ready(key: &SigningKey) -> Ready {
    let public = public_half(key.expose());
    let private = [&PKCS8_PREFIX[..], key.expose()].concat();
    Ready {
        kid: key.kid.clone(),
        private: EncodingKey::from_ed_der(&private),
        public: DecodingKey::from_ed_der(&public),
        x: encoded(&public),
    }
}

fn public_half(seed: &[u8; 32]) -> [u8; 32] {
    ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

/// RFC 7638, with the members that RFC 8037, appendix A.3, names.
fn thumbprint(public: &[u8; 32]) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encoded(public));
    encoded(&Sha256::digest(members))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jws::decoded;

    /// RFC 8037, appendices A.1 to A.3.
    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        let seed = decoded("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").expect("base64url");
        let key = make(seed.try_into().expect("32 bytes"), Timestamp::from_unix_ms(0));
        assert_eq!(key.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let jwks = KeySet::new(vec![key]).jwks();
        assert_eq!(jwks["keys"][0]["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    }
}
