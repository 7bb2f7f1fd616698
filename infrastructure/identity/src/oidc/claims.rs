//! What the claims of an outside token mean here. Pure.

use super::OidcConfig;
use crate::jws::Audience;
use application::ports::outside_issuer::{OutsideClaims, OutsideRefusal};
use domain::value::{Role, Timestamp};
use serde::Deserialize;
use serde_json::Value;

/// By how much the issuer's clock may differ from ours.
const LEEWAY_MS: u64 = 30_000;

/// OpenID Connect Core, section 2: a subject has at most 255 characters.
const SUBJECT_CHARS_MAX: usize = 255;

/// What is kept of an address or a name.
const PERSONAL_CHARS_MAX: usize = 320;

/// Whether the token says that it is the issuer's.
pub(super) fn check_issuer(payload: &Value, config: &OidcConfig) -> Result<(), OutsideRefusal> {
    match payload.get("iss").and_then(Value::as_str) {
        Some(issuer) if issuer == config.issuer => Ok(()),
        Some(_) => Err(OutsideRefusal::Issuer),
        None => Err(OutsideRefusal::Claims),
    }
}

/// What a token says whose signature is right.
pub(super) fn read(payload: &Value, config: &OidcConfig, now: Timestamp) -> Result<OutsideClaims, OutsideRefusal> {
    check_issuer(payload, config)?;
    let audience = payload.get("aud").and_then(|aud| Audience::deserialize(aud).ok()).ok_or(OutsideRefusal::Claims)?;
    if !audience.holds(&config.audience) {
        return Err(OutsideRefusal::Audience);
    }
    check_times(payload, now)?;
    // Logout tokens and other events look like ID tokens otherwise (RFC 8417, section 2.2).
    if payload.get("events").is_some() {
        return Err(OutsideRefusal::Type);
    }
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    let is_subject = |subject: &&str| !subject.is_empty() && subject.chars().count() <= SUBJECT_CHARS_MAX;
    let subject = text("sub").filter(is_subject).ok_or(OutsideRefusal::Claims)?;
    let personal = |name: &str| {
        text(name).map(str::trim).filter(|said| !said.is_empty() && said.chars().count() <= PERSONAL_CHARS_MAX)
    };
    Ok(OutsideClaims {
        issuer: config.issuer.clone(),
        subject: subject.to_owned(),
        email: personal("email").map(str::to_owned),
        // Some issuers write the truth as a text.
        is_email_verified: matches!(payload.get("email_verified"), Some(Value::Bool(true)))
            || text("email_verified") == Some("true"),
        name: personal("name").map(str::to_owned),
        role: role(payload, config).ok_or(OutsideRefusal::NoRole)?,
    })
}

fn check_times(payload: &Value, now: Timestamp) -> Result<(), OutsideRefusal> {
    let expires_at = moment(payload, "exp")?.ok_or(OutsideRefusal::Claims)?;
    if now >= expires_at.plus_ms(LEEWAY_MS) {
        return Err(OutsideRefusal::Expired);
    }
    for name in ["nbf", "iat"] {
        if moment(payload, name)?.is_some_and(|at| now.plus_ms(LEEWAY_MS) < at) {
            return Err(OutsideRefusal::NotYetValid);
        }
    }
    Ok(())
}

/// A NumericDate (RFC 7519, section 2), which may have a fraction.
fn moment(payload: &Value, name: &str) -> Result<Option<Timestamp>, OutsideRefusal> {
    let Some(value) = payload.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0).ok_or(OutsideRefusal::Claims)?;
    // Saturates: a date beyond all time is the end of time.
    Ok(Some(Timestamp::from_unix_ms((seconds * 1_000.0) as u64)))
}

/// The highest role that is mapped from what the claim says, else the default.
fn role(payload: &Value, config: &OidcConfig) -> Option<Role> {
    let said: Vec<&str> = match claim(payload, &config.role_claim) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    };
    let mapped = config.role_map.iter().filter(|(name, _)| said.contains(&name.as_str())).map(|(_, role)| *role);
    mapped.max().or(config.default_role)
}

