//! The outside of a signed token (JWS compact form, RFC 7515), read with distrust.
//!
//! Nothing here is verified. What a header says may choose among our own keys and nothing else: a token that brings a
//! key, or says where one is, is refused before anything is made of it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

/// A token in its parts.
pub(crate) struct Sealed<'a> {
    /// Its header.
    pub(crate) head: Head,
    /// Header and payload as they were signed.
    pub(crate) message: &'a str,
    /// The signature, in base64url.
    pub(crate) signature: &'a str,
    payload: &'a str,
}

/// The members of a header that count. A header that has one of them twice is not read.
#[derive(Deserialize)]
pub(crate) struct Head {
    alg: Option<Value>,
    typ: Option<Value>,
    kid: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    jku: bool,
    #[serde(default, deserialize_with = "present")]
    jwk: bool,
    #[serde(default, deserialize_with = "present")]
    x5u: bool,
    #[serde(default, deserialize_with = "present")]
    x5c: bool,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

impl Head {
    /// The algorithm's name.
    pub(crate) fn algorithm(&self) -> Option<&str> {
        self.alg.as_ref().and_then(Value::as_str)
    }

    /// Whether its type is one of these, which are in lower case; `None` stands for a header without a type.
    pub(crate) fn is_of_type(&self, allowed: &[Option<&str>]) -> bool {
        let Some(typ) = &self.typ else { return allowed.contains(&None) };
        let typ = typ.as_str().map(str::to_ascii_lowercase);
        typ.is_some_and(|typ| allowed.contains(&Some(&typ)))
    }

    /// The key's id: none, or a text. Anything else is an error.
    pub(crate) fn key_id(&self) -> Result<Option<&str>, ForeignKey> {
        match &self.kid {
            None => Ok(None),
            Some(Value::String(kid)) => Ok(Some(kid)),
            Some(_) => Err(ForeignKey),
        }
    }

    /// Refuses a header that brings a key, says where to find one, or asks for extensions (RFC 8725, section 3.10).
    pub(crate) fn refuse_foreign_keys(&self) -> Result<(), ForeignKey> {
        let is_foreign = self.jku || self.jwk || self.x5u || self.x5c || self.crit;
        if is_foreign { Err(ForeignKey) } else { Ok(()) }
    }
}

/// The header points at a key that is not ours.
pub(crate) struct ForeignKey;

impl<'a> Sealed<'a> {
    /// Takes a token apart; `None` when it is none, or larger than `bytes_max`.
    pub(crate) fn open(token: &'a str, bytes_max: usize) -> Option<Self> {
        if token.len() > bytes_max {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        if payload.contains('.') {
            return None;
        }
        let head = serde_json::from_slice(&decoded(header)?).ok()?;
        Some(Self { head, message, signature, payload })
    }

    /// The payload as JSON, whether or not the signature is right.
    pub(crate) fn payload<T: for<'de> Deserialize<'de>>(&self) -> Option<T> {
        serde_json::from_slice(&decoded(self.payload)?).ok()
    }
}

/// Base64url without padding, in its one canonical form.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Base64url without padding.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Who a token is for: `aud` is one text or several (RFC 7519, section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    /// Whether the name is among them, letter by letter.
    pub(crate) fn holds(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Several(several) => several.iter().any(|one| one == name),
        }
    }
}

/// There, whatever its value is.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(json: &str) -> Option<Head> {
        let token = format!("{}.e30.c2ln", encoded(json.as_bytes()));
        Sealed::open(&token, 4096).map(|sealed| sealed.head)
    }

    #[test]
    fn a_token_has_three_parts_and_a_header_of_json() {
        let header = encoded(br#"{"alg":"EdDSA"}"#);
        for (token, is_token) in [
            (format!("{header}.e30.c2ln"), true),
            (format!("{header}.e30."), true),
            (format!("{header}.e30"), false),
            (format!("{header}.e30.c2ln.c2ln"), false),
            (".e30.c2ln".to_owned(), false),
            (format!("{header}=.e30.c2ln"), false),
            (format!("{}.e30.c2ln", encoded(b"[]")), false),
            (format!("{}.e30.c2ln", encoded(b"{")), false),
            (format!("{header}.e30.{}", "a".repeat(4096)), false),
            (String::new(), false),
            ("...".to_owned(), false),
        ] {
            assert_eq!(Sealed::open(&token, 4096).is_some(), is_token, "{token}");
        }
    }

    #[test]
    fn a_member_that_is_there_twice_is_not_read() {
        assert!(head(r#"{"alg":"none","alg":"EdDSA"}"#).is_none());
        assert!(head(r#"{"alg":"EdDSA","kid":"a","kid":"b"}"#).is_none());
    }

    #[test]
    fn keys_that_a_token_brings_are_seen_whatever_they_are() {
        for name in ["jku", "jwk", "x5u", "x5c", "crit"] {
            for value in ["null", "false", "\"\"", "{}", "[]"] {
                let head = head(&format!(r#"{{"alg":"EdDSA","{name}":{value}}}"#)).expect("a header");
                assert!(head.refuse_foreign_keys().is_err(), "{name} {value}");
            }
        }
        assert!(head(r#"{"alg":"EdDSA","x5t":"abc","other":[1]}"#).expect("a header").refuse_foreign_keys().is_ok());
    }

    #[test]
    fn types_are_compared_without_case_and_may_be_asked_to_be_absent() {
        let is = |json: &str, allowed: &[Option<&str>]| head(json).expect("a header").is_of_type(allowed);
        assert!(is(r#"{"typ":"AT+JWT"}"#, &[Some("at+jwt")]));
        assert!(!is(r#"{"typ":"JWT"}"#, &[Some("at+jwt")]));
        assert!(!is(r#"{"typ":["at+jwt"]}"#, &[Some("at+jwt"), None]));
        assert!(is("{}", &[None]) && !is("{}", &[Some("at+jwt")]));
    }
}
