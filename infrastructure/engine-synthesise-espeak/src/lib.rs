//! Synthesise with espeak-ng: a rule-based (formant) speaker, run as a child process per line.
//!
//! What it can and cannot do is in `docs.md`. No mixing and no placing in time: those are Fit and Mix.

mod catalogue;
mod config;
mod engine;
mod rate;
mod sound;
mod text;

pub use config::EspeakConfig;
pub use engine::EspeakEngine;
