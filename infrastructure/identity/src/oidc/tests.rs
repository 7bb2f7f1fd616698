//! An issuer of the test, with keys that are made in it.

use super::*;
use crate::jws::encoded;
use application::ports::outbound::{OutboundAnswer, OutboundError, OutboundRequest};
use jsonwebtoken::{EncodingKey, Header, jwk::Jwk};
use rsa::{pkcs1::EncodeRsaPrivateKey, rand_core::OsRng};
use serde_json::json;
use std::{collections::HashMap, sync::LazyLock};

const ISSUER: &str = "https://id.example/realms/studio";
const DISCOVERY: &str = "https://id.example/realms/studio/.well-known/openid-configuration";
const JWKS: &str = "https://id.example/keys";
const NOW: Timestamp = Timestamp::from_unix_ms(1_769_846_400_000);

/// Making one takes a second; all tests share it.
static RSA: LazyLock<EncodingKey> = LazyLock::new(|| {
    let key = rsa::RsaPrivateKey::new(&mut OsRng, 2048).expect("a key");
    EncodingKey::from_rsa_der(key.to_pkcs1_der().expect("DER").as_bytes())
});

/// A private key of P-256 in PKCS #8, with this byte as its scalar's last.
fn p256(last: u8) -> EncodingKey {
    let prefix = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";
    let mut der: Vec<u8> =
        (0..prefix.len()).step_by(2).map(|at| u8::from_str_radix(&prefix[at..at + 2], 16).expect("hex")).collect();
    der.extend([5; 31]);
    der.push(last);
    EncodingKey::from_ec_der(&der)
}

fn ed25519(seed: u8) -> EncodingKey {
    let prefix = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    EncodingKey::from_ed_der(&[&prefix[..], &[seed; 32]].concat())
}

fn ed25519_jwk(seed: u8, kid: &str) -> Value {
    let public = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key();
    json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(public.as_bytes()), "kid": kid, "use": "sig", "alg": "EdDSA"})
}

/// The public half of an RSA or P-256 key, without `alg`.
fn jwk(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).expect("a JWK")).expect("JSON");
    let members = jwk.as_object_mut().expect("an object");
    members.remove("alg");
    members.insert("kid".to_owned(), json!(kid));
    jwk
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "dragoman", "sub": "u-1", "exp": 1_769_846_700, "iat": 1_769_846_400,
        "email": "ada@example.org", "email_verified": true, "name": "Ada", "groups": ["makers"],
    })
}

fn token(algorithm: Algorithm, kid: Option<&str>, key: &EncodingKey) -> String {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(&header, &claims(), key).expect("a token")
}

/// Answers from a table, and counts what was asked.
#[derive(Default)]
struct Web {
    pages: Mutex<HashMap<String, (u16, Vec<u8>)>>,
    asked: Mutex<Vec<String>>,
}

impl Web {
    /// With the issuer's two documents, and these keys.
    fn with(keys: &[Value]) -> Arc<Self> {
        let web = Self::default();
        web.put(DISCOVERY, 200, &json!({"issuer": ISSUER, "jwks_uri": JWKS}));
        web.put(JWKS, 200, &json!({"keys": keys}));
        Arc::new(web)
    }

    fn put(&self, url: &str, status: u16, page: &Value) {
        let body = page.to_string().into_bytes();
        self.pages.lock().expect("pages").insert(url.to_owned(), (status, body));
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("asked").clone()
    }
}

#[async_trait]
impl Outbound for Web {
    async fn send(&self, request: OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        tokio::task::yield_now().await;
        assert!(request.answer_bytes_max <= 1 << 20 && request.timeout.as_secs() <= 10, "within bounds");
        assert_eq!(request.reach, Reach::Public);
        self.asked.lock().expect("asked").push(request.url.clone());
        let page = self.pages.lock().expect("pages").get(&request.url).cloned();
        let (status, body) = page.ok_or(OutboundError::TimedOut)?;
        Ok(OutboundAnswer { status, headers: Vec::new(), body })
    }

