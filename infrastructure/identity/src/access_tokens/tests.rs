//! Issuing, verifying, and rotating.

mod attacks;

use super::*;
use serde_json::json;

const ISSUER: &str = "https://dub.example";
const AUDIENCE: &str = "https://dub.example/v1";
/// 2026-01-31T08:00:00Z.
const NOW: Timestamp = Timestamp::from_unix_ms(1_769_846_400_000);
const MINUTE_MS: u64 = 60_000;

fn tokens(seeds: &[u8]) -> JwtAccessTokens {
    let key = |seed: &u8| keys::make([*seed; 32], Timestamp::from_unix_ms(u64::from(*seed)));
    let keys = seeds.iter().map(key).collect();
    JwtAccessTokens::new(ISSUER.to_owned(), AUDIENCE.to_owned(), KeyPolicy::default(), keys)
}

fn claims() -> TokenClaims {
    TokenClaims {
        account: AccountId(Uuid::from_u128(1)),
        tenant: Tenant("studio".to_owned()),
        role: Role::Creator,
        session: SessionId(Uuid::from_u128(2)),
        client_id: "dragoman-cli".to_owned(),
        token_id: Uuid::from_u128(3),
        issued_at: NOW,
        expires_at: NOW.plus_ms(10 * MINUTE_MS),
    }
}

#[test]
fn a_token_says_what_it_was_issued_for() {
    let tokens = tokens(&[1]);
    let token = tokens.issue(&claims()).expect("a token");
    assert_eq!(tokens.verify(&token, NOW), Ok(claims()));
    assert!(tokens.looks_like_ours(&token));
    for role in Role::ALL {
        let token = tokens.issue(&TokenClaims { role, ..claims() }).expect("a token");
        assert_eq!(tokens.verify(&token, NOW).map(|claims| claims.role), Ok(role));
    }
}

/// RFC 9068, sections 2.1 and 2.2: what libraries of others look for.
#[test]
fn a_token_has_the_shape_of_the_rfc() {
    let tokens = tokens(&[1]);
    let token = tokens.issue(&claims()).expect("a token");
    let part = |number: usize| -> Value {
        let part = token.split('.').nth(number).expect("part");
        serde_json::from_slice(&crate::jws::decoded(part).expect("base64url")).expect("JSON")
    };
    let kid = &tokens.jwks()["keys"][0]["kid"];
    assert_eq!(part(0), json!({"typ": "at+jwt", "alg": "EdDSA", "kid": kid}));
    let expected = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": Uuid::from_u128(1), "client_id": "dragoman-cli",
        "iat": 1_769_846_400, "nbf": 1_769_846_400, "exp": 1_769_847_000, "jti": Uuid::from_u128(3),
        "tenant": "studio", "role": "creator", "sid": Uuid::from_u128(2),
    });
    assert_eq!(part(1), expected);
    assert!(token.len() < TOKEN_BYTES_MAX / 4, "{} bytes", token.len());
}

#[test]
fn a_token_holds_from_its_beginning_to_its_end_and_clocks_may_differ_a_little() {
    let tokens = tokens(&[1]);
    let token = tokens.issue(&claims()).expect("a token");
    let verified = |ms: u64| tokens.verify(&token, Timestamp::from_unix_ms(ms)).map(|_| ());
    let (begin, end) = (NOW.unix_ms(), NOW.unix_ms() + 10 * MINUTE_MS);
    assert_eq!(verified(begin - 5_001), Err(TokenRefusal::NotYetValid));
    assert_eq!(verified(begin - 5_000), Ok(()));
    assert_eq!(verified(end + 4_999), Ok(()));
    assert_eq!(verified(end + 5_000), Err(TokenRefusal::Expired));
    assert_eq!(verified(0), Err(TokenRefusal::NotYetValid));
    assert_eq!(verified(u64::MAX), Err(TokenRefusal::Expired));
}

#[test]
fn without_a_key_nothing_is_issued() {
    assert!(matches!(tokens(&[]).issue(&claims()), Err(TokenError::NoKey)));
    assert_eq!(tokens(&[]).jwks(), json!({"keys": []}));
}

#[test]
fn the_key_set_holds_public_halves_only() {
    let tokens = tokens(&[1, 2]);
    let jwks = tokens.jwks();
    let names = ["alg", "crv", "kid", "kty", "use", "x"];
    for key in jwks["keys"].as_array().expect("keys") {
        let mut members: Vec<_> = key.as_object().expect("object").keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, names);
        assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519")));
    }
    for seed in [1, 2] {
        assert!(!jwks.to_string().contains(&crate::jws::encoded(&[seed; 32])));
    }
    let newest = keys::make([2; 32], NOW).kid;
    assert_eq!(jwks["keys"][0]["kid"], newest.as_str());
}

#[test]
fn a_rotation_logs_nobody_out() {
    let tokens = tokens(&[1]);
    let policy = KeyPolicy::default();
    let kid_of = |token: &str| {
        let sealed = Sealed::open(token, TOKEN_BYTES_MAX).expect("a token");
        sealed.head.key_id().ok().flatten().expect("a key id").to_owned()
    };
    let [old, new] = [([1; 32], Timestamp::from_unix_ms(1)), ([2; 32], NOW)].map(|(seed, at)| keys::make(seed, at));
    let first = tokens.issue(&claims()).expect("a token");

    tokens.set_keys(vec![old.clone(), new.clone()]);
    assert_eq!(tokens.verify(&first, NOW), Ok(claims()), "the old token goes on");
    assert_eq!(kid_of(&tokens.issue(&claims()).expect("a token")), old.kid, "the new key is only published");
    assert_eq!(tokens.jwks()["keys"].as_array().map(Vec::len), Some(2));

    let later = NOW.plus_ms(policy.lead_ms);
    let claims = TokenClaims { issued_at: later, expires_at: later.plus_ms(policy.token_ms), ..claims() };
    let second = tokens.issue(&claims).expect("a token");
    assert_eq!(kid_of(&second), new.kid, "the new key signs");

    tokens.set_keys(vec![new]);
    assert_eq!(tokens.verify(&second, later), Ok(claims));
    assert_eq!(tokens.verify(&first, NOW), Err(TokenRefusal::Key), "a retired key verifies nothing");
}

#[test]
fn who_says_to_be_ours_is_only_believed_to_choose() {
    let ours = tokens(&[1]);
    let forged = tokens(&[9]).issue(&claims()).expect("a token");
    assert!(ours.looks_like_ours(&forged));
    assert_eq!(ours.verify(&forged, NOW), Err(TokenRefusal::Key));
    let other = JwtAccessTokens::new(
        "https://other.example".to_owned(),
        AUDIENCE.to_owned(),
        KeyPolicy::default(),
        vec![keys::make([1; 32], NOW)],
    );
    assert!(!ours.looks_like_ours(&other.issue(&claims()).expect("a token")));
    for nothing in ["", "a.b.c", "dgk_0123_abcd", "e30.e30.e30"] {
        assert!(!ours.looks_like_ours(nothing), "{nothing}");
    }
}
