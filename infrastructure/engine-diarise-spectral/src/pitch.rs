//! The pitch of a voice: the McLeod pitch method (McLeod & Wyvill, "A smarter way to find pitch", 2005) and a histogram
//! that keeps its median in little room.

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};
use std::sync::Arc;

/// Samples per second of every recording.
pub(crate) const SAMPLE_RATE: f32 = 16_000.0;
/// Samples of a frame: 64 ms, four periods of the lowest voice.
pub(crate) const FRAME_SAMPLES: usize = 1_024;

/// From a deep male voice to a child's.
const PITCH_HZ_MIN: f32 = 65.0;
const PITCH_HZ_MAX: f32 = 400.0;
/// Normalised self-similarity from which a frame counts as voiced (1 is perfectly periodic).
const VOICED_MIN: f32 = 0.7;
/// The first peak with this share of the highest one is the period: later ones are its multiples.
const FIRST_PEAK_SHARE: f32 = 0.9;
/// Twice the frame, so that the correlation does not wrap around.
const PADDED: usize = 2 * FRAME_SAMPLES;

/// Measures pitch, frame by frame.
pub(crate) struct PitchMeter {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    time: Vec<f32>,
    lines: Vec<Complex32>,
}

impl PitchMeter {
    /// A meter; it remembers nothing from frame to frame.
    pub(crate) fn new() -> Self {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(PADDED);
        let inverse = planner.plan_fft_inverse(PADDED);
        Self { time: forward.make_input_vec(), lines: forward.make_output_vec(), forward, inverse }
    }

    /// The pitch in hertz, `None` when the frame is not voiced.
    pub(crate) fn pitch_hz(&mut self, frame: &[f32]) -> Option<f32> {
        self.time.fill(0.0);
        self.time.iter_mut().zip(frame).for_each(|(to, sample)| *to = *sample);
        self.forward.process(&mut self.time, &mut self.lines).ok()?;
        self.lines.iter_mut().for_each(|line| *line = Complex32::new(line.norm_sqr(), 0.0));
        self.inverse.process(&mut self.lines, &mut self.time).ok()?;
        let similarity = self.similarity(frame);
        let highest = similarity.iter().map(|&(_, value)| value).fold(0.0, f32::max);
        if highest < VOICED_MIN {
            return None;
        }
        let threshold = highest * FIRST_PEAK_SHARE;
        let peak = similarity.windows(3).find(|near| match near {
            [before, here, after] => here.1 >= threshold && here.1 >= before.1 && here.1 > after.1,
            _ => false,
        })?;
        let &[before, here, after] = peak else { return None };
        // The vertex of the parabola through the three values.
        let bend = before.1 - 2.0 * here.1 + after.1;
        let shift = if bend < 0.0 { 0.5 * (before.1 - after.1) / bend } else { 0.0 };
        Some(SAMPLE_RATE / (here.0 as f32 + shift))
    }

    /// Per lag in samples the correlation over the energy of both parts: from −1 to 1.
    fn similarity(&self, frame: &[f32]) -> Vec<(usize, f32)> {
        let lag_min = (SAMPLE_RATE / PITCH_HZ_MAX) as usize;
        let lag_max = (SAMPLE_RATE / PITCH_HZ_MIN) as usize;
        let mut energy = 2.0 * frame.iter().map(|sample| sample * sample).sum::<f32>();
        let mut similarity = Vec::with_capacity(lag_max);
        for lag in 1..=lag_max.min(frame.len()) {
            // With each lag one sample at either end no longer has a partner.
            let leaving = |at: Option<&f32>| at.map_or(0.0, |sample| sample * sample);
            energy -= leaving(frame.get(lag - 1)) + leaving(frame.get(frame.len() - lag));
            let correlation = self.time.get(lag).map_or(0.0, |sum| sum / PADDED as f32);
            if lag + 1 >= lag_min && energy > 1e-6 {
                similarity.push((lag, 2.0 * correlation / energy));
            }
        }
        similarity
    }
}

/// Bins per octave: 25 cents each, finer than voices differ.
const BINS_PER_OCTAVE: f32 = 48.0;
/// Enough bins for all pitches that are looked for.
const BINS: usize = 128;

/// How often each pitch was heard, in a fixed amount of room.
#[derive(Clone, Debug)]
pub(crate) struct PitchHistogram {
    counts: [u32; BINS],
}

impl PitchHistogram {
    /// Nothing heard yet.
    pub(crate) fn new() -> Self {
        Self { counts: [0; BINS] }
    }

    /// Counts a frame of this pitch.
    pub(crate) fn add(&mut self, pitch_hz: f32) {
        let bin = ((pitch_hz / PITCH_HZ_MIN).log2() * BINS_PER_OCTAVE).max(0.0) as usize;
        if let Some(count) = self.counts.get_mut(bin.min(BINS - 1)) {
            *count += 1;
        }
    }

    /// Frames counted.
    pub(crate) fn frames(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// The median in hertz; `None` when nothing was counted.
    pub(crate) fn median_hz(&self) -> Option<f32> {
        let half = self.frames().div_ceil(2);
        let mut seen = 0;
        let bin = self.counts.iter().position(|count| {
            seen += count;
            half > 0 && seen >= half
        })?;
        Some(PITCH_HZ_MIN * ((bin as f32 + 0.5) / BINS_PER_OCTAVE).exp2())
    }
}
