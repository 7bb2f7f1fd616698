//! Fit: where each spoken line of a dub sounds, and how fast it is spoken.
//!
//! A translated line rarely lasts as long as the original. The planner makes it fit, in this order:
//! borrow silence after the line, then before it; speak faster, up to the preferred rate, then up to
//! the cap; speak slower where a line would leave a hole. What still does not fit starts the next line
//! late, and the next gap catches up. Two promises win over punctuality: never two voices at once, and
//! never a cut word.
//!
//! Placement is absolute: a line's start is computed from its own slot, so drift never accumulates.
//!
//! The caller speaks the lines of [`Plan::respeak`] at the asked rates, adds what came out to
//! [`Line::takes`] and plans again, at most [`Limits::rounds`] times; then [`settle`] places what there is.
//!
//! Deliberately absent: sound, text, engines and clocks. The planner is a pure function of whole numbers.

mod choose;
mod line;
mod placement;
mod plan;
mod room;

pub use line::{Limits, Line, Picture, Take};
pub use placement::{Flag, Placement, Plan};
pub use plan::{plan, settle};

#[cfg(test)]
mod tests;
