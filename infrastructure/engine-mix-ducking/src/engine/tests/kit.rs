//! Sounds to mix, a place to mix them in, and ways to measure.

use super::*;
use crate::wav::{RATE_HZ, WavSink, WavSource, quantise};
use application::stages::mix::MixLine;
use domain::value::Span;
use ebur128::{EbuR128, Mode};
use std::{f64::consts::TAU, path::PathBuf};

/// A bed and an input around it, in a temporary folder. Without a target, the bed's level is left as it is.
pub(super) struct Scene {
    folder: tempfile::TempDir,
    /// The bed as written, interleaved.
    pub bed: Vec<f32>,
    pub input: MixInput,
}

impl Scene {
    /// The same sound in every channel.
    pub(super) fn new(mono: Vec<f32>, channels: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bed: Vec<f32> = mono.iter().flat_map(|sample| std::iter::repeat_n(*sample, channels)).collect();
        let background = folder.path().join("bed.wav");
        let bed = write(&background, &bed, channels);
        let input = MixInput {
            background,
            lines: Vec::new(),
            mode: Background::Duck,
            original_speech: Vec::new(),
            kept: Vec::new(),
            loudness: Decibel::SILENCE,
            true_peak_max: Decibel::from_db(-1.0),
            levels: None,
            basis: Sha256::new([0; 32]),
            duration_ms: mono.len() as u64 / 48,
            output: folder.path().join("mix.wav"),
        };
        Self { folder, bed, input }
    }

    pub(super) fn line(&mut self, samples: Vec<f32>, start_ms: u64) {
        let wav = self.folder.path().join(format!("line-{start_ms}.wav"));
        write(&wav, &samples, 1);
        self.input.lines.push(MixLine { wav, start_ms });
    }

    pub(super) fn write_raw(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(super) async fn mix(&self) -> (Mixed, Vec<f32>) {
        let mixed = mixer().mix(self.input.clone()).await.unwrap();
        (mixed, read(&self.input.output))
    }
}

pub(super) fn mixer() -> DuckingMixer {
    DuckingMixer::new(MixConfig::default(), Arc::default())
}

fn write(path: &std::path::Path, samples: &[f32], channels: usize) -> Vec<f32> {
    let mut sink = WavSink::create(path, channels).unwrap();
    let mut written = Vec::new();
    quantise(samples, &mut written);
    sink.write(&written).unwrap();
    sink.finish().unwrap();
    read(path)
}

fn read(path: &std::path::Path) -> Vec<f32> {
    let mut source = WavSource::open(path, 1..=2).unwrap();
    let mut samples = vec![0.0; source.frames as usize * source.channels];
    source.fill(&mut samples).unwrap();
    samples
}

pub(super) fn silence(ms: u64) -> Vec<f32> {
    vec![0.0; ms as usize * 48]
}

pub(super) fn sine(hertz: f64, level: f64, ms: u64) -> Vec<f32> {
    (0..ms * 48).map(|n| (level * (TAU * hertz * n as f64 / 48_000.0 + 0.7).sin()) as f32).collect()
}

/// White, uniform.
pub(super) fn noise(level: f32, ms: u64) -> Vec<f32> {
    let next = |state: &mut u32, _| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some(level * ((*state >> 8) as f32 / 8_388_608.0 - 1.0))
    };
    (0..ms * 48).scan(7, next).collect()
}

/// Something with the pulses and syllables of speech: noise under an envelope of 4 Hz and 110 Hz.
pub(super) fn speech(level: f32, ms: u64) -> Vec<f32> {
    let shape = |n: usize| {
        let time = n as f64 / 48_000.0;
        let syllable = 0.6 + 0.4 * (TAU * 4.0 * time).sin();
        let pulse = (TAU * 110.0 * time).sin().max(0.0).powi(4);
        (syllable * (0.2 + 0.8 * pulse)) as f32
    };
    noise(level, ms).into_iter().enumerate().map(|(n, sample)| sample * shape(n)).collect()
}

/// A square wave at full scale: as hot as a recording can be.
pub(super) fn clipped(ms: u64) -> Vec<f32> {
    sine(441.0, 50.0, ms).into_iter().map(|sample| sample.clamp(-1.0, 1.0)).collect()
}

pub(super) fn span(start_ms: u64, end_ms: u64) -> Span {
    Span::try_new(start_ms, end_ms).unwrap()
}

pub(super) fn level_db(samples: &[f32]) -> f64 {
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    10.0 * (energy / samples.len() as f64).log10()
}

/// Loudness and true peak of the whole.
pub(super) fn measure(samples: &[f32], channels: u32) -> (f64, f64) {
    let mut meter = EbuR128::new(channels, RATE_HZ, Mode::I | Mode::TRUE_PEAK).unwrap();
    meter.add_frames_f32(samples).unwrap();
    let peak = (0..channels).map(|channel| meter.true_peak(channel).unwrap()).fold(0.0, f64::max);
    (meter.loudness_global().unwrap(), 20.0 * peak.log10())
}

/// Where `needle` correlates best with `hay`, within `reach` frames of `near`.
pub(super) fn best_match(hay: &[f32], needle: &[f32], near: usize, reach: usize) -> usize {
    let score = |place: usize| -> f64 {
        let pairs = hay.get(place..).unwrap_or_default().iter().zip(needle);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let places = near.saturating_sub(reach)..=near + reach;
    places.max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap()
}
