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
use domain::value::Decibel;
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
    let first = Balance::find(&mixdown.analyse()?, target, input.mode, config);
    let mut levels = Levels { balance: first, ceiling_db: peak_max - PEAK_MARGIN_DB, trim_db: 0.0 };
    let mut measured = mixdown.render(levels)?;
    for writing in 1..WRITINGS_MAX {
        let Some(next) = corrected(levels, first, measured, target, peak_max, writing < LOUDNESS_WRITINGS) else {
            break;
        };
        levels = next;
        measured = mixdown.render(levels)?;
    }
    let reached = target.is_none_or(|target| (measured.loudness - target).abs() <= LOUDNESS_PROMISE);
    Ok(Mixed {
        loudness: Decibel::from_db(measured.loudness),
        true_peak: Decibel::from_db(measured.true_peak),
        loudness_reached: reached,
    })
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
