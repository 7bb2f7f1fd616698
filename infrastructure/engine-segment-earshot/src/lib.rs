//! Finds speech in a recording: the adapter of [`application::stages::transcribe::SpeechDetector`] around the
//! voice detector `earshot`, with a gate against music. What it can and cannot do, and the figures, are in `docs.md`.
//!
//! It reads no words and knows no speakers; it never holds more than two seconds of what it heard.

mod config;
mod engine;
mod gate;
mod level;
mod listen;
mod shape;
mod spans;

pub use config::EarshotConfig;
pub use engine::EarshotEngine;
