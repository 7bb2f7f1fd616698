//! The colour of a voice: mel cepstra (Davis & Mermelstein, 1980). Loudness is left out.

use crate::pitch::{FRAME_SAMPLES, SAMPLE_RATE};
use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex32};
use std::{f32::consts::PI, sync::Arc};

/// Numbers that describe the colour: cepstral coefficients 1 to 12.
pub(crate) const COEFFICIENTS: usize = 12;

const BANDS: usize = 26;
const LOWEST_HZ: f32 = 100.0;
const HIGHEST_HZ: f32 = 7_000.0;
const POWER_FLOOR: f32 = 1e-6;

/// The coefficients of one frame, or their mean over many.
pub(crate) type Cepstrum = [f32; COEFFICIENTS];

/// Measures the colour of frames.
pub(crate) struct CepstrumMeter {
    transform: Arc<dyn RealToComplex<f32>>,
    taper: Vec<f32>,
    /// Centre frequencies of the triangular bands with one more at either end, in lines of the spectrum.
    centres: Vec<f32>,
    input: Vec<f32>,
    lines: Vec<Complex32>,
}

impl CepstrumMeter {
    /// A meter; it remembers nothing from frame to frame.
    pub(crate) fn new() -> Self {
        let transform = RealFftPlanner::new().plan_fft_forward(FRAME_SAMPLES);
        let mel = |hertz: f32| 2_595.0 * (1.0 + hertz / 700.0).log10();
        let hertz = |mel: f32| 700.0 * (10_f32.powf(mel / 2_595.0) - 1.0);
        let step = (mel(HIGHEST_HZ) - mel(LOWEST_HZ)) / (BANDS + 1) as f32;
        let line = |band: usize| hertz(mel(LOWEST_HZ) + step * band as f32) * FRAME_SAMPLES as f32 / SAMPLE_RATE;
        let turn = 2.0 * PI / FRAME_SAMPLES as f32;
        Self {
            taper: (0..FRAME_SAMPLES).map(|sample| 0.54 - 0.46 * (turn * sample as f32).cos()).collect(),
            centres: (0..BANDS + 2).map(line).collect(),
            input: transform.make_input_vec(),
            lines: transform.make_output_vec(),
            transform,
        }
    }

    /// The colour of a frame; `None` when it could not be transformed.
    pub(crate) fn colour(&mut self, frame: &[f32]) -> Option<Cepstrum> {
        for ((to, sample), weight) in self.input.iter_mut().zip(frame).zip(&self.taper) {
            *to = sample * weight;
        }
        self.transform.process(&mut self.input, &mut self.lines).ok()?;
        let bands: Vec<f32> = self.centres.windows(3).map(|corners| self.band(corners)).collect();
        let mut colour = [0.0; COEFFICIENTS];
        for (order, to) in (1..).zip(colour.iter_mut()) {
            let turn = PI * order as f32 / BANDS as f32;
            let terms = bands.iter().enumerate().map(|(band, power)| power * (turn * (band as f32 + 0.5)).cos());
            *to = terms.sum::<f32>() * (2.0 / BANDS as f32).sqrt();
        }
        Some(colour)
    }

    /// Logarithm of the power in a triangle with these corners.
    fn band(&self, corners: &[f32]) -> f32 {
        let &[low, centre, high] = corners else { return POWER_FLOOR.ln() };
        let (from, to) = (low.ceil() as usize, high.floor() as usize);
        let weight = |line: usize| {
            let line = line as f32;
            if line <= centre { (line - low) / (centre - low) } else { (high - line) / (high - centre) }
        };
        let lines = self.lines.get(from..=to).unwrap_or_default();
        let power: f32 = (from..).zip(lines).map(|(place, line)| weight(place) * line.norm_sqr()).sum();
        (power + POWER_FLOOR).ln()
    }
}
