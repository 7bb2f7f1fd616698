//! Which bytes a client asks for (RFC 9110, section 14).

use crate::answer::ETag;
use axum::http::{HeaderMap, header};

/// Most ranges in one request; with more, the whole file is sent. Players ask for one, downloaders for a few.
const RANGES_MAX: usize = 16;

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// One stretch.
    One(Part),
    /// Several, in the order asked for.
    Many(Vec<Part>),
    /// Only what lies past the end.
    Nothing,
}

/// A stretch of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its first byte, counted from 0.
    pub first: u64,
    /// How many.
    pub bytes: u64,
}

impl Part {
    /// The value of `Content-Range`; a part that a range asked for is never empty.
    pub fn content_range(self, of: u64) -> String {
        format!("bytes {}-{}/{of}", self.first, self.first + self.bytes.max(1) - 1)
    }
}

/// What a GET with these headers asks for, of a file of so many bytes. A header that is not understood, that asks for
/// more bytes than the file has, or whose `If-Range` names another version, is ignored: the whole file is right then.
pub(super) fn wanted(headers: &HeaderMap, tag: &ETag, bytes: u64) -> Wanted {
    let mut lines = headers.get_all(header::RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Wanted::Whole;
    };
    // Compared strongly; a date matches nothing, since there is no `Last-Modified`.
    if headers.get(header::IF_RANGE).is_some_and(|version| *version != tag.header()) {
        return Wanted::Whole;
    }
    let Some(parts) = line.to_str().ok().and_then(|line| parse(line, bytes)) else {
        return Wanted::Whole;
    };
    let all = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.bytes));
    match parts.as_slice() {
        [] => Wanted::Nothing,
        [part] => Wanted::One(*part),
        _ if all > bytes => Wanted::Whole,
        _ => Wanted::Many(parts),
    }
}

/// The ranges that the file has; `None` when the header is not understood.
fn parse(line: &str, bytes: u64) -> Option<Vec<Part>> {
    let (unit, set) = line.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    // Empty members of a list are passed over (section 5.6.1.2).
    let ranges: Vec<&str> = set.split(',').map(|range| range.trim_matches([' ', '\t'])).collect();
    let ranges: Vec<&str> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
    if ranges.is_empty() || ranges.len() > RANGES_MAX {
        return None;
    }
    let parts = ranges.into_iter().map(|range| part(range, bytes)).collect::<Option<Vec<_>>>()?;
    Some(parts.into_iter().flatten().collect())
}

/// One range: `None` when it is malformed, `Some(None)` when the file has nothing of it.
fn part(range: &str, bytes: u64) -> Option<Option<Part>> {
    let (first, last) = range.split_once('-')?;
    if first.is_empty() {
        let bytes_asked = number(last)?.min(bytes);
        let part = Part { first: bytes - bytes_asked, bytes: bytes_asked };
        return Some((bytes_asked > 0).then_some(part));
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    if first >= bytes {
        return Some(None);
    }
    let last = last.min(bytes - 1);
    Some(Some(Part { first, bytes: last - first + 1 }))
}

/// Digits only; what no file can be as long as is as long as can be.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn ask(lines: &[&str], if_range: Option<&str>) -> Wanted {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::RANGE, HeaderValue::from_str(line).expect("a header"));
        }
        if let Some(version) = if_range {
            headers.insert(header::IF_RANGE, HeaderValue::from_str(version).expect("a header"));
        }
        wanted(&headers, &ETag::revision(7), 10)
    }

    fn one(first: u64, bytes: u64) -> Wanted {
        Wanted::One(Part { first, bytes })
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let check = |line: &str, expected: Wanted| assert_eq!(ask(&[line], None), expected, "{line}");
        check("bytes=0-0", one(0, 1));
        check("bytes=0-9", one(0, 10));
        check("bytes=5-", one(5, 5));
        check("bytes=-5", one(5, 5));
        check("bytes=-99", one(0, 10));
        check("bytes=8-99", one(8, 2));
        check("Bytes= 2-3 ,", one(2, 2));
        check("bytes=0-99999999999999999999999", one(0, 10));
        check("bytes=10-", Wanted::Nothing);
        check("bytes=-0", Wanted::Nothing);
        check("bytes=99999999999999999999-", Wanted::Nothing);
        check("bytes=20-30,-0", Wanted::Nothing);
        check("bytes=20-30,1-2", one(1, 2));
        check("bytes=0-1,8-", Wanted::Many(vec![Part { first: 0, bytes: 2 }, Part { first: 8, bytes: 2 }]));
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for line in ["bytes", "bytes=", "bytes=a-b", "bytes=3-2", "bytes=-", "bytes=1-2,x", "lines=0-1", "bytes=+1-2"] {
            assert_eq!(ask(&[line], None), Wanted::Whole, "{line}");
        }
        assert_eq!(ask(&[], None), Wanted::Whole);
        assert_eq!(ask(&["bytes=0-1", "bytes=3-4"], None), Wanted::Whole);
    }

    #[test]
    fn nobody_makes_a_small_file_large() {
        assert_eq!(ask(&["bytes=0-,0-"], None), Wanted::Whole);
        assert_eq!(ask(&[&format!("bytes={}", ["1-1"; RANGES_MAX + 1].join(","))], None), Wanted::Whole);
    }

    #[test]
    fn a_part_of_another_version_is_no_use() {
        assert_eq!(ask(&["bytes=0-1"], Some("\"7\"")), one(0, 2));
        for version in ["\"8\"", "W/\"7\"", "Sat, 31 Jan 2026 08:00:00 GMT", "7"] {
            assert_eq!(ask(&["bytes=0-1"], Some(version)), Wanted::Whole, "{version}");
        }
    }

    #[test]
    fn an_empty_file_has_no_parts() {
        assert_eq!(parse("bytes=0-", 0), Some(vec![]));
        assert_eq!(parse("bytes=-1", 0), Some(vec![]));
    }
}
