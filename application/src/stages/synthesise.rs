//! Synthesise: the translated lines, spoken.

use crate::ports::engine::{Engine, EngineError};
use async_trait::async_trait;
use domain::value::{LanguageTag, Percent};
use serde::Serialize;

/// Speaks.
#[async_trait]
pub trait Synthesiser: Engine {
    /// Voices for a language, or all when `None`; the first of each gender is the default choice.
    async fn voices(&self, language: Option<&LanguageTag>) -> Result<Vec<Voice>, EngineError>;

    /// Speaks one line. Silence at both ends is trimmed; the result is what came out, measured.
    async fn speak(&self, line: SpeakInput) -> Result<Speech, EngineError>;
}

/// A voice of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Voice {
    /// The engine's name for it, as `--voice SPEAKER=VOICE` takes it: `es+f2`.
    pub name: String,
    /// The language it speaks.
    pub language: LanguageTag,
    /// How it sounds.
    pub gender: Gender,
}

/// How a voice sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gender {
    /// Low.
    Male,
    /// High.
    Female,
}

/// A line to speak.
#[derive(Clone, Debug)]
pub struct SpeakInput {
    /// The text, in the voice's language.
    pub text: String,
    /// Name of the voice.
    pub voice: String,
    /// Speed against the voice's own, 50 to 200 %.
    pub rate: Percent,
}

/// A spoken line.
#[derive(Clone, Debug)]
pub struct Speech {
    /// A complete WAV file: signed 16 bit, 48 kHz, mono, correct header.
    pub wav: Vec<u8>,
    /// Length in milliseconds, rounded up.
    pub duration_ms: u64,
}
