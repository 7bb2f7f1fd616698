//! Tokens that must not be accepted: those of the issue's list, and whatever a bit can do.

use super::*;
use crate::jws::{decoded, encoded};
use TokenRefusal::{
    Algorithm as WrongAlgorithm, Audience as WrongAudience, Claims, Expired, Issuer, Key, Malformed, NotYetValid,
    Signature, Type,
};
use ed25519_dalek::Signer;
use jsonwebtoken::EncodingKey;
use serde_json::json;

/// The seed of the only key of the installation that is attacked.
const SEED: u8 = 1;

fn head() -> Value {
    json!({"typ": "at+jwt", "alg": "EdDSA", "kid": kid(SEED)})
}

fn body() -> Value {
    let now = NOW.unix_ms() / 1_000;
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": Uuid::from_u128(1), "client_id": "dragoman-cli",
        "iat": now, "nbf": now, "exp": now + 600, "jti": Uuid::from_u128(3),
        "tenant": "studio", "role": "creator", "sid": Uuid::from_u128(2),
    })
}

fn kid(seed: u8) -> String {
    keys::make([seed; 32], NOW).kid
}

/// The value with one member set; with `null` it is taken away.
fn with(mut value: Value, name: &str, member: Value) -> Value {
    let members = value.as_object_mut().expect("an object");
    if member.is_null() {
        members.remove(name)
    } else {
        members.insert(name.to_owned(), member)
    };
    value
}

fn message(head: &Value, body: &Value) -> String {
    format!("{}.{}", encoded(head.to_string().as_bytes()), encoded(body.to_string().as_bytes()))
}

/// Signed with Ed25519 by the key of this seed, whatever the header says.
fn signed(seed: u8, head: &Value, body: &Value) -> String {
    let message = message(head, body);
    let signature = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).sign(message.as_bytes());
    format!("{message}.{}", encoded(&signature.to_bytes()))
}

fn check(token: &str, expected: TokenRefusal) {
    assert_eq!(tokens(&[SEED]).verify(token, NOW), Err(expected), "{token}");
}

fn check_head(name: &str, member: Value, expected: TokenRefusal) {
    check(&signed(SEED, &with(head(), name, member), &body()), expected);
}

fn check_body(name: &str, member: Value, expected: TokenRefusal) {
    check(&signed(SEED, &head(), &with(body(), name, member)), expected);
}

/// All below would prove nothing if this one were refused.
#[test]
fn the_token_that_all_attacks_start_from_is_accepted() {
    let accepts = |head: &Value, body: &Value| tokens(&[SEED]).verify(&signed(SEED, head, body), NOW).is_ok();
    assert!(accepts(&head(), &body()));
    assert!(accepts(&with(head(), "typ", json!("application/at+jwt")), &body()));
    assert!(accepts(&head(), &with(body(), "aud", json!(["https://else.example", AUDIENCE]))));
    assert!(accepts(&head(), &with(body(), "unknown", json!({"to": "us"}))));
}

#[test]
fn only_our_algorithm_counts() {
    for name in ["none", "None", "NONE", "HS256", "RS256", "ES256", "PS256", "eddsa", "EdDSA ", "Ed25519", ""] {
        check_head("alg", json!(name), WrongAlgorithm);
        check(&format!("{}.", message(&with(head(), "alg", json!(name)), &body())), WrongAlgorithm);
    }
    for odd in [json!(["EdDSA"]), json!(1), json!({"EdDSA": 1}), json!(null)] {
        check_head("alg", odd, WrongAlgorithm);
    }
    check(&format!("{}.", message(&head(), &body())), Signature);
}

/// The oldest confusion: the public key, which everybody knows, taken for the secret of an HMAC.
#[test]
fn the_public_key_is_no_secret() {
    let jwks = tokens(&[SEED]).jwks();
    let x = jwks["keys"][0]["x"].as_str().expect("x").to_owned();
    let public = decoded(&x).expect("base64url");
    for secret in [public.as_slice(), x.as_bytes(), jwks.to_string().as_bytes()] {
        for (name, algorithm) in [("HS256", Algorithm::HS256), ("HS512", Algorithm::HS512)] {
            let key = EncodingKey::from_secret(secret);
            for (says, expected) in [(name, WrongAlgorithm), ("EdDSA", Signature)] {
                let message = message(&with(head(), "alg", json!(says)), &body());
                let mac = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).expect("a MAC");
                check(&format!("{message}.{mac}"), expected);
            }
        }
    }
}

#[test]
fn only_access_tokens_count() {
    for typ in ["JWT", "jwt", "at", "at+jwt;x", "application/jwt", "id+jwt", "logout+jwt", ""] {
        check_head("typ", json!(typ), Type);
    }
    check_head("typ", json!(null), Type);
    check_head("typ", json!(["at+jwt"]), Type);
}

#[test]
fn a_token_cannot_bring_its_key_or_say_where_it_is() {
    let theirs = tokens(&[9]).jwks()["keys"][0].clone();
    for (name, member) in [
        ("jwk", theirs.clone()),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
    ] {
        check_head(name, member.clone(), Key);
        for kid in [kid(9), kid(SEED)] {
            let head = with(with(head(), name, member.clone()), "kid", json!(kid));
            check(&signed(9, &head, &body()), Key);
        }
    }
    check(&signed(9, &with(head(), "kid", theirs["kid"].clone()), &body()), Key);
    check(&signed(9, &head(), &body()), Signature);
}

