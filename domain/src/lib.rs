//! The pure heart of Dragoman: what may happen, what did happen, what is owed next.
//!
//! No I/O, clock, randomness or async lives here; time, ids and digests are arguments.

pub mod value;
