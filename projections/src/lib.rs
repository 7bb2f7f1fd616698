//! Read models: pure folds over events, one file per model, and the runner that keeps them up to date.
//!
//! A fold is total: there is no event that it cannot take, so that none can stop it for ever. What it
//! writes follows from the events alone, and never from what is personal in them: rows folded anew
//! after a key was destroyed equal the rows folded before. Deliberately absent: how rows are stored.

pub mod account_index;
pub mod accounts;
pub mod asset_index;
pub mod assets;
pub mod charges;
pub mod engine_runs;
pub mod glossaries;
pub mod jobs;
mod key;
mod lines;
mod making;
mod numbers;
pub mod parked;
pub mod parked_stages;
mod projection;
pub mod projects;
pub mod rebuild;
mod row;
mod runner;
pub mod security_events;
pub mod tenants;
pub mod tracks;
pub mod usage;
pub mod usage_index;
pub mod utterances;
pub mod webhook_index;
pub mod webhooks;

#[cfg(test)]
mod tests;

pub use projection::{Beside, KeyPattern, Projection, Touched};
pub use runner::{Invalidation, Runner, RunnerError};
use std::sync::Arc;

/// Every projection of this program.
pub fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(jobs::Jobs),
        Arc::new(tracks::Tracks),
        Arc::new(utterances::Utterances),
        Arc::new(engine_runs::EngineRuns),
        Arc::new(parked_stages::ParkedStages),
        Arc::new(assets::Assets),
        Arc::new(projects::Projects),
        Arc::new(glossaries::Glossaries),
        Arc::new(usage::Usage),
        Arc::new(charges::Charges),
        Arc::new(tenants::Tenants),
        Arc::new(accounts::Accounts),
        Arc::new(webhooks::Webhooks),
        Arc::new(security_events::SecurityEvents),
    ]
}
