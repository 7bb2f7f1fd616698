//! Digests as clients announce them: `Content-Digest` and `Repr-Digest` (RFC 9530), and hexadecimal.
//!
//! SHA-256 is understood; other algorithms say nothing here, as RFC 9530 allows.

use crate::problem::{Code, Fault, Problem};
use axum::http::HeaderMap;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::value::Sha256;

/// The headers.
const NAMES: [&str; 2] = ["content-digest", "repr-digest"];

/// The digest that headers announce, if they do. Two that differ cannot both be met: 422.
pub(crate) fn announced(headers: &HeaderMap) -> Result<Option<Sha256>, Problem> {
    let mut found = None;
    for name in NAMES {
        for value in headers.get_all(name) {
            let text = value.to_str().map_err(|_| malformed(name))?;
            let digest = of_dictionary(text).ok_or_else(|| malformed(name))?;
            if digest.is_some() && found.is_some() && digest != found {
                return Err(mismatch());
            }
            found = found.or(digest);
        }
    }
    Ok(found)
}

/// The digest of a dictionary of structured fields (RFC 9651): `sha-256=:BASE64:, …`. `None` when that is malformed.
pub(crate) fn of_dictionary(text: &str) -> Option<Option<Sha256>> {
    let mut found = None;
    for member in text.split(',') {
        let (name, value) = member.trim().split_once('=')?;
        let bytes = value.strip_prefix(':')?.strip_suffix(':')?;
        let bytes = BASE64_STANDARD.decode(bytes).ok()?;
        if name == "sha-256" {
            found = Some(Sha256::new(bytes.try_into().ok()?));
        }
    }
    Some(found)
}

/// The content is not what was announced.
pub(crate) fn mismatch() -> Problem {
    Problem::new(Code::DigestMismatch)
}

fn malformed(name: &'static str) -> Problem {
    let detail = "it is a dictionary of digests, such as `sha-256=:BASE64:`";
    Problem::new(Code::InvalidHeader).fault(Fault::of(name, "invalid-value", detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    /// Of the empty content.
    const EMPTY: &str = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn check(headers: &[(&'static str, &'static str)]) -> Result<Option<String>, Code> {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        announced(&map).map(|digest| digest.map(|digest| digest.to_string())).map_err(|problem| problem.code())
    }

    #[test]
    fn a_digest_is_taken_from_either_header() {
        assert_eq!(check(&[]), Ok(None));
        assert_eq!(check(&[("content-digest", EMPTY)]), Ok(Some(HEX.to_owned())));
        assert_eq!(check(&[("repr-digest", EMPTY)]), Ok(Some(HEX.to_owned())));
        assert_eq!(check(&[("content-digest", "sha-512=:AAAA:"), ("repr-digest", EMPTY)]), Ok(Some(HEX.to_owned())));
    }

    #[test]
    fn what_is_no_digest_or_contradicts_itself_is_refused() {
        for text in ["", "sha-256", "sha-256=abc", "sha-256=:abc", "sha-256=:AAAA:", "sha-256=:!:", "sha-256=::,"] {
            assert_eq!(check(&[("content-digest", text)]), Err(Code::InvalidHeader), "{text}");
        }
        let other = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
        assert_eq!(check(&[("content-digest", EMPTY), ("repr-digest", other)]), Err(Code::DigestMismatch));
    }
}
