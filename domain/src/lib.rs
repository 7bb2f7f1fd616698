//! The pure heart of Dragoman: what may happen, what did happen, what is owed next.
//!
//! No I/O, clock, randomness or async lives here; time, ids and digests are arguments.

pub mod account;
pub mod asset;
pub mod decider;
pub mod dubbing;
pub mod fit;
pub mod flow;
pub mod glossary;
pub mod project;
pub mod queues;
pub mod security;
pub mod segment;
#[cfg(any(test, feature = "spec"))]
pub mod spec;
pub mod tenant;
pub mod track;
pub mod value;
pub mod webhook;
