//! How much the shape of the spectrum changes from moment to moment, whatever the level does.

use crate::listen::FRAME_SAMPLES;
use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex32};
use std::{collections::VecDeque, f32::consts::PI, sync::Arc};

/// Bands of equal width on the mel scale.
const BANDS: usize = 20;
/// The spectrum is of two frames: 32 ms.
const WINDOW_SAMPLES: usize = 2 * FRAME_SAMPLES;
/// Hertz per line of the spectrum.
const LINE_HZ: f32 = 16_000.0 / WINDOW_SAMPLES as f32;
/// From below the voice's pitch to where a 16 kHz recording's filter begins.
const LOWEST_HZ: f32 = 100.0;
const HIGHEST_HZ: f32 = 7_500.0;
/// Frames between the two shapes that are compared: 48 ms, shorter than most sounds of speech.
const APART_FRAMES: usize = 3;
/// Power below which a band counts as silent: about −63 dBFS of white noise.
const POWER_FLOOR: f32 = 1e-4;

/// Measures the change of shape, frame by frame.
pub(crate) struct Shape {
    transform: Arc<dyn RealToComplex<f32>>,
    taper: Vec<f32>,
    edges: Vec<usize>,
    samples: Vec<f32>,
    input: Vec<f32>,
    lines: Vec<Complex32>,
    scratch: Vec<Complex32>,
    past: VecDeque<[f32; BANDS]>,
}

impl Shape {
    /// A measure that has heard silence so far.
    pub(crate) fn new() -> Self {
        let transform = RealFftPlanner::new().plan_fft_forward(WINDOW_SAMPLES);
        let step = 2.0 * PI / WINDOW_SAMPLES as f32;
        Self {
            taper: (0..WINDOW_SAMPLES).map(|sample| 0.5 - 0.5 * (step * sample as f32).cos()).collect(),
            edges: band_edges(),
            samples: vec![0.0; WINDOW_SAMPLES],
            input: transform.make_input_vec(),
            lines: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            past: VecDeque::new(),
            transform,
        }
    }

    /// The mean absolute change of the bands' logarithmic power (nats) against 48 ms before, without what all
    /// bands have in common: a change of level is no change of shape. 0 for the first frames.
    pub(crate) fn change(&mut self, frame: &[i16; FRAME_SAMPLES]) -> f32 {
        self.samples.drain(..FRAME_SAMPLES);
        self.samples.extend(frame.iter().map(|&sample| f32::from(sample) / 32_768.0));
        let now = self.bands();
        let before = if self.past.len() == APART_FRAMES { self.past.pop_front() } else { None };
        self.past.push_back(now);
        before.map_or(0.0, |before| distance(&before, &now))
    }

    fn bands(&mut self) -> [f32; BANDS] {
        for ((to, sample), weight) in self.input.iter_mut().zip(&self.samples).zip(&self.taper) {
            *to = sample * weight;
        }
        // The buffers were made by the transform itself, so their lengths fit and this cannot fail.
        let transformed = self.transform.process_with_scratch(&mut self.input, &mut self.lines, &mut self.scratch);
        let mut bands = [0.0; BANDS];
        if transformed.is_ok() {
            for (band, edges) in bands.iter_mut().zip(self.edges.windows(2)) {
                let lines = edges.first().zip(edges.last()).and_then(|(&from, &to)| self.lines.get(from..to));
                let power =
                    lines.map_or(0.0, |lines| lines.iter().map(Complex32::norm_sqr).sum::<f32>() / lines.len() as f32);
                *band = (power + POWER_FLOOR).ln();
            }
        }
        bands
    }
}

/// The first line of each band, and the line after the last band; every band has at least one line.
fn band_edges() -> Vec<usize> {
    // The mel scale after O'Shaughnessy (1987): 2595 · log10(1 + f / 700).
    let mel = |hertz: f32| 2_595.0 * (1.0 + hertz / 700.0).log10();
    let hertz = |mel: f32| 700.0 * (10_f32.powf(mel / 2_595.0) - 1.0);
    let (low, high) = (mel(LOWEST_HZ), mel(HIGHEST_HZ));
    let place = |edge: usize| hertz(low + (high - low) * edge as f32 / BANDS as f32) / LINE_HZ;
    let mut edges: Vec<usize> = Vec::with_capacity(BANDS + 1);
    for edge in 0..=BANDS {
        let least = edges.last().map_or(0, |last| last + 1);
        edges.push((place(edge).round() as usize).max(least));
    }
    edges
}

fn distance(before: &[f32; BANDS], now: &[f32; BANDS]) -> f32 {
    let changes = || now.iter().zip(before).map(|(now, before)| now - before);
    let common = changes().sum::<f32>() / BANDS as f32;
    changes().map(|change| (change - common).abs()).sum::<f32>() / BANDS as f32
}
