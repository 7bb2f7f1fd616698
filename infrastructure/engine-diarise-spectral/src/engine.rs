//! The engine itself: listens to each stretch on a thread for blocking work and has the voices grouped.

use crate::{
    cluster::{Point, speakers},
    recording::Recording,
    voice::{Voice, VoiceMeter},
};
use application::{
    ports::{
        engine::{Engine, EngineError, EngineInfo},
        meter::EngineMeter,
    },
    stages::transcribe::{Diarisation, Diariser, VoicePrint},
};
use async_trait::async_trait;
use domain::value::Span;
use std::{path::Path, sync::Arc};

/// Voiced frames of 16 ms that a stretch needs to found a speaker: half a second.
const VOICED_FRAMES_MIN: u32 = 31;

/// Tells speakers apart by pitch and spectrum.
pub struct SpectralEngine {
    meter: Arc<EngineMeter>,
}

impl SpectralEngine {
    /// A diariser whose work is counted by `meter`.
    pub fn new(meter: Arc<EngineMeter>) -> Self {
        Self { meter }
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let meter = Arc::clone(&self.meter);
        let counted = move || {
            let _running = meter.enter();
            work()
        };
        let stopped = |_| EngineError::Transient {
            operation: "tell speakers apart",
            detail: "it stopped before its end".to_owned(),
            retry_after: None,
        };
        tokio::task::spawn_blocking(counted).await.map_err(stopped)?
    }
}

#[async_trait]
impl Engine for SpectralEngine {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        Ok(EngineInfo {
            name: "spectral".to_owned(),
            purpose: "telling speakers apart".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            languages: Vec::new(),
            licence: env!("CARGO_PKG_LICENSE").to_owned(),
            model_digest: None,
        })
    }
}

#[async_trait]
impl Diariser for SpectralEngine {
    async fn diarise(&self, speech: &Path, utterances: &[Span]) -> Result<Diarisation, EngineError> {
        let (path, spans) = (speech.to_owned(), utterances.to_vec());
        self.work(move || diarise(&path, &spans)).await
    }

    async fn describe_voices(&self, speech: &Path, groups: &[Vec<Span>]) -> Result<Vec<VoicePrint>, EngineError> {
        let (path, groups) = (speech.to_owned(), groups.to_vec());
        self.work(move || {
            let (mut recording, mut meter) = (Recording::open(&path)?, VoiceMeter::new());
            let heard = |group: Vec<Span>| listen(&mut recording, &mut meter, &group).map(|voice| print(&voice));
            groups.into_iter().map(heard).collect()
        })
        .await
    }
}

fn diarise(path: &Path, spans: &[Span]) -> Result<Diarisation, EngineError> {
    let (mut recording, mut meter) = (Recording::open(path)?, VoiceMeter::new());
    let mut points = Vec::with_capacity(spans.len());
    for span in spans {
        points.push(point(&listen(&mut recording, &mut meter, &[*span])?));
    }
    let speaker_of = speakers(&points);
    let mut voices = Vec::new();
    for speaker in 0..speaker_of.iter().max().map_or(0, |last| last + 1) {
        // Heard again instead of kept: a voice per stretch would grow with the recording.
        let own = spans.iter().zip(&speaker_of).filter(|(_, of)| **of == speaker).map(|(span, _)| *span);
        voices.push(print(&listen(&mut recording, &mut meter, &sample(own.collect()))?));
    }
    Ok(Diarisation { speaker_of, voices })
}

/// At most this many stretches are enough for a speaker's median pitch.
const STRETCHES_PER_VOICE_MAX: usize = 40;

/// Evenly chosen stretches, so that a long recording is not heard twice in full.
fn sample(spans: Vec<Span>) -> Vec<Span> {
    let stride = spans.len().div_ceil(STRETCHES_PER_VOICE_MAX).max(1);
    spans.into_iter().step_by(stride).collect()
}

fn listen(recording: &mut Recording, meter: &mut VoiceMeter, spans: &[Span]) -> Result<Voice, EngineError> {
    let mut voice = Voice::new();
    for span in spans {
        meter.listen(recording.read(*span)?, &mut voice);
    }
    Ok(voice)
}

fn print(voice: &Voice) -> VoicePrint {
    VoicePrint { pitch_hz: voice.pitches.median_hz() }
}

fn point(voice: &Voice) -> Option<Point> {
    let (pitch_hz, colour) = voice.pitches.median_hz().zip(voice.colour())?;
    let reliable = voice.pitches.frames() >= VOICED_FRAMES_MIN;
    Some(Point { colour, semitones: 12.0 * pitch_hz.log2(), reliable })
}
