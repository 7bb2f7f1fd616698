//! Crash safety, proved from outside: killed at any moment, any number of times, a job ends as if nothing had been.
//!
//! What counts as "the same" is in `crash/rig.rs`: the report's lines, the sound sample for sample, the subtitles
//! byte for byte, and a history in which nothing happens twice.

mod engines;
mod killed;
mod leftovers;
mod rig;
mod stopped;
