//! The engine: measures the parts, balances them, writes the mix, and corrects it after what was written.

use crate::{
    balance::Balance,
    config::MixConfig,
    error::MixError,
    mixdown::{Levels, Measured, Mixdown},
};
use application::{
    ports::{
        engine::{Engine, EngineError, EngineInfo},
        meter::EngineMeter,
    },
    stages::mix::{MixInput, Mixed, Mixer},
};
use async_trait::async_trait;
use domain::{
    track::MixLevels,
    value::{Decibel, Sha256},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// How far the limiter stays below the allowed peak, in decibels: meters differ by less.
const PEAK_MARGIN_DB: f64 = 0.15;
/// A programme this close to its loudness is not written again, in LU. The promise is 1.
const LOUDNESS_ERROR_MAX: f64 = 0.5;
/// The promise, in LU, for the report.
const LOUDNESS_PROMISE: f64 = 1.0;
/// How much the gain may rise after the first writing, in decibels: more would only feed the limiter.
const CORRECTION_DB_MAX: f64 = 4.0;
/// Writings in which loudness may be corrected; after these only the peak is.
const LOUDNESS_WRITINGS: usize = 2;
/// Writings at most.
const WRITINGS_MAX: usize = 4;

/// Mixes lines over a lowered bed.
pub struct DuckingMixer {
    config: MixConfig,
    meter: Arc<EngineMeter>,
}

impl DuckingMixer {
    /// A mixer whose working time counts as engine time on `meter`.
    pub fn new(config: MixConfig, meter: Arc<EngineMeter>) -> Self {
        Self { config, meter }
    }
}

#[async_trait]
impl Engine for DuckingMixer {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        Ok(EngineInfo {
            name: "ducking".to_owned(),
            purpose: "mixing over the lowered original".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            languages: Vec::new(),
            licence: env!("CARGO_PKG_LICENSE").to_owned(),
            model_digest: None,
        })
    }
}

#[async_trait]
impl Mixer for DuckingMixer {
    async fn mix(&self, input: MixInput) -> Result<Mixed, EngineError> {
        let (config, meter) = (self.config, Arc::clone(&self.meter));
        let abandoned = Arc::new(AtomicBool::new(false));
        let _abandon = AbandonOnDrop(Arc::clone(&abandoned));
        let work = tokio::task::spawn_blocking(move || {
            let _running = meter.enter();
            mix(&input, &config, &abandoned)
        });
        Ok(work.await.map_err(|_| MixError::Abandoned)??)
    }
}

/// Stops the work in the other thread when nobody waits for it any more.
struct AbandonOnDrop(Arc<AtomicBool>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn mix(input: &MixInput, config: &MixConfig, abandoned: &AtomicBool) -> Result<Mixed, MixError> {
    let target = (!input.loudness.is_silence()).then(|| input.loudness.db());
    let peak_max = input.true_peak_max.db();
    let mixdown = Mixdown::plan(input, config, abandoned)?;
    let is_reached = |found: Measured| target.is_none_or(|target| (found.loudness - target).abs() <= LOUDNESS_PROMISE);
    if let Some(levels) = input.levels.map(Levels::from) {
        // Only lines have changed: as long as the promises hold, nothing else shall sound different.
        let measured = mixdown.render(levels)?;
        if is_reached(measured) && measured.true_peak <= peak_max {
            return Ok(mixed(levels, measured, true, input.basis));
        }
    }
    let first = Balance::find(&mixdown.analyse()?, target, input.mode, config);
    let mut levels = Levels { balance: first, ceiling_db: peak_max - PEAK_MARGIN_DB, trim_db: 0.0 }.noted();
    let mut measured = mixdown.render(levels)?;
    for writing in 1..WRITINGS_MAX {
        let Some(next) = corrected(levels, first, measured, target, peak_max, writing < LOUDNESS_WRITINGS) else {
            break;
        };
        levels = next.noted();
        measured = mixdown.render(levels)?;
    }
    Ok(mixed(levels, measured, is_reached(measured), input.basis))
}

fn mixed(levels: Levels, measured: Measured, loudness_reached: bool, basis: Sha256) -> Mixed {
    Mixed {
        loudness: Decibel::from_db(measured.loudness),
        true_peak: Decibel::from_db(measured.true_peak),
        loudness_reached,
        levels: levels.note(basis),
    }
}

impl Levels {
    /// As they are noted: what is written is written with exactly these.
    fn noted(self) -> Self {
        Self::from(self.note(Sha256::new([0; 32])))
    }

    /// In thousandths of a decibel.
    fn note(self, basis: Sha256) -> MixLevels {
        let mdb = |db: f64| (db * 1_000.0).round() as i32;
        MixLevels {
            basis,
            lines_mdb: mdb(self.balance.lines_db),
            gain_mdb: mdb(self.balance.gain_db),
            ceiling_mdb: mdb(self.ceiling_db),
            trim_mdb: mdb(self.trim_db),
        }
    }
}

impl From<MixLevels> for Levels {
    fn from(noted: MixLevels) -> Self {
        let db = |mdb: i32| f64::from(mdb) / 1_000.0;
        Self {
            balance: Balance { lines_db: db(noted.lines_mdb), gain_db: db(noted.gain_mdb) },
            ceiling_db: db(noted.ceiling_mdb),
            trim_db: db(noted.trim_mdb),
        }
    }
}

/// Levels that bring what was written closer to what was asked; `None` when it is good, or as good as it gets.
fn corrected(
    levels: Levels,
    first: Balance,
    measured: Measured,
    target: Option<f64>,
    peak_max: f64,
    may_correct_loudness: bool,
) -> Option<Levels> {
    let excess = measured.true_peak - peak_max;
    if excess > 0.0 {
        // After the limiter everything is linear: this much less is enough, whatever the meter saw.
        return Some(Levels { trim_db: levels.trim_db - excess - 0.02, ..levels });
    }
    let error = target? - measured.loudness;
    if !may_correct_loudness || !error.is_finite() || error.abs() <= LOUDNESS_ERROR_MAX {
        return None;
    }
    let gain_db = (levels.balance.gain_db + error).min(first.gain_db.max(0.0) + CORRECTION_DB_MAX);
    let balance = Balance { gain_db, ..levels.balance };
    (balance != levels.balance).then_some(Levels { balance, ..levels })
}

#[cfg(test)]
mod tests;
