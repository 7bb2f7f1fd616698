//! Mix by ducking: the lines over the original bed, in this process, streamed block by block.
//!
//! What it does and what was measured is in `docs.md`. No decoding, encoding or placing in time here:
//! WAV comes in and goes out, and the planner has said where each line begins.

mod balance;
mod config;
mod engine;
mod envelope;
mod error;
mod limiter;
mod lines;
mod loudness;
mod mixdown;
mod peak;
mod wav;

pub use config::MixConfig;
pub use engine::DuckingMixer;
