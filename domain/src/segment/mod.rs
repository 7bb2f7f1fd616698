//! Segmentation: how speech and subtitle cues become utterances, and whether recognised words can be speech.
//!
//! Pure functions over spans and text; where speech is and what was said is found out elsewhere.

mod cues;
mod limits;
mod plan;
mod plausible;
mod sentence;

pub use cues::{Cue, CueUtterance, join_cues};
pub use limits::Limits;
pub use plan::{Segment, plan};
pub use plausible::{Heard, is_plausible};

#[cfg(test)]
mod cues_tests;
#[cfg(test)]
mod plan_tests;