    async fn check(&self, _: &str, _: Reach) -> Result<(), OutboundError> {
        Ok(())
    }
}

fn issuer(web: &Arc<Web>) -> OidcIssuer {
    let config = OidcConfig {
        issuer: ISSUER.to_owned(),
        audience: "dragoman".to_owned(),
        role_claim: "groups".to_owned(),
        role_map: vec![("makers".to_owned(), Role::Creator)],
        default_role: None,
        reach: Reach::Public,
    };
    OidcIssuer::new(config, Arc::clone(web) as Arc<dyn Outbound>)
}

fn later(ms: u64) -> Timestamp {
    NOW.plus_ms(ms)
}

#[tokio::test]
async fn tokens_of_every_allowed_algorithm_are_accepted() {
    let ec = p256(1);
    let web = Web::with(&[jwk(&RSA, Algorithm::RS256, "r"), jwk(&ec, Algorithm::ES256, "e"), ed25519_jwk(1, "d")]);
    let issuer = issuer(&web);
    let expected = OutsideClaims {
        issuer: ISSUER.to_owned(),
        subject: "u-1".to_owned(),
        email: Some("ada@example.org".to_owned()),
        is_email_verified: true,
        name: Some("Ada".to_owned()),
        role: Role::Creator,
    };
    for (algorithm, kid, key) in [
        (Algorithm::RS256, "r", &*RSA),
        (Algorithm::PS256, "r", &*RSA),
        (Algorithm::ES256, "e", &ec),
        (Algorithm::EdDSA, "d", &ed25519(1)),
    ] {
        for kid in [Some(kid), None] {
            let token = token(algorithm, kid, key);
            assert_eq!(issuer.verify(&token, NOW).await, Ok(expected.clone()), "{algorithm:?} {kid:?}");
            let end = if token.ends_with('A') { "B" } else { "A" };
            let forged = format!("{}{end}", &token[..token.len() - 1]);
            assert!(issuer.verify(&forged, NOW).await.is_err());
        }
    }
    assert_eq!(web.asked(), [DISCOVERY, JWKS], "the keys are asked for once");
}

#[tokio::test]
async fn a_key_verifies_only_what_it_is_for() {
    let ec = p256(1);
    let web = Web::with(&[
        jwk(&RSA, Algorithm::RS256, "r"),
        {
            let mut only_ps = jwk(&RSA, Algorithm::PS256, "p");
            only_ps["alg"] = json!("PS256");
            only_ps
        },
        jwk(&ec, Algorithm::ES256, "e"),
        ed25519_jwk(1, "d"),
    ]);
    let issuer = issuer(&web);
    for (algorithm, kid, key, expected) in [
        (Algorithm::RS256, "p", &*RSA, OutsideRefusal::Key),
        (Algorithm::RS256, "e", &*RSA, OutsideRefusal::Key),
        (Algorithm::ES256, "d", &ec, OutsideRefusal::Key),
        (Algorithm::EdDSA, "r", &ed25519(1), OutsideRefusal::Key),
        (Algorithm::EdDSA, "../d", &ed25519(1), OutsideRefusal::Key),
        (Algorithm::ES256, "e", &p256(2), OutsideRefusal::Signature),
        (Algorithm::EdDSA, "d", &ed25519(2), OutsideRefusal::Signature),
        (Algorithm::RS384, "r", &*RSA, OutsideRefusal::Algorithm),
        (Algorithm::RS512, "r", &*RSA, OutsideRefusal::Algorithm),
    ] {
        let answer = issuer.verify(&token(algorithm, Some(kid), key), NOW).await;
        assert_eq!(answer, Err(expected), "{algorithm:?} {kid}");
    }
}

