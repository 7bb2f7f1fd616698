//! Mix: the spoken lines over the original bed.

use super::handler::{Done, StageError, TrackJob, TrackStage, memo_key, producer};
use crate::ports::engine::{Engine, EngineError};
use async_trait::async_trait;
pub use domain::track::Background;
use domain::{
    flow::Stage,
    track::{MixLevels, MixedSound, TrackEvent},
    value::{Artefact, Decibel, Producer, Sha256, Span},
};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};

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
    /// Levels of the mix before, when only lines have changed since: to be kept as long as they keep the promises, so
    /// that nothing but those lines sounds different.
    pub levels: Option<MixLevels>,
    /// Digest over what levels depend on besides the lines: comes back with them.
    pub basis: Sha256,
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
    /// How loud everything was made.
    pub levels: MixLevels,
}

/// The handler.
pub struct Mix {
    /// Mixes.
    pub mixer: Arc<dyn Mixer>,
    /// Highest true peak of the mix, in dBTP: a decibel below what the finished file may have, since
    /// encoding overshoots.
    pub true_peak_max: Decibel,
}

/// Everything that the sound depends on, with files by their digests: what the memo is keyed by.
#[derive(Serialize)]
struct Score {
    background: Artefact,
    lines: Vec<(Artefact, u64)>,
    mode: Background,
    original_speech: Vec<Span>,
    kept: Vec<Span>,
    loudness: Decibel,
    true_peak_max: Decibel,
    duration_ms: u64,
}

#[async_trait]
impl TrackStage for Mix {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        let score = self.score(job)?;
        let producers = vec![producer(&*self.mixer).await?];
        let key = memo_key(Stage::Mix, &(&score, &producers))?;
        if let Some(known) = job.track.mixed.as_ref().filter(|known| known.key == key)
            && job.attempt.has(&known.sound).await?
        {
            return Ok(Done::reused(vec![], producers));
        }
        let output = job.attempt.scratch.folder().await?.join("mix.wav");
        let basis = score.basis(&producers)?;
        let before = job.track.mixed.as_ref().and_then(|known| known.levels);
        let levels = before.filter(|levels| levels.basis == basis);
        let mixed = self.mixer.mix(input(job, score, (levels, basis), output.clone()).await?).await?;
        let fact = TrackEvent::TrackMixed(MixedSound {
            key,
            sound: job.attempt.keep(&output, "audio/wav").await?,
            loudness: mixed.loudness,
            true_peak: mixed.true_peak,
            loudness_reached: mixed.loudness_reached,
            levels: Some(mixed.levels),
        });
        Ok(Done::made(vec![fact], producers))
    }
}

impl Mix {
    fn score(&self, job: &TrackJob) -> Result<Score, StageError> {
        let header = job.track.header.as_ref().ok_or(StageError::Absent("the track"))?;
        let source = job.dubbing.source.as_ref().ok_or(StageError::Absent("the source"))?;
        let sound = job.dubbing.sound.as_ref().ok_or(StageError::Absent("the decoded sound"))?;
        let placed = job.lines().filter_map(|(_, _, line)| {
            let placement = line.placement?;
            let speech = line.speech_at(placement.rate)?;
            Some((speech.speech.clone(), placement.start_ms, placement.start_ms + placement.duration_ms))
        });
        let mut placed: Vec<_> = placed.collect();
        placed.sort_by_key(|(_, start_ms, _)| *start_ms);
        let last_ms = placed.iter().map(|(.., end_ms)| *end_ms).max().unwrap_or(0);
        let translations = job.lines().filter_map(|(_, _, line)| line.translation.as_ref());
        let kept: Vec<Span> = translations.flat_map(|translation| translation.kept.iter().copied()).collect();
        Ok(Score {
            background: sound.background.clone(),
            lines: placed.into_iter().map(|(speech, start_ms, _)| (speech, start_ms)).collect(),
            mode: header.settings.background,
            original_speech: job.dubbing.utterances.values().flat_map(|line| without(line.span, &kept)).collect(),
            kept,
            loudness: sound.loudness,
            true_peak_max: self.true_peak_max,
            duration_ms: source.duration_ms.max(sound.duration_ms).max(last_ms),
        })
    }
}

/// What is left of a span outside all of `holes`.
fn without(span: Span, holes: &[Span]) -> Vec<Span> {
    let mut left = vec![span];
    for hole in holes {
        left = left
            .into_iter()
            .flat_map(|part| {
                [
                    Span::try_new(part.start_ms(), part.end_ms().min(hole.start_ms())),
                    Span::try_new(part.start_ms().max(hole.end_ms()), part.end_ms()),
                ]
            })
            .flatten()
            .collect();
    }
    left
}

impl Score {
    /// Digest over everything that levels depend on, but for the lines.
    fn basis(&self, producers: &[Producer]) -> Result<Sha256, StageError> {
        let parts = (&self.background, self.mode, self.loudness, self.true_peak_max, producers);
        memo_key(Stage::Mix, &("levels", parts))
    }
}

async fn input(
    job: &TrackJob,
    score: Score,
    (levels, basis): (Option<MixLevels>, Sha256),
    output: PathBuf,
) -> Result<MixInput, StageError> {
    let mut lines = Vec::with_capacity(score.lines.len());
    for (speech, start_ms) in &score.lines {
        lines.push(MixLine { wav: job.attempt.file(speech).await?, start_ms: *start_ms });
    }
    Ok(MixInput {
        background: job.attempt.file(&score.background).await?,
        lines,
        mode: score.mode,
        original_speech: score.original_speech,
        kept: score.kept,
        loudness: score.loudness,
        true_peak_max: score.true_peak_max,
        levels,
        basis,
        duration_ms: score.duration_ms,
        output,
    })
}
