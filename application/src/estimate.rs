//! What a dubbing will take: time by stage, from what this installation measured, and cost from its prices.
//!
//! Pure arithmetic. Deliberately absent: where measurements and prices come from, and waiting for a turn.

use domain::flow::{Scope, Stage, TABLE, is_in};
use std::collections::BTreeMap;

/// Milliseconds of a minute: rates and prices are per minute of the source.
const MINUTE_MS: u64 = 60_000;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// How long the source lasts, in milliseconds.
    pub source_ms: u64,
    /// Whether the words are recognised. Reading a given transcript takes no time worth naming, and costs nothing.
    pub is_recognised: bool,
    /// Target languages.
    pub languages: usize,
}

/// How long stages take, in milliseconds of wall time per minute of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates(BTreeMap<Stage, u64>);

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Finished stages of this installation.
    Measured,
    /// Nothing was measured yet: a figure of the documentation.
    Assumed,
}

/// A finished stage that made all of its results itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinishedRun {
    /// Which.
    pub stage: Stage,
    /// How long it took, in milliseconds.
    pub wall_ms: u64,
    /// How long the source lasts, in milliseconds.
    pub source_ms: u64,
}

/// Prices per minute, in millionths of the currency's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// ISO 4217 code.
    pub currency: String,
    /// Recognising speech, per minute of the source.
    pub transcribe: u64,
    /// Translating, per minute of a track.
    pub translate: u64,
    /// Speaking, fitting included, per minute of a track.
    pub synthesise: u64,
    /// Mixing, encoding and signing, per minute of a track.
    pub finish: u64,
}

/// What it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// By stage, in the flow's order. Stages of tracks hold all languages.
    pub stages: Vec<StageEstimate>,
    /// All stages one after another, in milliseconds. Languages that are made at the same time take less.
    pub wall_ms: u64,
    /// In millionths of the currency's unit.
    pub cost: u64,
    /// Measured when every stage that takes time was.
    pub basis: Basis,
}

/// What one stage takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageEstimate {
    /// Which.
    pub stage: Stage,
    /// How often it runs: once for the dubbing, or once for each language.
    pub times: usize,
    /// All of its runs one after another, in milliseconds.
    pub wall_ms: u64,
    /// In millionths of the currency's unit.
    pub cost: u64,
    /// Where the time comes from.
    pub basis: Basis,
}

impl Default for Prices {
    /// Everything is free.
    fn default() -> Self {
        Self { currency: "EUR".to_owned(), transcribe: 0, translate: 0, synthesise: 0, finish: 0 }
    }
}

impl Prices {
    /// The price of a stage per minute. Several stages have one price together; it stands at one of them.
    pub fn per_minute(&self, stage: Stage) -> u64 {
        match stage {
            Stage::Transcribe => self.transcribe,
            Stage::Translate => self.translate,
            Stage::Synthesise => self.synthesise,
            Stage::Mux => self.finish,
            Stage::Ingest | Stage::Separate | Stage::AssignVoices | Stage::Fit | Stage::SyncLips | Stage::Mix => 0,
            Stage::Mark | Stage::Assess | Stage::Sign | Stage::Publish | Stage::Clean => 0,
        }
    }

    /// The cost of a stage's work on so much of a source, in millionths of the currency's unit.
    pub fn cost(&self, stage: Stage, ms: u64) -> u64 {
        scale(self.per_minute(stage), ms, MINUTE_MS)
    }
}

impl Rates {
    /// From finished stages: their time altogether by the length of their sources altogether.
    pub fn measured(runs: impl IntoIterator<Item = FinishedRun>) -> Self {
        let mut sums: BTreeMap<Stage, (u64, u64)> = BTreeMap::new();
        for run in runs.into_iter().filter(|run| run.source_ms > 0) {
            let (wall_ms, source_ms) = sums.entry(run.stage).or_default();
            *wall_ms = wall_ms.saturating_add(run.wall_ms);
            *source_ms = source_ms.saturating_add(run.source_ms);
        }
        Self(sums.into_iter().map(|(stage, (wall, source))| (stage, scale(wall, MINUTE_MS, source))).collect())
    }

    /// Milliseconds per minute of the source.
    pub fn per_minute(&self, stage: Stage) -> (u64, Basis) {
        self.0.get(&stage).map_or((assumed(stage), Basis::Assumed), |rate| (*rate, Basis::Measured))
    }

    /// Milliseconds for a source of this length.
    pub fn wall_ms(&self, stage: Stage, source_ms: u64) -> u64 {
        scale(self.per_minute(stage).0, source_ms, MINUTE_MS)
    }
}

/// Milliseconds per minute of the source before anything was measured: together the 7.8 s that README names for the
/// sample film of a minute into one language (`make bench` prints it). The shares are rough, after the engines'
/// `docs.md`: recognition takes about half, decoding and mixing some 150 times less than the sound lasts.
pub const fn assumed(stage: Stage) -> u64 {
    match stage {
        Stage::Transcribe => 4_000,
        Stage::Synthesise => 800,
        Stage::Translate => 500,
        Stage::Ingest | Stage::Separate | Stage::Mix | Stage::Mux | Stage::Assess => 400,
        Stage::Sign => 300,
        Stage::AssignVoices | Stage::Fit | Stage::Publish | Stage::Clean => 50,
        Stage::SyncLips | Stage::Mark => 0,
    }
}

/// What it takes, all in all.
pub fn estimate(work: Work, rates: &Rates, prices: &Prices) -> Estimate {
    let stages: Vec<StageEstimate> = TABLE.iter().map(|row| of_stage(row.stage, work, rates, prices)).collect();
    let is_assumed = stages.iter().any(|stage| stage.wall_ms > 0 && stage.basis == Basis::Assumed);
    Estimate {
        wall_ms: stages.iter().fold(0, |sum, stage| sum.saturating_add(stage.wall_ms)),
        cost: stages.iter().fold(0, |sum, stage| sum.saturating_add(stage.cost)),
        basis: if is_assumed { Basis::Assumed } else { Basis::Measured },
        stages,
    }
}

fn of_stage(stage: Stage, work: Work, rates: &Rates, prices: &Prices) -> StageEstimate {
    let times = if is_in(Scope::Track, stage) { work.languages } else { 1 };
    let is_paid = stage != Stage::Transcribe || work.is_recognised;
    let many = u64::try_from(times).unwrap_or(u64::MAX);
    let all = |once: u64| if is_paid { once.saturating_mul(many) } else { 0 };
    StageEstimate {
        stage,
        times,
        wall_ms: all(rates.wall_ms(stage, work.source_ms)),
        cost: all(prices.cost(stage, work.source_ms)),
        basis: rates.per_minute(stage).1,
    }
}

/// `value * by / per`, rounded up; nothing overflows, and nothing per 0.
fn scale(value: u64, by: u64, per: u64) -> u64 {
    let scaled = (u128::from(value) * u128::from(by)).div_ceil(u128::from(per.max(1)));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
