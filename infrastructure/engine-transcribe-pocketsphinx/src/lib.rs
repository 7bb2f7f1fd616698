//! Recognises speech: the adapter of [`application::stages::transcribe::Recogniser`] around the program
//! `pocketsphinx_batch`, run as child processes. What it can and cannot do, and the figures, are in `docs.md`.
//!
//! It finds no speech by itself and judges no result: stretches come from the detector, plausibility is a rule of the
//! domain.

mod backtrace;
mod command;
mod config;
mod engine;
mod model;
mod recording;
mod share;

pub use config::PocketsphinxConfig;
pub use engine::PocketsphinxEngine;
