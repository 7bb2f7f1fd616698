//! From 48 kHz to 16 kHz mono: a low-pass filter of linear phase whose delay is taken out, so that the
//! result stays on the same timeline.

use std::f64::consts::PI;

/// Input frames per output sample.
const FACTOR: usize = 3;

/// Taps of the filter; odd, so that its delay is whole. Passes 6.9 kHz, stops 8.4 kHz.
const TAPS: usize = 191;

/// Where the pass band ends (−6 dB), as a share of the input rate: 7.6 kHz of 48 kHz.
const CUTOFF: f64 = 7_600.0 / 48_000.0;

/// Filters and thins out a stream.
pub(super) struct Decimator {
    channels: usize,
    taps: Vec<f32>,
    /// Mono input from half a filter before the next output's centre on.
    pending: Vec<f32>,
}

impl Decimator {
    /// At the start of the sound; before it lies silence.
    pub fn new(channels: u16) -> Self {
        Self { channels: usize::from(channels.max(1)), taps: taps(), pending: vec![0.0; TAPS / 2] }
    }

    /// Takes interleaved frames at 48 kHz, appends samples at 16 kHz to `out`.
    pub fn push(&mut self, frames: &[f32], out: &mut Vec<f32>) {
        let share = 1.0 / self.channels as f32;
        self.pending.extend(frames.chunks_exact(self.channels).map(|frame| frame.iter().sum::<f32>() * share));
        let mut used = 0;
        for window in self.pending.windows(TAPS).step_by(FACTOR) {
            out.push(window.iter().zip(&self.taps).map(|(sample, tap)| sample * tap).sum());
            used += FACTOR;
        }
        self.pending.drain(..used.min(self.pending.len()));
    }

    /// After the last frame: lets silence follow until the last output is complete.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let tail = vec![0.0; (TAPS / 2) * self.channels];
        self.push(&tail, out);
    }
}

/// A windowed sinc (Blackman window: stop band below −74 dB), scaled to a gain of one.
fn taps() -> Vec<f32> {
    let middle = (TAPS / 2) as f64;
    let tap = |place: usize| {
        let x = place as f64 - middle;
        let sinc = if x == 0.0 { 2.0 * CUTOFF } else { (2.0 * PI * CUTOFF * x).sin() / (PI * x) };
        let phase = 2.0 * PI * place as f64 / (TAPS - 1) as f64;
        sinc * (0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos())
    };
    let sum: f64 = (0..TAPS).map(tap).sum();
    (0..TAPS).map(|place| (tap(place) / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::Decimator;
    use std::f64::consts::TAU;

    fn decimate(input: &[f32], channels: u16, piece: usize) -> Vec<f32> {
        let mut decimator = Decimator::new(channels);
        let mut out = Vec::new();
        for part in input.chunks(piece * usize::from(channels)) {
            decimator.push(part, &mut out);
        }
        decimator.finish(&mut out);
        out
    }

    fn sine(hz: f64) -> Vec<f32> {
        (0..48_000).map(|frame| (TAU * hz * f64::from(frame) / 48_000.0).sin() as f32).collect()
    }

    #[test]
    fn speech_passes_on_time_and_at_its_level() {
        let out = decimate(&sine(1000.0), 1, 1000);
        assert_eq!(out.len(), 16_000);
        for (place, sample) in out.iter().enumerate().skip(100).take(15_800) {
            let expected = (TAU * 1000.0 * place as f64 / 16_000.0).sin() as f32;
            assert!((sample - expected).abs() < 0.002, "{place}: {sample} instead of {expected}");
        }
    }

    #[test]
    fn what_would_fold_back_is_gone() {
        for hz in [8_700.0, 12_000.0, 20_000.0] {
            let out = decimate(&sine(hz), 1, 512);
            let peak = out.iter().skip(100).take(15_800).fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            assert!(peak < 0.001, "{hz} Hz leaks {peak}");
        }
    }

    #[test]
    fn pieces_do_not_matter_and_channels_are_averaged() {
        let mono = sine(440.0);
        let stereo: Vec<f32> = mono.iter().flat_map(|sample| [*sample, 0.0]).collect();
        let whole = decimate(&mono, 1, 48_000);
        let halves: Vec<f32> = decimate(&stereo, 2, 7).iter().map(|sample| sample * 2.0).collect();
        assert_eq!(whole.len(), halves.len());
        assert!(whole.iter().zip(&halves).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}
