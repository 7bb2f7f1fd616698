//! Mix: the spoken lines over the original bed.

use crate::ports::engine::{Engine, EngineError};
use async_trait::async_trait;
pub use domain::track::Background;
use domain::value::{Decibel, Span};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Mixes lines over a background into one sound of one length, as a stream.
#[async_trait]
pub trait Mixer: Engine {
    /// Writes `input.output`; the result is measured on what was written.
    async fn mix(&self, input: MixInput) -> Result<Mixed, EngineError>;
}

/// What to mix. Times are of the finished sound.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MixInput {
    /// WAV, signed 16 bit, 48 kHz, one or two channels.
    pub background: PathBuf,
    /// Lines in order of time; they never overlap.
    pub lines: Vec<MixLine>,
    /// What becomes of the background.
    pub mode: Background,
    /// Stretches in which the original speech sounds: ducked too, so that it does not speak between
    /// the lines. Stretches of phrases to keep are left out by the caller.
    pub original_speech: Vec<Span>,
    /// Stretches in which the original is heard untouched (phrases that are kept): never ducked, and
    /// not dropped by [`Background::Off`] either.
    pub kept: Vec<Span>,
    /// Programme loudness to reach, in LUFS: the source's. Silence means "leave as it is".
    pub loudness: Decibel,
    /// Highest true peak allowed, in dBTP.
    pub true_peak_max: Decibel,
    /// Length of the finished sound in milliseconds: never shorter than the last line's end.
    pub duration_ms: u64,
    /// WAV to write: signed 16 bit, 48 kHz, channels of the background.
    pub output: PathBuf,
}

/// One spoken line, ready to place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MixLine {
    /// WAV, signed 16 bit, 48 kHz, mono.
    pub wav: PathBuf,
    /// Where its first sample sounds, in milliseconds.
    pub start_ms: u64,
}

/// What was mixed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mixed {
    /// Programme loudness reached, in LUFS.
    pub loudness: Decibel,
    /// True peak reached, in dBTP.
    pub true_peak: Decibel,
    /// Whether loudness is within 1 LU of what was asked.
    pub loudness_reached: bool,
}
