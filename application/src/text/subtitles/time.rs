//! Times of cues, in both formats' writings.

use super::SubtitleError;
use domain::value::Span;

/// Longest time that is taken for one: 1 000 hours. Beyond it a file is damaged.
const HOURS_MAX: u64 = 1_000;

/// Whether a line holds the arrow that only time lines have.
pub fn is_time_line(line: &str) -> bool {
    line.contains("-->")
}

/// `00:00:01,000 --> 00:00:02,500`, with whatever settings or coordinates behind it. Hours may be
/// missing, the decimal mark is a comma or a full stop, and decimals are 1 to 3.
pub fn parse_times(line: &str, number: usize) -> Result<Span, SubtitleError> {
    let (start, end) = line.split_once("-->").ok_or(SubtitleError::NoTimes { line: number })?;
    let bad = SubtitleError::BadTime { line: number };
    let start_ms = parse_time(start.trim()).ok_or(bad)?;
    let end_ms = end.split_whitespace().next().and_then(parse_time).ok_or(bad)?;
    Span::try_new(start_ms, end_ms).map_err(|_| SubtitleError::EndsBeforeStart { line: number })
}

fn parse_time(text: &str) -> Option<u64> {
    let (clock, decimals) = text.split_once([',', '.']).unwrap_or((text, "0"));
    let digits = |text: &str| {
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse::<u64>().ok())?
    };
    let millis = match decimals.len() {
        1 => digits(decimals)? * 100,
        2 => digits(decimals)? * 10,
        3 => digits(decimals)?,
        _ => return None,
    };
    let fields: Vec<u64> = clock.split(':').map(digits).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match fields.as_slice() {
        [minutes, seconds] => (0, *minutes, *seconds),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    let in_range = hours < HOURS_MAX && minutes < 60 && seconds < 60;
    in_range.then_some(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis)
}

/// `00:00:01,000`, with the decimal mark of the format.
pub fn time(ms: u64, mark: char) -> String {
    let (seconds, millis) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}{mark}{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
