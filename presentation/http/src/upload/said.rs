//! What clients say about a file: its name, its media type, its digest. All of it is data; none of it is believed.

use crate::problem::{Code, Fault, Problem};
use domain::value::Sha256;

/// Longest name, in characters.
pub(crate) const NAME_CHARS_MAX: usize = 255;
/// The media type of what nobody named.
pub(crate) const UNNAMED_TYPE: &str = "application/octet-stream";

/// A file's name. It may hold anything but control characters, slashes too: it is never a path.
pub(crate) fn name(text: &str, fault: impl Fn(&'static str) -> Fault) -> Result<String, Problem> {
    let is_short = text.chars().count() <= NAME_CHARS_MAX;
    if is_short && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    let detail = "a name has at most 255 characters, and no control characters";
    Err(Problem::new(Code::InvalidRequest).fault(fault(detail)))
}

/// A media type, without its parameters. What is none is as if nothing had been said.
pub(crate) fn media_type(text: &str) -> String {
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_token = |text: &str| {
        let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        (1..=64).contains(&text.len()) && text.bytes().all(is_one)
    };
    let is_type = essence.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    if is_type { essence } else { UNNAMED_TYPE.to_owned() }
}

/// A digest in hexadecimal.
pub(crate) fn sha256(text: &str, fault: impl Fn(&'static str) -> Fault) -> Result<Sha256, Problem> {
    let digest = text.to_ascii_lowercase().parse();
    digest.map_err(|_| Problem::new(Code::InvalidRequest).fault(fault("a SHA-256 is 64 hexadecimal digits")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_believed_in_form_only() {
        let check = |text: &str, expected: &str| assert_eq!(media_type(text), expected, "{text}");
        check("Video/MP4; codecs=avc1", "video/mp4");
        check("image/svg+xml", "image/svg+xml");
        for text in ["", "video", "video/", "/mp4", "video/mp4/x", "video/m p4", "vidéo/mp4", "a/b\r\nc: d"] {
            check(text, UNNAMED_TYPE);
        }
        check(&format!("video/{}", "x".repeat(65)), UNNAMED_TYPE);
    }

    #[test]
    fn a_name_is_a_text_and_no_path() {
        let check = |text: &str| name(text, |detail| Fault::of("name", "invalid-value", detail)).is_ok();
        assert!(check("") && check("../../etc/passwd") && check("Vortrag über α.mp4") && check(&"ü".repeat(255)));
        assert!(!check("a\0b") && !check("a\r\nb") && !check(&"ü".repeat(256)));
    }
}
