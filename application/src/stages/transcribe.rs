//! Transcribe: who says what, when.

mod handler;

use super::mux::SubtitleCue;
use crate::ports::engine::{Engine, EngineError};
use async_trait::async_trait;
use domain::value::{LanguageTag, Span, UtteranceId};
pub use handler::Transcribe;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// Finds the stretches in which someone speaks.
#[async_trait]
pub trait SpeechDetector: Engine {
    /// Stretches of speech in a WAV (signed 16 bit, 16 kHz, mono), in order, apart by at least 100 ms.
    /// Reads as a stream. Where music or noise alone sounds it finds nothing, as far as it can tell.
    async fn detect(&self, speech: &Path) -> Result<Vec<Span>, EngineError>;
}

/// Turns speech into words.
#[async_trait]
pub trait Recogniser: Engine {
    /// Whether it has a model for this language.
    fn understands(&self, language: &LanguageTag) -> bool;

    /// Recognises each stretch, side by side on all cores, and sends each result as soon as it is
    /// there, in any order. A stretch in which nothing was understood gives no words.
    async fn recognise(&self, input: RecogniseInput, results: mpsc::Sender<Recognised>) -> Result<(), EngineError>;
}

/// What to listen to.
#[derive(Clone, Debug)]
pub struct RecogniseInput {
    /// WAV, signed 16 bit, 16 kHz, mono.
    pub speech: PathBuf,
    /// The language spoken.
    pub language: LanguageTag,
    /// The stretches, none longer than 15 s.
    pub utterances: Vec<(UtteranceId, Span)>,
    /// A folder for scratch files; exists; removed by the caller.
    pub scratch: PathBuf,
}

/// What was understood of one utterance.
#[derive(Clone, Debug, PartialEq)]
pub struct Recognised {
    /// Which one.
    pub utterance: UtteranceId,
    /// In order of time, without fillers; times are of the whole recording.
    pub words: Vec<Word>,
}

/// A word as heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// Lower case, as the engine's dictionary spells it, without pronunciation marks.
    pub text: String,
    /// When it sounds.
    pub span: Span,
    /// Posterior probability, 0 to 1.
    pub confidence: f32,
}

/// Tells speakers apart.
#[async_trait]
pub trait Diariser: Engine {
    /// For each stretch (in order of time) the speaker, by sound alone: pitch and spectrum.
    async fn diarise(&self, speech: &Path, utterances: &[Span]) -> Result<Diarisation, EngineError>;

    /// The voice of each given group of stretches, for choosing a voice: groups are speakers already
    /// known by name.
    async fn describe_voices(&self, speech: &Path, groups: &[Vec<Span>]) -> Result<Vec<VoicePrint>, EngineError>;
}

/// Who speaks when, by sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Diarisation {
    /// For each stretch an index into `voices`.
    pub speaker_of: Vec<usize>,
    /// One per speaker, in order of first speech; never empty unless there are no stretches.
    pub voices: Vec<VoicePrint>,
}

/// What is known of a voice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoicePrint {
    /// Median pitch in hertz; `None` when nothing voiced was found.
    pub pitch_hz: Option<f32>,
}

/// Reads the text tracks that come inside a media file.
#[async_trait]
pub trait EmbeddedSubtitles: Engine {
    /// The cues of one text stream, in order, without markup other than `<v NAME>`.
    async fn read(&self, file: &Path, stream: u32) -> Result<Vec<SubtitleCue>, EngineError>;
}
