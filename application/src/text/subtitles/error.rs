//! Why subtitles cannot be read. Lines count from 1; no message repeats what the file says.

use thiserror::Error;

/// A subtitle file that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SubtitleError {
    /// A line is not text.
    #[error("line {line} of the subtitles is not UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// Where.
        line: usize,
    },
    /// WebVTT without its first line.
    #[error("line 1 of the subtitles does not begin with WEBVTT")]
    NoHeader,
    /// A time line should stand there.
    #[error("line {line} of the subtitles should be times such as 00:00:01,000 --> 00:00:02,500")]
    NoTimes {
        /// Where.
        line: usize,
    },
    /// A time is not one.
    #[error("line {line} of the subtitles has a time that cannot be read; write 00:00:01,000 --> 00:00:02,500")]
    BadTime {
        /// Where.
        line: usize,
    },
    /// A cue does not end after it starts.
    #[error("line {line} of the subtitles ends before it starts")]
    EndsBeforeStart {
        /// Where.
        line: usize,
    },
    /// There is no cue in it.
    #[error("the subtitles hold no line of speech")]
    Empty,
}
