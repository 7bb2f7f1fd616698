//! Quotas: how much a tenant may use, held against what it uses and what it asks for now.
//!
//! What is charged for is known when it is ordered: the length of the source, and what is to be made of it. So an order
//! counts from the moment on at which it is taken, and a hundred of them at once use no more than one after another. This
//! page is pure; [`QuotaGate`] asks, one at a time for each tenant.

mod gate;

pub use gate::{QuotaError, QuotaGate, QuotaGateParts, Turn};

use crate::estimate::Prices;
use domain::{
    flow::Stage,
    tenant::{Quota, Quotas},
    value::Timestamp,
};

/// Milliseconds of a minute.
const MINUTE_MS: u64 = 60_000;

/// How much is used, or asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Dubbings that are not at their end.
    pub running_jobs: u64,
    /// Length of sources, in milliseconds.
    pub source_ms: u64,
    /// Bytes of files.
    pub bytes: u64,
    /// Millionths of the currency's unit.
    pub spend: u64,
}

/// A quota that what is asked for would go beyond. Figures are in the quota's own unit; minutes are rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Which.
    pub quota: Quota,
    /// How much there may be.
    pub limit: u64,
    /// How much there is.
    pub used: u64,
    /// How much was asked for.
    pub asked: u64,
}

/// What is charged for: how long a source is, in milliseconds, by what is done to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Taken in.
    pub source_ms: u64,
    /// Recognised.
    pub transcribe_ms: u64,
    /// Translated, once for each language.
    pub translate_ms: u64,
    /// Spoken, once for each language.
    pub synthesise_ms: u64,
    /// Mixed, encoded and signed, once for each language.
    pub finish_ms: u64,
}

impl Charge {
    /// For a dubbing, its languages aside. A fork begins at a stage: what comes before is taken over.
    pub fn of_source(source_ms: u64, is_recognised: bool, from: Option<Stage>) -> Self {
        let is_paid = is_recognised && runs(Stage::Transcribe, from);
        Self { source_ms, transcribe_ms: if is_paid { source_ms } else { 0 }, ..Self::default() }
    }

    /// For one language.
    pub fn of_language(source_ms: u64, from: Option<Stage>) -> Self {
        let of = |stage| if runs(stage, from) { source_ms } else { 0 };
        Self {
            translate_ms: of(Stage::Translate),
            synthesise_ms: of(Stage::Synthesise),
            finish_ms: of(Stage::Mux),
            ..Self::default()
        }
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            source_ms: self.source_ms.saturating_add(other.source_ms),
            transcribe_ms: self.transcribe_ms.saturating_add(other.transcribe_ms),
            translate_ms: self.translate_ms.saturating_add(other.translate_ms),
            synthesise_ms: self.synthesise_ms.saturating_add(other.synthesise_ms),
            finish_ms: self.finish_ms.saturating_add(other.finish_ms),
        }
    }

    /// So many of it.
    #[must_use]
    pub fn times(self, many: usize) -> Self {
        let many = u64::try_from(many).unwrap_or(u64::MAX);
        Self {
            source_ms: self.source_ms.saturating_mul(many),
            transcribe_ms: self.transcribe_ms.saturating_mul(many),
            translate_ms: self.translate_ms.saturating_mul(many),
            synthesise_ms: self.synthesise_ms.saturating_mul(many),
            finish_ms: self.finish_ms.saturating_mul(many),
        }
    }

    /// What it costs, in millionths of the currency's unit.
    pub fn cost(&self, prices: &Prices) -> u64 {
        let priced = [
            (Stage::Transcribe, self.transcribe_ms),
            (Stage::Translate, self.translate_ms),
            (Stage::Synthesise, self.synthesise_ms),
            (Stage::Mux, self.finish_ms),
        ];
        priced.into_iter().fold(0, |sum: u64, (stage, ms)| sum.saturating_add(prices.cost(stage, ms)))
    }
}

impl Use {
    /// So many dubbings, charged so.
    pub fn ordered(running_jobs: u64, charge: Charge, prices: &Prices) -> Self {
        Self { running_jobs, source_ms: charge.source_ms, bytes: 0, spend: charge.cost(prices) }
    }

    /// A file of so many bytes.
    pub fn handed_in(bytes: u64) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// How much of it is used of a quota, rounded up to the quota's unit.
    pub fn of(&self, quota: Quota) -> u64 {
        match quota {
            Quota::RunningJobs => self.running_jobs,
            Quota::Minutes => self.source_ms.div_ceil(MINUTE_MS),
            Quota::Bytes => self.bytes,
            Quota::Spend => self.spend,
        }
    }
}

/// Whether there may be so much more. What asks for nothing of a quota is not refused for it, even where it is
/// overdrawn.
pub fn check(quotas: &Quotas, used: &Use, asked: &Use) -> Result<(), Reached> {
    let rows = [
        (Quota::RunningJobs, quotas.running_jobs, used.running_jobs, asked.running_jobs, 1),
        (Quota::Minutes, quotas.minutes_a_month, used.source_ms, asked.source_ms, MINUTE_MS),
        (Quota::Bytes, quotas.bytes_a_month, used.bytes, asked.bytes, 1),
        (Quota::Spend, quotas.spend_a_month, used.spend, asked.spend, 1),
    ];
    for (quota, limit, is, more, unit) in rows {
        let Some(limit) = limit.filter(|_| more > 0) else { continue };
        if is.saturating_add(more) > limit.saturating_mul(unit) {
            return Err(Reached { quota, limit, used: used.of(quota), asked: asked.of(quota) });
        }
    }
    Ok(())
}

/// The month of a moment, in UTC: `2026-11`.
pub fn month(at: Timestamp) -> String {
    // RFC 3339 begins with year and month.
    at.to_string().chars().take(7).collect()
}

/// Whether a stage runs in a dubbing that begins there. The order of stages is that of the flow.
fn runs(stage: Stage, from: Option<Stage>) -> bool {
    from.is_none_or(|from| stage >= from)
}

#[cfg(test)]
mod tests;
