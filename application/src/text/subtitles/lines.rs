//! Lines of a subtitle file, whatever its line ends, with their numbers.

use super::SubtitleError;

/// A line and its number, from 1.
pub type Line<'a> = (usize, &'a str);

/// The file as blocks of lines between blank lines. A byte order mark is dropped; CRLF, LF and CR end lines.
pub fn blocks(bytes: &[u8]) -> Result<Vec<Vec<Line<'_>>>, SubtitleError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        SubtitleError::NotUtf8 { line: lines(std::str::from_utf8(valid).unwrap_or_default()).count() }
    })?;
    let mut blocks = Vec::new();
    let mut block = Vec::new();
    for (number, line) in lines(text).enumerate() {
        if line.trim().is_empty() {
            if !block.is_empty() {
                blocks.push(std::mem::take(&mut block));
            }
        } else {
            block.push((number + 1, line));
        }
    }
    if !block.is_empty() {
        blocks.push(block);
    }
    Ok(blocks)
}

/// Lines, ended by CRLF, LF or CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r']) else {
            rest = None;
            return Some(text);
        };
        let (line, after) = text.split_at(end);
        rest = Some(after.strip_prefix("\r\n").unwrap_or_else(|| after.get(1..).unwrap_or_default()));
        Some(line)
    })
}
