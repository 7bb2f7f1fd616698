//! What stands before a part's content.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// What a part says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartHead {
    /// The form's field.
    pub name: String,
    /// The file's name, where the client says one.
    pub file_name: Option<String>,
    /// All of its headers.
    pub headers: HeaderMap,
}

impl PartHead {
    /// Of its lines, without the empty one at their end; `None` when they cannot be read, or name no field.
    pub fn parse(lines: &[u8]) -> Option<Self> {
        let mut headers = HeaderMap::new();
        for line in std::str::from_utf8(lines).ok()?.split("\r\n") {
            let (name, value) = line.split_once(':')?;
            let name = HeaderName::try_from(name).ok()?;
            headers.append(name, HeaderValue::try_from(value.trim().as_bytes()).ok()?);
        }
        let disposition = std::str::from_utf8(headers.get(header::CONTENT_DISPOSITION)?.as_bytes()).ok()?;
        let (kind, parameters) = disposition.split_once(';')?;
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return None;
        }
        let parameters = parameters_of(parameters)?;
        let value = |wanted: &str| {
            let mut found = parameters.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.next().map(|(_, value)| value.clone())
        };
        let extended = value("filename*").and_then(|value| percent_decoded(value.split_once("''")?.1));
        Some(Self { name: value("name")?, file_name: extended.or_else(|| value("filename")), headers })
    }

    /// A header as text; empty when it has none.
    pub fn header(&self, name: HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The boundary that `Content-Type` names; `None` when it is of another kind, or names none.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let parameters = parameters_of(parameters)?;
    let (_, boundary) = parameters.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let is_one = (1..=70).contains(&boundary.len()) && boundary.bytes().all(is_allowed) && !boundary.ends_with(' ');
    is_one.then_some(boundary)
}

/// `name=value; name="value"`: names and values; `None` when that is malformed. Within quotes a backslash stands
/// before a quote or a backslash; before anything else it is a character as others are, because clients send paths.
fn parameters_of(text: &str) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=')?;
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = behind.find(';').unwrap_or(behind.len());
                (behind[..end].trim().to_owned(), &behind[end..])
            }
        };
        parameters.push((name.trim().to_owned(), value));
        rest = behind.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(';')?.trim_start();
        }
    }
    Some(parameters)
}

/// The text up to the closing quote, and what is behind it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        match (character, characters.peek()) {
            ('"', _) => return Some((value, &text[place + 1..])),
            ('\\', Some((_, next @ ('"' | '\\')))) => {
                value.push(*next);
                characters.next();
            }
            (character, _) => value.push(character),
        }
    }
    None
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, behind @ ..] = rest else {
            return None;
        };
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(high)? << 4 | digit(low)?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(disposition: &str, expected: Option<(&str, Option<&str>)>) {
        let head = PartHead::parse(format!("Content-Disposition: {disposition}").as_bytes());
        let found = head.as_ref().map(|head| (head.name.as_str(), head.file_name.as_deref()));
        assert_eq!(found, expected, "{disposition}");
    }

    #[test]
    fn a_part_says_what_it_is() {
        check(r#"form-data; name="file"; filename="talk.mp4""#, Some(("file", Some("talk.mp4"))));
        check(r"Form-Data; name=file; filename=talk.mp4", Some(("file", Some("talk.mp4"))));
        check(r#"form-data; name="sha256""#, Some(("sha256", None)));
        check(r#"form-data; name="file"; filename="a\"b\\c.mp4";"#, Some(("file", Some(r#"a"b\c.mp4"#))));
        check(r#"form-data; name="file"; filename="C:\films\a;b.mp4""#, Some(("file", Some(r"C:\films\a;b.mp4"))));
        check(r#"form-data; name="file"; filename="x"; filename*=UTF-8''%e2%82%ac.mp4"#, Some(("file", Some("€.mp4"))));
        check("form-data; name=\"file\"; filename=\"über.mp4\"", Some(("file", Some("über.mp4"))));
    }

    #[test]
    fn what_says_nothing_is_refused() {
        for text in
            ["form-data", "attachment; name=\"a\"", "form-data; name=\"a", "form-data; filename=\"a\"", "form-data; a"]
        {
            check(text, None);
        }
        for lines in
            ["", "no header", "a b: c", "Content-Type: text/plain", "content-disposition: form-data; name=a\r\nx"]
        {
            assert_eq!(PartHead::parse(lines.as_bytes()), None, "{lines}");
        }
        assert_eq!(PartHead::parse(b"content-disposition: form-data; name=\xff"), None);
    }

    #[test]
    fn a_boundary_is_found_or_not() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(boundary(text).as_deref(), expected, "{text}");
        check("multipart/form-data; boundary=abc", Some("abc"));
        check("Multipart/Form-Data; charset=utf-8; boundary=\"a b:c\"", Some("a b:c"));
        for text in [
            "",
            "multipart/form-data",
            "multipart/mixed; boundary=a",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=a\"b",
        ] {
            check(text, None);
        }
        check(&format!("multipart/form-data; boundary={}", "a".repeat(71)), None);
    }
}
