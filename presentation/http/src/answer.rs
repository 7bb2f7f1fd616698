//! Shapes of answers that all routes share: tags, positions, and what a command brought about.

use crate::layers::DRAGOMAN_POSITION;
use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Content codings in which answers are sent.
const CODINGS: [&str; 2] = ["gzip", "br"];

/// Gives an answer that is sent in a coding its own tag: other bytes are another representation, and a strong tag is of
/// one only (RFC 9110, section 8.8.3.3). `"17.…"` becomes `"17.….gzip"`; `If-Match` looks at the revision, as ever.
pub(crate) fn tell_coding(headers: &mut HeaderMap) {
    let coding = headers.get(header::CONTENT_ENCODING).and_then(|coding| coding.to_str().ok());
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).and_then(|tag| tag.strip_suffix('"'));
    if let (Some(coding), Some(tag)) = (coding, tag)
        && let Ok(tag) = HeaderValue::try_from(format!("{tag}.{coding}\""))
    {
        headers.insert(header::ETAG, tag);
    }
}

/// A strong entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(HeaderValue);

impl ETag {
    /// Of a representation that the stream at this revision determines alone.
    pub fn revision(revision: u64) -> Self {
        Self::quoted(&revision.to_string())
    }

    /// Of a representation that also holds something else, such as progress; `If-Match` looks at the revision only.
    pub fn revision_of(revision: u64, body: &[u8]) -> Self {
        Self::quoted(&format!("{revision}.{}", digest(body)))
    }

    /// Of a representation that no single stream determines, such as a list.
    pub fn content(body: &[u8]) -> Self {
        Self::quoted(&digest(body))
    }

    /// Of a file that never changes: its digest.
    pub fn blob(sha256: &domain::value::Sha256) -> Self {
        Self::quoted(&sha256.to_string())
    }

    /// As a header's value.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// The tag by which `If-None-Match` names it, whatever coding it was sent in, or says `*`: then the client has it
    /// already.
    pub fn known(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let tags = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = tags.flat_map(|line| line.split(',')).map(str::trim);
        tags.find_map(|tag| {
            // Weak comparison, as RFC 9110 asks for here.
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            if tag == "*" || tag.as_bytes() == self.0.as_bytes() {
                return Some(self.header());
            }
            let (plain, coding) = tag.strip_suffix('"')?.rsplit_once('.')?;
            let is_it = CODINGS.contains(&coding) && format!("{plain}\"").as_bytes() == self.0.as_bytes();
            if is_it { HeaderValue::try_from(tag).ok() } else { None }
        })
    }

    /// Whether the client has it already.
    pub fn is_known(&self, headers: &HeaderMap) -> bool {
        self.known(headers).is_some()
    }

    fn quoted(opaque: &str) -> Self {
        // Digits and base64url only: always a header's value.
        Self(HeaderValue::try_from(format!("\"{opaque}\"")).unwrap_or(HeaderValue::from_static("\"\"")))
    }
}

/// 96 bits of a digest: enough to tell representations of one resource apart.
fn digest(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    BASE64_URL_SAFE_NO_PAD.encode(digest.get(..12).unwrap_or_default())
}

/// What a command brought about.
///
/// The header `Dragoman-Position` tells where the log holds it: `?min_position=` with it reads one's own write.
#[derive(Clone, Debug)]
pub struct Done<T> {
    status: StatusCode,
    body: Option<T>,
    headers: HeaderMap,
}

impl<T: Serialize> Done<T> {
    /// It is so, and this is how it looks now.
    pub fn ok(body: T) -> Self {
        Self::with(StatusCode::OK, Some(body))
    }

    /// Something new is at this path.
    pub fn created(location: &str, body: T) -> Self {
        Self::with(StatusCode::CREATED, Some(body)).location(location)
    }

    /// It has begun; how it goes on is at this path.
    pub fn accepted(location: &str, body: T) -> Self {
        Self::with(StatusCode::ACCEPTED, Some(body)).location(location)
    }

    /// Where the log holds it.
    #[must_use]
    pub fn position(mut self, position: u64) -> Self {
        self.headers.insert(DRAGOMAN_POSITION, position.into());
        self
    }

    /// The stream's revision now.
    #[must_use]
    pub fn revision(mut self, revision: u64) -> Self {
        self.headers.insert(header::ETAG, ETag::revision(revision).header());
        self
    }

    fn location(mut self, path: &str) -> Self {
        if let Ok(path) = HeaderValue::try_from(path) {
            self.headers.insert(header::LOCATION, path);
        }
        self
    }

    fn with(status: StatusCode, body: Option<T>) -> Self {
        Self { status, body, headers: HeaderMap::new() }
    }
}

impl Done<()> {
    /// It is so, and there is nothing to show.
    pub fn nothing() -> Self {
        Self::with(StatusCode::NO_CONTENT, None)
    }
}

impl<T: Serialize> IntoResponse for Done<T> {
    fn into_response(self) -> Response {
        match self.body {
            Some(body) => (self.status, self.headers, Json(body)).into_response(),
            None => (self.status, self.headers).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(tag: &ETag, line: &str) -> bool {
        tag.is_known(&HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_str(line).expect("a header"))]))
    }

    #[test]
    fn a_tag_is_known_by_itself_or_by_a_star() {
        let tag = ETag::revision(17);
        assert!(known(&tag, "\"17\"") && known(&tag, "\"3\", W/\"17\"") && known(&tag, "*"));
        assert!(!known(&tag, "17") && !known(&tag, "\"1\"") && !tag.is_known(&HeaderMap::new()));
    }

    #[test]
    fn a_tag_is_known_in_every_coding_and_told_as_it_was() {
        let tag = ETag::revision(17);
        let mut headers = HeaderMap::from_iter([(header::ETAG, tag.header())]);
        tell_coding(&mut headers);
        assert_eq!(headers[header::ETAG], "\"17\"", "sent as it is");
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        tell_coding(&mut headers);
        assert_eq!(headers[header::ETAG], "\"17.gzip\"");
        let known = |line: &'static str| {
            tag.known(&HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(line))]))
        };
        assert_eq!(known("\"3\", \"17.gzip\""), Some(HeaderValue::from_static("\"17.gzip\"")));
        assert_eq!(known("\"17\", \"17.gzip\""), Some(tag.header()));
        assert_eq!((known("\"17.zip\""), known("\"1.gzip\""), known("\"gzip\"")), (None, None, None));
    }

    #[test]
    fn a_tag_changes_with_what_it_is_of() {
        assert_eq!(ETag::content(b"a"), ETag::content(b"a"));
        assert_ne!(ETag::content(b"a"), ETag::content(b"b"));
        assert_ne!(ETag::revision_of(1, b"a"), ETag::revision_of(1, b"b"));
        assert!(ETag::revision_of(17, b"a").header().to_str().expect("a text").starts_with("\"17."));
    }
}
