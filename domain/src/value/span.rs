//! A stretch of media time.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A half-open stretch `[start_ms, end_ms)` of media time in whole milliseconds; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Span {
    start_ms: u64,
    end_ms: u64,
}

/// The wire shape of [`Span`], before it is checked.
#[derive(Deserialize)]
struct Raw {
    start_ms: u64,
    end_ms: u64,
}

impl TryFrom<Raw> for Span {
    type Error = InvalidSpan;

    fn try_from(raw: Raw) -> Result<Self, InvalidSpan> {
        Span::try_new(raw.start_ms, raw.end_ms)
    }
}

/// The end of a [`Span`] is not after its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSpan {
    /// The rejected start, in milliseconds.
    pub start_ms: u64,
    /// The rejected end, in milliseconds.
    pub end_ms: u64,
}

impl fmt::Display for InvalidSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a span must end after it starts, not {} to {} ms", self.start_ms, self.end_ms)
    }
}

impl std::error::Error for InvalidSpan {}

impl Span {
    /// A span from `start_ms` to `end_ms`; refuses an end that is not after the start.
    pub fn try_new(start_ms: u64, end_ms: u64) -> Result<Self, InvalidSpan> {
        if end_ms > start_ms { Ok(Self { start_ms, end_ms }) } else { Err(InvalidSpan { start_ms, end_ms }) }
    }

    /// The span that starts at `start_ms` and lasts `length_ms`, at least one millisecond.
    pub fn lasting(start_ms: u64, length_ms: u64) -> Self {
        Self { start_ms, end_ms: start_ms + length_ms.max(1) }
    }

    /// First millisecond inside the span.
    pub fn start_ms(self) -> u64 {
        self.start_ms
    }

    /// First millisecond after the span.
    pub fn end_ms(self) -> u64 {
        self.end_ms
    }

    /// Length in milliseconds, at least 1.
    pub fn len_ms(self) -> u64 {
        self.end_ms - self.start_ms
    }

    /// Silence between the end of `self` and the start of `next`; 0 when they touch or overlap.
    pub fn gap_ms(self, next: Span) -> u64 {
        next.start_ms.saturating_sub(self.end_ms)
    }

    /// The smallest span that holds both.
    pub fn join(self, other: Span) -> Span {
        Span { start_ms: self.start_ms.min(other.start_ms), end_ms: self.end_ms.max(other.end_ms) }
    }

    /// Whether the two share at least one millisecond.
    pub fn overlaps(self, other: Span) -> bool {
        self.start_ms < other.end_ms && other.start_ms < self.end_ms
    }
}
