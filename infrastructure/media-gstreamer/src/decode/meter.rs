//! Loudness and true peak of what flows past.

use super::RATE_HZ;
use crate::fault::Fault;
use domain::value::Decibel;
use ebur128::{EbuR128, Mode};

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loudness {
    /// Integrated (ITU-R BS.1770-4), in LUFS.
    pub programme: Decibel,
    /// Of the loudest channel, in dBTP.
    pub true_peak: Decibel,
}

/// A meter for 48 kHz frames.
pub(crate) struct Meter {
    inner: EbuR128,
    channels: u16,
    frames: u64,
}

impl Meter {
    /// Nothing heard yet.
    pub fn new(channels: u16) -> Result<Self, Fault> {
        let inner = EbuR128::new(u32::from(channels), RATE_HZ, Mode::I | Mode::TRUE_PEAK);
        Ok(Self { inner: inner.map_err(|_| Fault::broken("start the meter"))?, channels, frames: 0 })
    }

    /// Hears interleaved frames.
    pub fn hear(&mut self, frames: &[f32]) -> Result<(), Fault> {
        self.frames += (frames.len() / usize::from(self.channels.max(1))) as u64;
        self.inner.add_frames_f32(frames).map_err(|_| Fault::broken("measure the sound"))
    }

    /// Length of what was heard, in milliseconds, rounded up.
    pub fn duration_ms(&self) -> u64 {
        (self.frames * 1000).div_ceil(u64::from(RATE_HZ))
    }

    /// What was measured. Nothing, or nothing above the gate of −70 LUFS, is silence.
    pub fn read(&self) -> Loudness {
        let programme = self.inner.loudness_global().unwrap_or(f64::NEG_INFINITY);
        let peaks = (0..u32::from(self.channels)).filter_map(|channel| self.inner.true_peak(channel).ok());
        let peak = peaks.fold(0.0, f64::max);
        Loudness { programme: Decibel::from_db(programme), true_peak: Decibel::from_db(20.0 * peak.log10()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Meter, RATE_HZ};
    use std::f32::consts::TAU;

    #[test]
    fn a_sine_reads_as_the_standard_says() {
        // EBU Tech 3341, test 1: a stereo sine of 1 kHz at −23 dBFS reads −23.0 LUFS ± 0.1.
        let mut meter = Meter::new(2).unwrap();
        let level = 10_f32.powf(-23.0 / 20.0);
        for second in 0..20 {
            let at = |frame: u32| level * (TAU * 1000.0 * (second * RATE_HZ + frame) as f32 / RATE_HZ as f32).sin();
            let frames: Vec<f32> = (0..RATE_HZ).flat_map(|frame| [at(frame); 2]).collect();
            meter.hear(&frames).unwrap();
        }
        let read = meter.read();
        assert!((read.programme.db() + 23.0).abs() < 0.1, "{read:?}");
        assert!((read.true_peak.db() + 23.0).abs() < 0.2, "{read:?}");
        assert_eq!(meter.duration_ms(), 20_000);
    }

    #[test]
    fn silence_and_nothing_are_silence() {
        for frames in [0, 96_000] {
            let mut meter = Meter::new(1).unwrap();
            meter.hear(&vec![0.0; frames]).unwrap();
            assert!(meter.read().programme.is_silence() && meter.read().true_peak.is_silence());
        }
    }
}
