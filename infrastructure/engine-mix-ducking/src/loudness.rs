//! Loudness as ITU-R BS.1770-4 and EBU R 128 define it, by `ebur128`: K-weighted energy of 400 ms blocks
//! every 100 ms, gated at −70 LUFS and 10 LU below the mean.

use crate::{error::MixError, wav::RATE_HZ};
use ebur128::{EbuR128, Mode};

/// Absolute gate in LUFS (BS.1770-4, annex 1).
const GATE_LUFS: f64 = -70.0;
/// Relative gate in LU below the mean of what passed the absolute one.
const GATE_LU: f64 = -10.0;
/// Frames of a step: 100 ms, a quarter of a gating block, and the distance between two of them.
pub(crate) const STEP: usize = RATE_HZ as usize / 10;
/// Steps of a gating block.
const STEPS_A_BLOCK: usize = 4;
/// Length of a step in milliseconds.
const STEP_MS: u32 = 100;

/// K-weighted energy (mean square, summed over channels) of every 100 ms of a stream.
/// Holds 8 bytes for each.
pub(crate) struct Steps {
    meter: EbuR128,
    channels: usize,
    /// One energy a step; a last step that is not whole is left out.
    pub energies: Vec<f64>,
}

impl Steps {
    pub(crate) fn new(channels: usize) -> Result<Self, MixError> {
        let meter = EbuR128::new(channels as u32, RATE_HZ, Mode::M)?;
        Ok(Self { meter, channels, energies: Vec::new() })
    }

    /// Adds a block of interleaved samples: whole steps, but for the last block of the stream.
    pub(crate) fn add(&mut self, block: &[f32]) -> Result<(), MixError> {
        for step in block.chunks_exact(STEP * self.channels) {
            self.meter.add_frames_f32(step)?;
            self.energies.push(energy(self.meter.loudness_window(STEP_MS)?));
        }
        Ok(())
    }

    /// Adds silence without looking at it.
    pub(crate) fn add_silence(&mut self, frames: usize) {
        self.energies.extend(std::iter::repeat_n(0.0, frames / STEP));
    }
}

/// Energies of the gating blocks over these steps.
pub(crate) fn gating_blocks(steps: &[f64]) -> Vec<f64> {
    steps.windows(STEPS_A_BLOCK).map(|block| block.iter().sum::<f64>() / STEPS_A_BLOCK as f64).collect()
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
