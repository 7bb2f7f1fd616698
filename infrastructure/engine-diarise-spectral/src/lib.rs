//! Tells speakers apart by pitch and spectrum: the adapter of [`application::stages::transcribe::Diariser`] in plain
//! Rust. What it can and cannot do, and the figures, are in `docs.md`.
//!
//! It recognises nobody: it keeps no voice prints beyond one call, and one utterance of sound at a time.

mod cepstrum;
mod cluster;
mod engine;
mod pitch;
mod recording;
mod voice;

pub use engine::SpectralEngine;