/// The claim of this name, dots and all (`https://studio.example/roles`), else the one at the end of the path.
fn claim<'a>(payload: &'a Value, path: &str) -> Option<&'a Value> {
    payload.get(path).or_else(|| path.split('.').try_fold(payload, |value, name| value.get(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::ports::outbound::Reach;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_769_846_400_000);

    fn config(role_claim: &str, default_role: Option<Role>) -> OidcConfig {
        OidcConfig {
            issuer: "https://id.example".to_owned(),
            audience: "dragoman".to_owned(),
            role_claim: role_claim.to_owned(),
            role_map: vec![
                ("staff".to_owned(), Role::Reviewer),
                ("dub admins".to_owned(), Role::Admin),
                ("makers".to_owned(), Role::Creator),
            ],
            default_role,
            reach: Reach::Public,
        }
    }

    fn payload() -> Value {
        json!({"iss": "https://id.example", "aud": "dragoman", "sub": "u-1", "exp": 1_769_846_700, "groups": "staff"})
    }

    /// The refusal of a payload with one claim set, if it is refused; `null` takes the claim away.
    fn refusal(name: &str, value: Value) -> Option<OutsideRefusal> {
        let mut payload = payload();
        let claims = payload.as_object_mut().expect("an object");
        if value.is_null() {
            claims.remove(name)
        } else {
            claims.insert(name.to_owned(), value)
        };
        read(&payload, &config("groups", None), NOW).err()
    }

    #[test]
    fn claims_must_be_there_and_be_what_they_should() {
        use OutsideRefusal::{Audience, Claims, Expired, Issuer, NotYetValid, Type};
        let now = 1_769_846_400;
        for (name, value, expected) in [
            ("sub", json!("u-1"), None),
            ("sub", json!(null), Some(Claims)),
            ("sub", json!(""), Some(Claims)),
            ("sub", json!(1), Some(Claims)),
            ("sub", json!("x".repeat(256)), Some(Claims)),
            ("iss", json!("https://id.example/"), Some(Issuer)),
            ("iss", json!(["https://id.example"]), Some(Claims)),
            ("aud", json!(["other", "dragoman"]), None),
            ("aud", json!("Dragoman"), Some(Audience)),
            ("aud", json!([]), Some(Audience)),
            ("aud", json!(null), Some(Claims)),
            ("exp", json!(null), Some(Claims)),
            ("exp", json!("1769846700"), Some(Claims)),
            ("exp", json!(-1), Some(Claims)),
            ("exp", json!(now - 29), None),
            ("exp", json!(now - 30), Some(Expired)),
            ("exp", json!(1_769_846_400.5), None),
            ("nbf", json!(now + 30), None),
            ("nbf", json!(now + 31), Some(NotYetValid)),
            ("nbf", json!("soon"), Some(Claims)),
            ("iat", json!(1e300), Some(NotYetValid)),
            ("events", json!({"http://schemas.openid.net/event/backchannel-logout": {}}), Some(Type)),
        ] {
            assert_eq!(refusal(name, value.clone()), expected, "{name} {value}");
        }
    }

    #[test]
    fn the_highest_role_wins_wherever_it_stands() {
        let check = |path: &str, claims: Value, expected: Option<Role>| {
            assert_eq!(role(&claims, &config(path, None)), expected, "{path} {claims}");
        };
        check("groups", json!({"groups": "staff"}), Some(Role::Reviewer));
        check("groups", json!({"groups": "dub admins"}), Some(Role::Admin));
        check("groups", json!({"groups": ["makers", "staff", "else"]}), Some(Role::Creator));
        check("groups", json!({"groups": ["staff", 1, ["dub admins"], {"makers": 1}]}), Some(Role::Reviewer));
        check("realm_access.roles", json!({"realm_access": {"roles": ["dub admins"]}}), Some(Role::Admin));
        check("https://a.example/roles", json!({"https://a.example/roles": ["makers"]}), Some(Role::Creator));
        for nothing in [json!("Staff"), json!("staff makers"), json!([]), json!(1), json!({"staff": true}), json!(null)]
        {
            check("groups", json!({"groups": nothing}), None);
        }
        check("a.b.c", json!({"a": {"b": "staff"}}), None);
        check("", json!({"groups": "staff"}), None);
    }

    #[test]
    fn who_has_no_role_here_gets_the_default_or_is_refused() {
        assert_eq!(refusal("groups", json!("else")), Some(OutsideRefusal::NoRole));
        assert!(OutsideRefusal::NoRole.to_string().contains("none of the roles"));
        let default = config("none", Some(Role::Viewer));
        assert_eq!(read(&payload(), &default, NOW).map(|claims| claims.role), Ok(Role::Viewer));
        let lower_default = config("groups", Some(Role::Viewer));
        assert_eq!(read(&payload(), &lower_default, NOW).map(|claims| claims.role), Ok(Role::Reviewer));
    }

    #[test]
    fn who_vouches_for_an_address_is_said() {
        for (value, expected) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(false), false),
            (json!("yes"), false),
            (json!(1), false),
            (json!(null), false),
        ] {
            let mut payload = payload();
            payload["email"] = json!(" ada@example.org ");
            payload["email_verified"] = value.clone();
            let claims = read(&payload, &config("groups", None), NOW).expect("claims");
            assert_eq!(
                (claims.email.as_deref(), claims.is_email_verified),
                (Some("ada@example.org"), expected),
                "{value}"
            );
            assert!(!format!("{claims:?}").contains("ada"));
        }
    }
}