/// A public key as the secret of an HMAC, no signature at all, and keys that the token brings.
#[tokio::test]
async fn forged_tokens_are_refused_without_asking_the_issuer() {
    let web = Web::with(&[jwk(&RSA, Algorithm::RS256, "r"), ed25519_jwk(1, "d")]);
    let issuer = issuer(&web);
    let n = jwk(&RSA, Algorithm::RS256, "r")["n"].to_string();
    let hmac = token(Algorithm::HS256, Some("r"), &EncodingKey::from_secret(n.as_bytes()));
    assert_eq!(issuer.verify(&hmac, NOW).await, Err(OutsideRefusal::Algorithm));
    let unsigned = |header: Value, claims: Value| {
        let part = |value: Value| encoded(value.to_string().as_bytes());
        format!("{}.{}.AAAA", part(header), part(claims))
    };
    let foreign = |name: &str, value: Value| {
        let mut header = json!({"alg": "EdDSA", "kid": "d"});
        header[name] = value;
        unsigned(header, claims())
    };
    let mut others = claims();
    others["iss"] = json!("https://evil.example");
    for (token, expected) in [
        (unsigned(json!({"alg": "none"}), claims()), OutsideRefusal::Algorithm),
        (unsigned(json!({}), claims()), OutsideRefusal::Algorithm),
        (foreign("typ", json!("logout+jwt")), OutsideRefusal::Type),
        (foreign("typ", json!("secevent+jwt")), OutsideRefusal::Type),
        (foreign("jwk", ed25519_jwk(9, "d")), OutsideRefusal::Key),
        (foreign("jku", json!("https://evil.example/keys")), OutsideRefusal::Key),
        (foreign("x5u", json!("https://evil.example/cert")), OutsideRefusal::Key),
        (foreign("x5c", json!(["MIIB"])), OutsideRefusal::Key),
        (foreign("crit", json!(["exp"])), OutsideRefusal::Key),
        (foreign("kid", json!(["d"])), OutsideRefusal::Key),
        (unsigned(json!({"alg": "EdDSA", "kid": "d"}), others), OutsideRefusal::Issuer),
        (unsigned(json!({"alg": "EdDSA", "kid": "d"}), json!([])), OutsideRefusal::Claims),
        ("a.".repeat(100_000), OutsideRefusal::Malformed),
        (String::new(), OutsideRefusal::Malformed),
    ] {
        assert_eq!(issuer.verify(&token, NOW).await, Err(expected), "{token}");
    }
    assert_eq!(web.asked(), [""; 0], "nobody was asked");
}

#[tokio::test]
async fn a_new_key_is_found_and_made_up_ones_do_not_make_us_ask() {
    let web = Web::with(&[ed25519_jwk(1, "one")]);
    let issuer = issuer(&web);
    let (old, new) =
        (token(Algorithm::EdDSA, Some("one"), &ed25519(1)), token(Algorithm::EdDSA, Some("two"), &ed25519(2)));
    assert!(issuer.verify(&old, NOW).await.is_ok());
    web.put(JWKS, 200, &json!({"keys": [ed25519_jwk(2, "two"), ed25519_jwk(1, "one")]}));
    assert_eq!(issuer.verify(&new, later(29_999)).await, Err(OutsideRefusal::Key), "too early to ask again");
    assert!(issuer.verify(&new, later(30_000)).await.is_ok());
    assert!(issuer.verify(&old, later(30_000)).await.is_ok());
    assert_eq!(web.asked().len(), 4);
    for number in 0..100 {
        let made_up = token(Algorithm::EdDSA, Some(&format!("k{number}")), &ed25519(9));
        assert_eq!(issuer.verify(&made_up, later(40_000 + number)).await, Err(OutsideRefusal::Key));
    }
    assert_eq!(web.asked().len(), 4, "nothing was asked within thirty seconds");
}

