//! Subtitles in and out: SRT and WebVTT; and out only: ASS. What is not speech stays outside; so do style and position.

pub mod ass;
mod clean;
mod cues;
mod error;
mod lines;
mod speaker;
pub mod srt;
mod time;
pub mod vtt;

pub use error::SubtitleError;

use domain::value::Span;

/// Something said, as a subtitle file tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    /// When.
    pub span: Span,
    /// Who, where the file says so.
    pub speaker: Option<String>,
    /// What: plain text on one line, without names, markup and sound descriptions; never empty.
    pub text: String,
}

/// Reads SRT or WebVTT, whichever the content is: WebVTT begins with the word `WEBVTT`.
pub fn parse(bytes: &[u8]) -> Result<Vec<Cue>, SubtitleError> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if text.starts_with(b"WEBVTT") { vtt::parse(bytes) } else { srt::parse(bytes) }
}

/// Fixtures that several rooms' tests share.
#[cfg(test)]
mod tests;
