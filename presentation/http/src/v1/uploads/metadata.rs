//! What `Upload-Metadata` says: `filename BASE64,filetype BASE64,sha256 BASE64`.
//!
//! Clients add keys of their own; what is not known here is passed over.

use super::tus::{UPLOAD_METADATA, invalid};
use crate::{
    problem::{Fault, Problem},
    upload::said,
};
use application::ports::upload_store::Upload;
use axum::http::{HeaderMap, HeaderValue};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::value::Sha256;
use std::collections::BTreeMap;

/// Longest header, in bytes.
const BYTES_MAX: usize = 8 << 10;

/// What a client says about its file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub name: String,
    pub media_type: String,
    pub sha256: Option<Sha256>,
}

impl Metadata {
    /// What the headers say.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(UPLOAD_METADATA).iter();
        let text = values.next().map_or(Some(""), |value| value.to_str().ok());
        let text = text.filter(|text| text.len() <= BYTES_MAX && values.next().is_none());
        let pairs = text.and_then(pairs).ok_or_else(|| {
            invalid(
                &UPLOAD_METADATA,
                "invalid-value",
                "it is a list of keys and Base64 texts, with commas between them",
            )
        })?;
        let fault = |detail| Fault::of(UPLOAD_METADATA.as_str(), "invalid-value", detail);
        let text = |keys: [&str; 2]| keys.iter().find_map(|key| pairs.get(*key)).map_or("", String::as_str);
        let sha256 = pairs.get("sha256").map(|text| said::sha256(text, fault)).transpose()?;
        // The first names are those of the protocol's examples, the second ones those of Uppy.
        let name = said::name(text(["filename", "name"]), fault)?;
        Ok(Self { name, media_type: said::media_type(text(["filetype", "type"])), sha256 })
    }

    /// What is kept of it, as a header.
    pub fn header(upload: &Upload) -> Option<HeaderValue> {
        let name = upload.name.reveal().filter(|name| !name.is_empty());
        let digest = upload.sha256.map(|digest| digest.to_string());
        let media_type = Some(&upload.media_type).filter(|media_type| *media_type != said::UNNAMED_TYPE);
        let pairs = [("filename", name), ("filetype", media_type), ("sha256", digest.as_ref())];
        let pairs = pairs.into_iter().filter_map(|(key, value)| Some((key, value?)));
        let pairs: Vec<String> = pairs.map(|(key, value)| format!("{key} {}", BASE64_STANDARD.encode(value))).collect();
        if pairs.is_empty() { None } else { HeaderValue::try_from(pairs.join(",")).ok() }
    }
}

/// Keys and texts; `None` when that is malformed or a key stands twice. A key may stand without a text.
fn pairs(text: &str) -> Option<BTreeMap<&str, String>> {
    let mut pairs = BTreeMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = String::from_utf8(BASE64_STANDARD.decode(value.trim()).ok()?).ok()?;
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) || pairs.insert(key, value).is_some() {
            return None;
        }
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    fn check(text: &str) -> Result<(String, String, bool), Code> {
        let headers = HeaderMap::from_iter([(UPLOAD_METADATA, HeaderValue::from_str(text).expect("a header"))]);
        let metadata = Metadata::of(&headers).map_err(|problem| problem.code())?;
        Ok((metadata.name, metadata.media_type, metadata.sha256.is_some()))
    }

    fn text(text: &str) -> String {
        BASE64_STANDARD.encode(text)
    }

    #[test]
    fn what_is_known_is_taken() {
        let found =
            check(&format!("filename {},filetype {}, is_confidential", text("Vortrag ü.mp4"), text("video/mp4")));
        assert_eq!(found, Ok(("Vortrag ü.mp4".to_owned(), "video/mp4".to_owned(), false)));
        let found = check(&format!("name {},sha256 {}", text("../a"), text(&"0".repeat(64))));
        assert_eq!(found, Ok(("../a".to_owned(), said::UNNAMED_TYPE.to_owned(), true)));
        assert_eq!(check(""), Ok((String::new(), said::UNNAMED_TYPE.to_owned(), false)));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for malformed in ["filename !", "filename YQ,filename YQ==", "filename YQ==,filename YQ==", "filename /w=="] {
            assert_eq!(check(malformed), Err(Code::InvalidHeader), "{malformed}");
        }
        assert_eq!(check(&format!("filename {}", text("a\r\nb"))), Err(Code::InvalidRequest));
        assert_eq!(check(&format!("sha256 {}", text("abc"))), Err(Code::InvalidRequest));
        assert_eq!(check(&format!("filename {}", "A".repeat(BYTES_MAX))), Err(Code::InvalidHeader));
    }
}
