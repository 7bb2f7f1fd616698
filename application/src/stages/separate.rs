//! Separate: the sound to dub over, and the sound to listen to.

use super::handler::{Done, DubbingJob, DubbingStage, StageError, producer};
use crate::ports::engine::{Engine, EngineError};
use async_trait::async_trait;
use domain::{
    dubbing::{DubbingEvent, SeparatedSound},
    value::Decibel,
};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};

/// Decodes the chosen sound and, if it can, parts speech from background.
#[async_trait]
pub trait Separator: Engine {
    /// Writes the stems of one audio stream as files into `input.folder`, streamed, in one decode.
    async fn separate(&self, input: SeparateInput) -> Result<Stems, EngineError>;
}

/// What to take apart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeparateInput {
    /// The source.
    pub file: PathBuf,
    /// Number among its audio streams.
    pub audio_stream: u32,
    /// Where the stems go; exists and is empty.
    pub folder: PathBuf,
}

/// What came out: both start at media time 0 (a late start of the sound is padded with silence).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stems {
    /// WAV, signed 16 bit, 48 kHz, one or two channels: what the dub is mixed over.
    pub background: PathBuf,
    /// WAV, signed 16 bit, 16 kHz, mono: what is listened to.
    pub speech: PathBuf,
    /// Whether speech was taken out of the background; engine `none` says no.
    pub separated: bool,
    /// Length of the sound in milliseconds.
    pub duration_ms: u64,
    /// Channels of the background: 1 or 2.
    pub channels: u16,
    /// Programme loudness (ITU-R BS.1770-4, integrated) in LUFS.
    pub loudness: Decibel,
    /// True peak in dBTP.
    pub true_peak: Decibel,
}

/// The handler.
pub struct Separate {
    /// Decodes and, if it can, separates.
    pub separator: Arc<dyn Separator>,
}

#[async_trait]
impl DubbingStage for Separate {
    async fn run(&self, job: &DubbingJob) -> Result<Done<DubbingEvent>, StageError> {
        let source = job.dubbing.source.as_ref().ok_or(StageError::Absent("the source"))?;
        let input = SeparateInput {
            file: job.attempt.file(&source.media).await?,
            audio_stream: source.audio_stream,
            folder: job.attempt.scratch.folder().await?.to_owned(),
        };
        let stems = self.separator.separate(input).await?;
        let sound = SeparatedSound {
            background: job.attempt.keep(&stems.background, "audio/wav").await?,
            speech: job.attempt.keep(&stems.speech, "audio/wav").await?,
            separated: stems.separated,
            duration_ms: stems.duration_ms,
            loudness: stems.loudness,
            true_peak: stems.true_peak,
        };
        Ok(Done::made(vec![DubbingEvent::SpeechSeparated(sound)], vec![producer(&*self.separator).await?]))
    }
}
