//! What the planner answers: placements, and lines to speak again.

use crate::value::{Percent, Span, UtteranceId};
use serde::{Deserialize, Serialize};

/// The answer of the planner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One placement per line, in the order of the lines.
    pub placements: Vec<Placement>,
    /// Lines to speak again, at these rates, before planning again. Their placements above hold
    /// estimated durations. Empty: every placement is measured.
    pub respeak: Vec<(UtteranceId, Percent)>,
}

/// Where and how one line sounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The utterance it dubs.
    pub utterance: UtteranceId,
    /// Where the original is spoken.
    pub slot: Span,
    /// Where the line's first sample sounds, in milliseconds.
    pub start_ms: u64,
    /// How long the line lasts: measured, or expected when the line is to be spoken again.
    pub duration_ms: u64,
    /// Rate of the take that sounds here.
    pub rate: Percent,
    /// Start against the slot's start: negative is early, positive late.
    pub shift_ms: i64,
    /// Silence borrowed before the slot.
    pub borrowed_before_ms: u64,
    /// Silence borrowed after the slot.
    pub borrowed_after_ms: u64,
    /// How far the line runs past its slot and all silence it may borrow.
    pub over_ms: u64,
    /// What a listener or an editor should know, in the order of [`Flag`].
    pub flags: Vec<Flag>,
}

/// Something worth knowing about a placed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Spoken faster than the preferred rate.
    Hurried,
    /// Runs past its room by more than the tolerance, though spoken as fast as it gets.
    Overlong,
    /// Starts after its slot by more than the tolerance.
    Late,
    /// Late beyond the bound, or late behind such a line: somebody should shorten a text.
    NeedsAttention,
    /// Ends after the picture.
    OutlastsPicture,
}

impl Placement {
    /// First millisecond after the line.
    pub fn end_ms(&self) -> u64 {
        self.start_ms.saturating_add(self.duration_ms)
    }

    /// Whether an editor should look at the line.
    pub fn needs_attention(&self) -> bool {
        self.flags.contains(&Flag::NeedsAttention)
    }
}
