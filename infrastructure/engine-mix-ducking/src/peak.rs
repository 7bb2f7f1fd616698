//! The true peak of what is written, by `ebur128` (BS.1770-4 annex 2), which is only asked where it could matter.

use crate::{error::MixError, wav::RATE_HZ};
use ebur128::{EbuR128, Mode};

/// No interpolated point is higher than this many times the samples it is made of: the greatest sum of
/// magnitudes of the taps of one phase of ebur128's filter (49 taps, 4 phases, Hann) is 1.8642.
const OVERSHOOT_MAX: f64 = 1.87;
/// Frames of a piece that is measured or not: 10 ms.
const PIECE: usize = 480;
/// Frames before a piece that its first interpolated points look at.
const CONTEXT: usize = 48;

/// Measures the highest true peak of all channels, full scale 1. The result is exactly that of a meter that hears
/// everything: a piece is left out only when it cannot hold a higher peak than the one known.
pub(crate) struct PeakMeter {
    meter: EbuR128,
    channels: usize,
    /// The end of the piece before.
    context: Vec<i16>,
    /// Whether the meter has heard the piece before.
    is_following: bool,
    /// The peak so far.
    pub peak: f64,
}

impl PeakMeter {
    pub(crate) fn new(channels: usize) -> Result<Self, MixError> {
        let meter = EbuR128::new(channels as u32, RATE_HZ, Mode::TRUE_PEAK)?;
        Ok(Self { meter, channels, context: vec![0; CONTEXT * channels], is_following: true, peak: 0.0 })
    }

    /// Adds interleaved samples.
    pub(crate) fn add(&mut self, samples: &[i16]) -> Result<(), MixError> {
        for piece in samples.chunks(PIECE * self.channels) {
            let loudest = |samples: &[i16]| samples.iter().fold(0, |peak, sample| peak.max(sample.unsigned_abs()));
            // Points that lie before the piece are heard with it: the filter looks back.
            let loudest = f64::from(loudest(piece).max(loudest(&self.context))) / 32_768.0;
            if loudest * OVERSHOOT_MAX > self.peak {
                if !self.is_following {
                    self.meter.reset();
                    self.meter.add_frames_i16(&self.context)?;
                }
                self.meter.add_frames_i16(piece)?;
                self.is_following = true;
                for channel in 0..self.channels {
                    self.peak = self.peak.max(self.meter.true_peak(channel as u32)?);
                }
            } else {
                self.is_following = false;
            }
            self.context.extend_from_slice(piece);
            let surplus = self.context.len().saturating_sub(CONTEXT * self.channels);
            self.context.drain(..surplus);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The meter agrees with one that hears everything.
    fn check(name: &str, channels: usize, samples: &[i16]) {
        let mut all = EbuR128::new(channels as u32, RATE_HZ, Mode::TRUE_PEAK).unwrap();
        all.add_frames_i16(samples).unwrap();
        let expected = (0..channels).map(|channel| all.true_peak(channel as u32).unwrap()).fold(0.0, f64::max);
        let mut meter = PeakMeter::new(channels).unwrap();
        for block in samples.chunks(9_600 * channels) {
            meter.add(block).unwrap();
        }
        assert!((meter.peak - expected).abs() < 1e-9, "{name}: {} for {expected}", meter.peak);
    }

    #[test]
    fn leaving_pieces_out_changes_nothing() {
        let next = |state: &mut u32, _| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((*state >> 16) as i16)
        };
        let noise: Vec<i16> = (0..96_000).scan(5, next).collect();
        check("noise", 1, &noise);
        check("noise in two channels", 2, &noise);
        let swelling: Vec<i16> =
            (0..96_000).map(|n| (f64::from(n) * 0.3 * (f64::from(n) * 1.6).sin()) as i16).collect();
        check("swelling", 1, &swelling);
        let fading: Vec<i16> = swelling.iter().rev().copied().collect();
        check("fading", 2, &fading);
        let bursts: Vec<i16> =
            noise.iter().enumerate().map(|(n, s)| if n % 7001 < 300 { *s } else { s / 40 }).collect();
        check("bursts", 1, &bursts);
        check("silence", 2, &[0; 5000]);
        check("nothing", 1, &[]);
    }
}
