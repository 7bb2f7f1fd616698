//! SubRip (SRT): the format that has no standard. Reads what is found in the wild where its meaning is
//! clear; says which line is wrong where it is not.

use super::{
    Cue, SubtitleError,
    cues::{RawCue, spoken},
    lines::blocks,
    time::{is_time_line, parse_times, time},
};
use crate::stages::mux::SubtitleCue;

/// Reads SRT. Counters may be missing or wrong; coordinates after the times are dropped.
pub fn parse(bytes: &[u8]) -> Result<Vec<Cue>, SubtitleError> {
    spoken(raw(bytes)?)
}

/// Reads SRT word for word, its lines as they are: what [`write`] wrote comes back.
pub fn cues(bytes: &[u8]) -> Result<Vec<SubtitleCue>, SubtitleError> {
    let cue = |raw: RawCue| SubtitleCue { span: raw.span, text: raw.text.trim_end().to_owned() };
    Ok(raw(bytes)?.into_iter().map(cue).collect())
}

fn raw(bytes: &[u8]) -> Result<Vec<RawCue>, SubtitleError> {
    let mut raw: Vec<RawCue> = Vec::new();
    for block in blocks(bytes)? {
        let mut lines = block.iter().copied().peekable();
        while let Some((number, line)) = lines.next() {
            let is_counter = line.trim().bytes().all(|b| b.is_ascii_digit());
            let is_before_times = lines.peek().is_some_and(|(_, next)| is_time_line(next));
            if is_time_line(line) {
                raw.push(RawCue { span: parse_times(line, number)?, text: String::new() });
            } else if is_counter && is_before_times {
                continue;
            } else if let (Some(cue), false) = (raw.last_mut(), is_first(&block, number)) {
                cue.text.push_str(line);
                cue.text.push('\n');
            } else {
                return Err(SubtitleError::NoTimes { line: number });
            }
        }
    }
    Ok(raw)
}

/// Whether a line is its block's first: text cannot begin a block.
fn is_first(block: &[super::lines::Line<'_>], number: usize) -> bool {
    block.first().is_some_and(|(first, _)| *first == number)
}

/// Writes SRT: counters from 1, LF line ends. An arrow in a text would end the cue, so it becomes `→`.
pub fn write(cues: &[SubtitleCue]) -> String {
    let mut file = String::new();
    for (number, cue) in (1..).zip(cues) {
        let (start, end) = (time(cue.span.start_ms(), ','), time(cue.span.end_ms(), ','));
        let text = cue.text.replace("-->", "→");
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        file.push_str(&format!("{number}\n{start} --> {end}\n{}\n\n", lines.join("\n")));
    }
    file
}
