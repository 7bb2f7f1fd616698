//! An issuer's keys, read from its JWK set (RFC 7517, RFC 7518, RFC 8037) with distrust. Pure.

use crate::jws::decoded;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// How many keys of a set are looked at.
const KEYS_MAX: usize = 64;

/// Bits of an RSA key: fewer are refused by RFC 7518, section 3.3; more cost too much.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=4_096;

/// The keys that may sign.
pub(super) struct IssuerKeys(Vec<IssuerKey>);

struct IssuerKey {
    kid: Option<String>,
    /// The algorithms that its type and its own `alg` allow.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl IssuerKeys {
    /// From a JWK set; `None` when it is none. Keys of kinds that are not used are passed over.
    pub(super) fn read(jwks: &Value) -> Option<Self> {
        let keys = jwks.get("keys")?.as_array()?;
        Some(Self(keys.iter().take(KEYS_MAX).filter_map(read).collect()))
    }

    /// Whether there is none to verify with.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of this id that fits the algorithm. A token without an id may mean the only key that fits, and no other.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let mut fitting = self.0.iter().filter(|key| key.algorithms.contains(&algorithm));
        match kid {
            Some(kid) => fitting.find(|key| key.kid.as_deref() == Some(kid)).map(|key| key.key.clone()),
            None => fitting.next().filter(|_| fitting.next().is_none()).map(|key| key.key.clone()),
        }
    }
}

fn read(jwk: &Value) -> Option<IssuerKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let is_for_signatures = text("use").is_none_or(|usage| usage == "sig");
    let may_verify =
        jwk.get("key_ops").is_none_or(|ops| ops.as_array().is_some_and(|ops| ops.contains(&"verify".into())));
    if !is_for_signatures || !may_verify {
        return None;
    }
    let (key, algorithms) = match (text("kty")?, text("crv")) {
        ("RSA", _) => (rsa(text("n")?, text("e")?)?, vec![Algorithm::RS256, Algorithm::PS256]),
        ("EC", Some("P-256")) => (p256(text("x")?, text("y")?)?, vec![Algorithm::ES256]),
        ("OKP", Some("Ed25519")) => (ed25519(text("x")?)?, vec![Algorithm::EdDSA]),
        _ => return None,
    };
    let is_meant = |algorithm: &Algorithm| {
        let name = super::ALGORITHMS.iter().find(|(_, known)| known == algorithm).map(|(name, _)| *name);
        jwk.get("alg").is_none_or(|alg| alg.as_str() == name)
    };
    let algorithms = algorithms.into_iter().filter(is_meant).collect();
    Some(IssuerKey { kid: text("kid").map(str::to_owned), algorithms, key })
}

fn rsa(n: &str, e: &str) -> Option<DecodingKey> {
    let (n, e) = (decoded(n)?, decoded(e)?);
    let leading = n.iter().take_while(|byte| **byte == 0).count();
    let n = n.get(leading..)?;
    let bits = (n.len() * 8).checked_sub(n.first()?.leading_zeros() as usize)?;
    RSA_BITS.contains(&bits).then(|| DecodingKey::from_rsa_raw_components(n, &e))
}

/// The library takes coordinates of any length and says so only when it verifies.
fn p256(x: &str, y: &str) -> Option<DecodingKey> {
    let is_coordinate = |text: &str| decoded(text).is_some_and(|bytes| bytes.len() == 32);
    if is_coordinate(x) && is_coordinate(y) { DecodingKey::from_ec_components(x, y).ok() } else { None }
}

/// The library cuts 32 bytes out of what it is given, and panics when there are fewer.
fn ed25519(x: &str) -> Option<DecodingKey> {
    let bytes: [u8; 32] = decoded(x)?.try_into().ok()?;
    // A point of small order would verify signatures that nobody made.
    let is_weak = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_or(true, |key| key.is_weak());
    (!is_weak).then(|| DecodingKey::from_ed_der(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jws::encoded;
    use serde_json::json;

    fn ed(seed: u8) -> Value {
        let public = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key();
        json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(public.as_bytes()), "kid": "a"})
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    fn finds(keys: &[Value], kid: Option<&str>, algorithm: Algorithm) -> bool {
        IssuerKeys::read(&json!({"keys": keys})).expect("a set").find(kid, algorithm).is_some()
    }

    #[test]
    fn a_key_is_used_only_for_what_it_is() {
        let fits = |jwk: Value| finds(&[jwk], Some("a"), Algorithm::EdDSA);
        assert!(fits(ed(1)));
        assert!(fits(with(with(ed(1), "use", json!("sig")), "alg", json!("EdDSA"))));
        assert!(fits(with(ed(1), "key_ops", json!(["verify"]))));
        for (name, odd) in [
            ("use", json!("enc")),
            ("key_ops", json!(["encrypt"])),
            ("key_ops", json!("verify")),
            ("alg", json!("RS256")),
            ("alg", json!("HS256")),
            ("alg", json!(1)),
            ("kty", json!("oct")),
            ("kty", json!("EC")),
            ("crv", json!("X25519")),
            ("crv", json!(null)),
            ("kid", json!("b")),
            ("kid", json!(["a"])),
        ] {
            assert!(!fits(with(ed(1), name, odd.clone())), "{name} {odd}");
        }
        for other in [Algorithm::RS256, Algorithm::ES256, Algorithm::PS256, Algorithm::HS256] {
            assert!(!finds(&[ed(1)], Some("a"), other));
        }
    }

    #[test]
    fn keys_that_are_none_are_passed_over() {
        let good = with(ed(1), "kid", json!("good"));
        let short = |bytes: usize| json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(&vec![1; bytes]), "kid": "a"});
        let rsa = |bits: usize| json!({"kty": "RSA", "n": encoded(&vec![255; bits / 8]), "e": "AQAB", "kid": "a"});
        let ec =
            |bytes: usize| json!({"kty": "EC", "crv": "P-256", "x": encoded(&vec![1; bytes]), "y": encoded(&[1; 32])});
        let weak = with(ed(1), "x", json!(encoded(&[&[1_u8][..], &[0; 31]].concat())));
        let secret = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "a", "alg": "HS256"});
        let odd = [short(31), short(0), short(33), rsa(1_024), rsa(8_192), rsa(0), ec(31), ec(0), weak, secret];
        for odd in odd.into_iter().chain([json!(null), json!("x"), json!({}), json!([])]) {
            let keys = IssuerKeys::read(&json!({"keys": [odd]})).expect("a set");
            assert!(keys.is_empty(), "{odd}");
            assert!(finds(&[odd, good.clone()], Some("good"), Algorithm::EdDSA));
        }
        assert!(finds(&[rsa(2_048)], Some("a"), Algorithm::RS256) && finds(&[rsa(4_096)], Some("a"), Algorithm::PS256));
        assert!([json!({}), json!([]), json!({"keys": {}})].iter().all(|set| IssuerKeys::read(set).is_none()));
    }

    #[test]
    fn without_an_id_only_one_key_may_fit() {
        assert!(finds(&[ed(1)], None, Algorithm::EdDSA));
        assert!(!finds(&[ed(1), ed(2)], None, Algorithm::EdDSA));
        assert!(!finds(&[ed(1)], None, Algorithm::ES256));
        assert!(!finds(&[ed(1)], Some(""), Algorithm::EdDSA));
        assert!(!finds(&[json!({"kty": "OKP", "crv": "Ed25519", "x": ed(1)["x"]})], Some(""), Algorithm::EdDSA));
    }
}