#[tokio::test]
async fn keys_outlive_an_issuer_that_is_away_and_withdrawn_ones_are_forgotten() {
    let web = Web::with(&[ed25519_jwk(1, "one")]);
    let issuer = issuer(&web);
    // Signed for an hour and more.
    let mut claims = claims();
    claims["exp"] = json!(1_769_946_400);
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some("one".to_owned());
    let token = jsonwebtoken::encode(&header, &claims, &ed25519(1)).expect("a token");
    assert!(issuer.verify(&token, NOW).await.is_ok());
    web.put(JWKS, 503, &json!({}));
    assert!(issuer.verify(&token, later(KEYS_MS_MAX)).await.is_ok(), "the issuer is away");
    assert_eq!(web.asked().len(), 4);
    web.put(JWKS, 200, &json!({"keys": [ed25519_jwk(2, "two")]}));
    assert!(issuer.verify(&token, later(KEYS_MS_MAX + 29_999)).await.is_ok(), "too early to ask again");
    let answer = issuer.verify(&token, later(KEYS_MS_MAX + 30_000)).await;
    assert_eq!(answer, Err(OutsideRefusal::Key), "the key was withdrawn");
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let web = Web::with(&[ed25519_jwk(1, "one")]);
    let issuer = Arc::new(issuer(&web));
    let token = Arc::new(token(Algorithm::EdDSA, Some("one"), &ed25519(1)));
    let verify = || {
        let (issuer, token) = (Arc::clone(&issuer), Arc::clone(&token));
        tokio::spawn(async move { issuer.verify(&token, NOW).await })
    };
    let tasks: Vec<_> = (0..50).map(|_| verify()).collect();
    for task in tasks {
        assert!(task.await.expect("task").is_ok());
    }
    assert_eq!(web.asked(), [DISCOVERY, JWKS]);
}

#[tokio::test]
async fn documents_that_are_not_the_issuers_are_refused_and_asked_for_again() {
    let good = json!({"issuer": ISSUER, "jwks_uri": JWKS});
    for (document, keys, why) in [
        (json!({"issuer": "https://evil.example", "jwks_uri": JWKS}), None, "another issuer"),
        (json!({"issuer": format!("{ISSUER}/"), "jwks_uri": JWKS}), None, "another issuer"),
        (json!({"jwks_uri": JWKS}), None, "another issuer"),
        (json!({"issuer": ISSUER}), None, "names no keys"),
        (json!({"issuer": ISSUER, "jwks_uri": "http://id.example/keys"}), None, "not at an address of https"),
        (json!({"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"}), None, "not at an address of https"),
        (
            json!({"issuer": ISSUER, "jwks_uri": "https://nowhere.example"}),
            None,
            "its key set: the server did not answer",
        ),
        (good.clone(), Some(json!({"keys": {}})), "its key set is none"),
        (good.clone(), Some(json!({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]})), "no key of a kind"),
    ] {
        let web = Web::with(&[ed25519_jwk(1, "one")]);
        web.put(DISCOVERY, 200, &document);
        if let Some(keys) = keys {
            web.put(JWKS, 200, &keys);
        }
        let (issuer, token) = (issuer(&web), token(Algorithm::EdDSA, Some("one"), &ed25519(1)));
        for now in [NOW, later(4_999)] {
            let Err(OutsideRefusal::Unavailable { reason }) = issuer.verify(&token, now).await else { panic!("{why}") };
            assert!(reason.contains(why), "{reason}");
        }
        let asked = web.asked().len();
        web.put(DISCOVERY, 200, &good);
        web.put(JWKS, 200, &json!({"keys": [ed25519_jwk(1, "one")]}));
        assert!(issuer.verify(&token, later(5_000)).await.is_ok(), "{why}");
        assert_eq!(web.asked().len(), asked + 2);
    }
}

#[tokio::test]
async fn a_status_other_than_200_is_no_document() {
    let web = Web::with(&[ed25519_jwk(1, "one")]);
    web.put(DISCOVERY, 302, &json!({"issuer": ISSUER, "jwks_uri": JWKS}));
    let token = token(Algorithm::EdDSA, Some("one"), &ed25519(1));
    let Err(OutsideRefusal::Unavailable { reason }) = issuer(&web).verify(&token, NOW).await else { panic!("refused") };
    assert_eq!(reason, "its discovery document: answered with status 302");
}
