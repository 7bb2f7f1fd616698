//! How loud the lines are against the bed, and the gain of the whole: pure arithmetic over measured energies.
//!
//! The bed between the lines should stay as it was. So the lines carry the programme loudness as far as
//! they may be moved, and only what is left is a gain of everything.

use crate::{config::MixConfig, loudness::gated};
use application::stages::mix::Background;

/// Loudness of the lines when neither the source's speech nor its programme says anything: EBU R 128's.
const SPEECH_LUFS: f64 = -23.0;
/// The original speech may be this far from the programme loudness and still be a guide, in LU: in a
/// stem without speech its stretches hold music only.
const SPEECH_FROM_TARGET_MAX: f64 = 4.0;
/// A gain of the whole below this is left out, in decibels: the bed then stays bit for bit what it was.
const GAIN_DB_MIN: f64 = 0.25;

/// Levels of a mix, in decibels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Balance {
    /// Gain of the levelled lines.
    pub lines_db: f64,
    /// Gain of everything.
    pub gain_db: f64,
}

/// What was measured of the parts of a mix.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    /// Energies of the gating blocks of the bed, ducked.
    pub bed: Vec<f64>,
    /// The same of the lines, at their reference loudness.
    pub lines: Vec<f64>,
    /// What the lines' reference loudness is as a programme of all channels, in LUFS.
    pub reference: f64,
    /// Loudness of the original speech, in LUFS.
    pub original_speech: Option<f64>,
}

impl Balance {
    /// The levels that reach `target` (LUFS; `None`: no loudness is asked for).
    pub(crate) fn find(parts: &Parts, target: Option<f64>, mode: Background, config: &MixConfig) -> Self {
        let start = speech_level(parts.original_speech, target) - parts.reference;
        let Some(target) = target else {
            return Self { lines_db: start, gain_db: 0.0 };
        };
        // Over a bed that is not lowered, lines must not get softer.
        let down = if mode == Background::Keep { 0.0 } else { config.speech_shift_max };
        let lines_db = bisect(|db| parts.loudness(db), target, start - down, start, start + config.speech_shift_max);
        let gain_db = target - parts.loudness(lines_db);
        let negligible = !gain_db.is_finite() || gain_db.abs() < GAIN_DB_MIN;
        Self { lines_db, gain_db: if negligible { 0.0 } else { gain_db.min(config.gain_db_max) } }
    }
}

impl Parts {
    /// Programme loudness with the lines at `lines_db`. Bed and lines are taken to be uncorrelated: energies add.
    fn loudness(&self, lines_db: f64) -> f64 {
        let gain = 10_f64.powf(lines_db / 10.0);
        gated(self.bed.iter().zip(&self.lines).map(|(bed, line)| bed + gain * line))
    }
}

/// How loud the dub's speech should be: as loud as the original's.
fn speech_level(original: Option<f64>, target: Option<f64>) -> f64 {
    match (original, target) {
        (Some(original), Some(target)) => {
            original.clamp(target - SPEECH_FROM_TARGET_MAX, target + SPEECH_FROM_TARGET_MAX)
        }
        (Some(level), None) | (None, Some(level)) => level,
        (None, None) => SPEECH_LUFS,
    }
}

/// The level nearest to `start` within `low..=high` that reaches `target`, to a hundredth of a decibel.
fn bisect(loudness_at: impl Fn(f64) -> f64, target: f64, low: f64, start: f64, high: f64) -> f64 {
    let at_start = loudness_at(start);
    let (mut below, mut above) = if at_start < target { (start, high) } else { (low, start) };
    // What cannot be reached, or does not depend on the lines, ends at the nearer end or where it began.
    let reach = loudness_at(if at_start < target { high } else { low });
    if !at_start.is_finite() || (reach - at_start).abs() < 0.1 {
        return start;
    }
    while above - below > 0.01 {
        let middle = f64::midpoint(below, above);
        if loudness_at(middle) < target { below = middle } else { above = middle }
    }
    f64::midpoint(below, above)
}

/// Loudness of the original speech from its gating blocks; `None` when there is nothing to hear.
pub(crate) fn speech_loudness(blocks: &[f64]) -> Option<f64> {
    let lufs = gated(blocks.iter().copied());
    lufs.is_finite().then_some(lufs)
}

#[cfg(test)]
mod tests;
