//! The checksum of a piece: `Upload-Checksum: sha256 BASE64`.

use super::tus::{UPLOAD_CHECKSUM, invalid};
use crate::problem::Problem;
use axum::http::HeaderMap;
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::Digest;

/// What a piece must have, and what was computed so far.
pub(crate) struct Checksum {
    expected: Vec<u8>,
    hasher: Hasher,
}

enum Hasher {
    Sha256(sha2::Sha256),
    Sha1(sha1::Sha1),
}

impl Checksum {
    /// What can be computed here. SHA-1 is for clients that know nothing better, against errors of the line only.
    pub const ALGORITHMS: &str = "sha256,sha1";

    /// What the headers announce, if they do. 400 for what cannot be computed here.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let Some(value) = headers.get(UPLOAD_CHECKSUM) else {
            return Ok(None);
        };
        let checksum = value.to_str().ok().and_then(Self::parse);
        let detail = "it is `sha256` or `sha1`, a space, and the checksum in Base64";
        checksum.map(Some).ok_or_else(|| invalid(&UPLOAD_CHECKSUM, "invalid-value", detail))
    }

    /// Goes on with these bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.hasher {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha1(hasher) => hasher.update(bytes),
        }
    }

    /// Whether it is what was announced.
    pub fn is_right(&self) -> bool {
        match &self.hasher {
            Hasher::Sha256(hasher) => hasher.clone().finalize().as_slice() == self.expected,
            Hasher::Sha1(hasher) => hasher.clone().finalize().as_slice() == self.expected,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (name, expected) = text.split_once(' ')?;
        let (hasher, bytes) = match name {
            "sha256" => (Hasher::Sha256(sha2::Sha256::new()), 32),
            "sha1" => (Hasher::Sha1(sha1::Sha1::new()), 20),
            _ => return None,
        };
        let expected = BASE64_STANDARD.decode(expected).ok()?;
        (expected.len() == bytes).then_some(Self { expected, hasher })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, content: &[u8]) -> Option<bool> {
        let mut checksum = Checksum::parse(text)?;
        content.chunks(2).for_each(|bytes| checksum.update(bytes));
        Some(checksum.is_right())
    }

    #[test]
    fn checksums_are_compared() {
        // Of the example of the protocol, and FIPS 180.
        assert_eq!(check("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", b"hello world"), Some(true));
        assert_eq!(check("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", b"hello worlD"), Some(false));
        assert_eq!(check("sha256 ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", b"abc"), Some(true));
        for text in
            ["", "sha256", "md5 AAAA", "sha256 AAAA", "sha1 !", "sha256  ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="]
        {
            assert_eq!(check(text, b"abc"), None, "{text}");
        }
    }
}
