//! Letters that nobody asks for: what happens is written to whom it concerns.
//!
//! Deliberately absent: letters that go with something asked for (invitations, links for a new password), which are
//! written where that is done.

mod finished;

pub use finished::{FinishedLetters, FinishedParts, LetterFault};
