//! WebVTT (W3C), as far as speech is concerned: voices are read, style, regions and positions are not.

use super::{
    Cue, SubtitleError,
    cues::{RawCue, spoken},
    lines::blocks,
    time::{is_time_line, parse_times, time},
};
use crate::stages::mux::SubtitleCue;

/// Reads WebVTT. NOTE, STYLE and REGION blocks, cue identifiers and settings are passed over.
pub fn parse(bytes: &[u8]) -> Result<Vec<Cue>, SubtitleError> {
    let blocks = blocks(bytes)?;
    let mut blocks = blocks.iter();
    let header = blocks.next().and_then(|block| block.first()).ok_or(SubtitleError::NoHeader)?;
    let rest = header.1.strip_prefix("WEBVTT").ok_or(SubtitleError::NoHeader)?;
    if header.0 != 1 || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return Err(SubtitleError::NoHeader);
    }
    let mut raw = Vec::new();
    for block in blocks {
        raw.extend(cue(block)?);
    }
    spoken(raw)
}

/// A block's cue; `None` for the blocks that hold none.
fn cue(block: &[super::lines::Line<'_>]) -> Result<Option<RawCue>, SubtitleError> {
    let Some((number, first)) = block.first().copied() else { return Ok(None) };
    let times_at = block.iter().take(2).position(|(_, line)| is_time_line(line));
    let Some(times_at) = times_at else {
        let is_other = ["NOTE", "STYLE", "REGION"]
            .iter()
            .any(|kind| first.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t'])));
        return if is_other { Ok(None) } else { Err(SubtitleError::NoTimes { line: number }) };
    };
    if first == "NOTE" || first.starts_with("NOTE ") {
        return Ok(None);
    }
    let (number, times) = block.get(times_at).copied().unwrap_or((number, first));
    let text: Vec<&str> = block.iter().skip(times_at + 1).map(|(_, line)| *line).collect();
    Ok(Some(RawCue { span: parse_times(times, number)?, text: text.join("\n") }))
}

/// Writes WebVTT: no identifiers, LF line ends, `&`, `<` and `>` as entities.
pub fn write(cues: &[SubtitleCue]) -> String {
    let mut file = String::from("WEBVTT\n\n");
    for cue in cues {
        let (start, end) = (time(cue.span.start_ms(), '.'), time(cue.span.end_ms(), '.'));
        let text = cue.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        file.push_str(&format!("{start} --> {end}\n{}\n\n", lines.join("\n")));
    }
    file
}