#[test]
fn a_key_id_is_a_name_and_nothing_else() {
    let ours = kid(SEED);
    for odd in [
        String::new(),
        "../../../../dev/null".to_owned(),
        "/dev/null".to_owned(),
        format!("../{ours}"),
        format!("{ours}\0"),
        format!("{ours} "),
        format!(" {ours}"),
        ours.to_uppercase(),
        ours[..20].to_owned(),
        "' OR '1'='1".to_owned(),
        format!("{ours}' UNION SELECT 'x' --"),
        "%".to_owned(),
        "*".to_owned(),
        "0".to_owned(),
        "https://evil.example/key".to_owned(),
        "|id".to_owned(),
        "x".repeat(1_000),
    ] {
        check_head("kid", json!(odd), Key);
    }
    for odd in [json!(null), json!([ours]), json!({"kid": ours}), json!(0), json!(true)] {
        check_head("kid", odd, Key);
    }
}

#[test]
fn who_issued_it_and_for_whom_is_compared_letter_by_letter() {
    for odd in ["https://dub.example/", "https://DUB.example", "http://dub.example", "https://dub.example.evil", ""] {
        check_body("iss", json!(odd), Issuer);
    }
    for odd in [json!(null), json!([ISSUER]), json!(1)] {
        check_body("iss", odd, Claims);
    }
    for odd in [json!(""), json!([]), json!("https://dub.example"), json!([format!("{AUDIENCE}/")]), json!("*")] {
        check_body("aud", odd, WrongAudience);
    }
    for odd in [json!(null), json!([[AUDIENCE]]), json!({"aud": AUDIENCE}), json!(true)] {
        check_body("aud", odd, Claims);
    }
}

#[test]
fn times_must_be_there_and_hold() {
    let now = NOW.unix_ms() / 1_000;
    check_body("exp", json!(now - 5), Expired);
    check_body("exp", json!(0), Expired);
    check_body("nbf", json!(now + 6), NotYetValid);
    check_body("iat", json!(now + 6), NotYetValid);
    check_body("nbf", json!(u64::MAX), NotYetValid);
    for name in ["exp", "nbf", "iat"] {
        for odd in [json!(null), json!("1769847000"), json!(-1), json!(1.5), json!(1e300), json!([now])] {
            check_body(name, odd, Claims);
        }
    }
}

#[test]
fn every_claim_must_be_there_and_be_what_it_should() {
    for name in ["sub", "jti", "sid", "tenant", "role", "client_id"] {
        for odd in [json!(null), json!(1), json!([]), json!({})] {
            check_body(name, odd, Claims);
        }
    }
    for name in ["sub", "jti", "sid"] {
        check_body(name, json!("admin"), Claims);
    }
    for odd in ["root", "Admin", "", "creator "] {
        check_body("role", json!(odd), Claims);
    }
    let twice = body().to_string().replacen('{', r#"{"role":"admin","#, 1);
    let message = format!("{}.{}", encoded(head().to_string().as_bytes()), encoded(twice.as_bytes()));
    let signature = ed25519_dalek::SigningKey::from_bytes(&[SEED; 32]).sign(message.as_bytes());
    check(&format!("{message}.{}", encoded(&signature.to_bytes())), Claims);
}

#[test]
fn tokens_that_are_too_large_or_cut_are_not_read() {
    check(&signed(SEED, &head(), &with(body(), "pad", json!("x".repeat(3_000)))), Malformed);
    check(&signed(SEED, &with(head(), "pad", json!("x".repeat(3_000))), &body()), Malformed);
    check(&"a.".repeat(3_000_000), Malformed);
    let token = tokens(&[SEED]).issue(&claims()).expect("a token");
    let verifier = tokens(&[SEED]);
    for end in 0..token.len() {
        assert!(verifier.verify(&token[..end], NOW).is_err(), "{end}");
        assert!(verifier.verify(&token[end + 1..], NOW).is_err(), "{end}");
    }
    for around in
        [format!("{token}."), format!(".{token}"), format!("{token}A"), format!("{token}="), format!(" {token}")]
    {
        assert!(verifier.verify(&around, NOW).is_err(), "{around}");
    }
}

/// Every other byte in every place, by one flipped bit each: header, payload, signature and the dots between.
#[test]
fn no_flipped_bit_goes_unseen() {
    let verifier = tokens(&[SEED]);
    let token = verifier.issue(&claims()).expect("a token");
    for place in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[place] ^= 1 << bit;
            let flipped = String::from_utf8(bytes).expect("ASCII");
            assert!(verifier.verify(&flipped, NOW).is_err(), "bit {bit} of byte {place}");
        }
    }
}

/// A signature has one form only: adding the order of the group to it must not give another one.
#[test]
fn a_signature_cannot_be_rewritten() {
    /// The order of Ed25519's group, RFC 8032, section 5.1, in little-endian bytes.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let token = signed(SEED, &head(), &body());
    let (message, signature) = token.rsplit_once('.').expect("a signature");
    let mut signature = decoded(signature).expect("base64url");
    let mut carry = 0_u16;
    for (byte, more) in signature[32..].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(more);
        *byte = (carry & 0xff) as u8;
        carry >>= 8;
    }
    check(&format!("{message}.{}", encoded(&signature)), Signature);
}

#[test]
fn a_refusal_repeats_nothing_of_the_token() {
    let token = signed(9, &with(head(), "kid", json!("planted")), &with(body(), "tenant", json!("planted")));
    let refusal = tokens(&[SEED]).verify(&token, NOW).expect_err("refused");
    assert!(!format!("{refusal} {refusal:?}").contains("planted"));
}
