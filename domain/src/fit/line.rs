//! What the planner is given: lines, the picture and the limits.

use crate::value::{Percent, Span, UtteranceId};
use serde::{Deserialize, Serialize};

/// One line to place: when the original was spoken, and how long the translation takes to speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The utterance it dubs.
    pub utterance: UtteranceId,
    /// Where the original is spoken.
    pub slot: Span,
    /// How long the line lasts at the voice's own speed, or at the rate that is fixed, measured, in milliseconds.
    pub natural_ms: u64,
    /// The rate that a person chose: the line is never asked for at another one.
    pub fixed: Option<Percent>,
    /// What came out at other rates so far. Rates outside the limits are ignored.
    pub takes: Vec<Take>,
}

/// The line as it was spoken once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    /// The rate that was asked of the engine.
    pub rate: Percent,
    /// How long the speech lasts, measured, in milliseconds.
    pub duration_ms: u64,
}

/// What the lines are placed against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Length of the picture (of the sound, when there is no picture) in milliseconds.
    pub duration_ms: u64,
    /// Stretches in which the original voice stays audible (phrases that are not dubbed), in any
    /// order. No line sounds over them: one that does not fit before such a stretch is moved behind it.
    pub kept: Vec<Span>,
}

/// How far the planner may go. [`Limits::default`] holds the house's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Silence that may be borrowed after a slot: 400 ms.
    pub borrow_after_ms_max: u64,
    /// Silence that may be borrowed before a slot: 800 ms.
    pub borrow_before_ms_max: u64,
    /// Silence left between two lines where possible: 50 ms.
    pub guard_ms: u64,
    /// Fastest rate at which speech still sounds at ease: 120 %.
    pub rate_preferred: Percent,
    /// Fastest rate at all: 130 %.
    pub rate_cap: Percent,
    /// Slowest rate: 85 %.
    pub rate_min: Percent,
    /// A line that fills less of its slot than this may be slowed down: 95 %.
    pub fill_min: Percent,
    /// Silence at the end of a slot from which on it is heard as a hole: 300 ms. That is the guard and
    /// 250 ms, the length from which on phonetics counts a silence as a pause (Goldman-Eisler 1968).
    pub hole_ms_min: u64,
    /// Lateness that a line may have before it and the late lines behind it need attention: 500 ms.
    pub late_ms_max: u64,
    /// Overrun that is not worth another take: 80 ms, about one phoneme.
    pub tolerance_ms: u64,
    /// How much shorter than its room a faster take is ordered, because engines keep a rate only
    /// roughly (espeak-ng asked for 120 % speaks at about 117 %): 3 %.
    pub margin: Percent,
    /// How often the caller has lines spoken again before it settles, and how many takes faster than
    /// the voice's own speed one line is worth: 3.
    pub rounds: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            borrow_after_ms_max: 400,
            borrow_before_ms_max: 800,
            guard_ms: 50,
            rate_preferred: Percent::new(120),
            rate_cap: Percent::new(130),
            rate_min: Percent::new(85),
            fill_min: Percent::new(95),
            hole_ms_min: 300,
            late_ms_max: 500,
            tolerance_ms: 80,
            margin: Percent::new(3),
            rounds: 3,
        }
    }
}

impl Line {
    /// The line at the voice's own speed, or as a person wants it.
    pub fn natural(&self) -> Take {
        Take { rate: self.fixed.unwrap_or(Percent::HUNDRED), duration_ms: self.natural_ms }
    }
}
