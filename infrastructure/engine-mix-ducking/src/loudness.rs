//! Loudness as ITU-R BS.1770-4 and EBU R 128 define it, by `ebur128`: K-weighted energy of 400 ms blocks
//! every 100 ms, gated at −70 LUFS and 10 LU below the mean.

use crate::{error::MixError, wav::RATE_HZ};
use ebur128::{EbuR128, Mode};

/// Absolute gate in LUFS (BS.1770-4, annex 1).
const GATE_LUFS: f64 = -70.0;
/// Relative gate in LU below the mean of what passed the absolute one.
const GATE_LU: f64 = -10.0;
/// Frames between gating blocks: 100 ms.
const STEP: usize = RATE_HZ as usize / 10;
/// Gating blocks end this many steps after they begin.
const STEPS_A_BLOCK: usize = 4;

/// K-weighted energy (mean square, summed over channels) of every gating block of a stream.
/// Holds 8 bytes for each 100 ms.
pub(crate) struct Blocks {
    meter: EbuR128,
    channels: usize,
    /// Frames until the next block ends.
    to_go: usize,
    steps: usize,
    /// One energy a block.
    pub energies: Vec<f64>,
}

impl Blocks {
    pub(crate) fn new(channels: usize) -> Result<Self, MixError> {
        let meter = EbuR128::new(channels as u32, RATE_HZ, Mode::M)?;
        Ok(Self { meter, channels, to_go: STEP, steps: 0, energies: Vec::new() })
    }

    /// Adds interleaved samples.
    pub(crate) fn add(&mut self, mut samples: &[f32]) -> Result<(), MixError> {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.to_go * self.channels));
            self.meter.add_frames_f32(now)?;
            self.to_go -= now.len() / self.channels;
            if self.to_go == 0 {
                self.to_go = STEP;
                self.steps += 1;
                if self.steps >= STEPS_A_BLOCK {
                    self.energies.push(energy(self.meter.loudness_momentary()?));
                }
            }
            samples = later;
        }
        Ok(())
    }
}

/// Energy of a loudness: the inverse of [`loudness`].
pub(crate) fn energy(lufs: f64) -> f64 {
    10_f64.powf((lufs + 0.691) / 10.0)
}

/// Loudness in LUFS of an energy (BS.1770-4, equation 2); −∞ of none.
pub(crate) fn loudness(energy: f64) -> f64 {
    10.0 * energy.log10() - 0.691
}

/// Gated loudness in LUFS of a programme with these block energies; −∞ when nothing passes the gate.
pub(crate) fn gated(blocks: impl Iterator<Item = f64> + Clone) -> f64 {
    let above = |gate: f64| {
        let passed = blocks.clone().filter(|block| *block >= gate);
        let (sum, count) = passed.fold((0.0, 0_u64), |(sum, count), block| (sum + block, count + 1));
        if count == 0 { 0.0 } else { sum / count as f64 }
    };
    let absolute = energy(GATE_LUFS);
    let mean = above(absolute);
    loudness(above((mean * 10_f64.powf(GATE_LU / 10.0)).max(absolute)))
}
