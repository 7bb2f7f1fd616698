//! Read models for those who look after them: rows, their shadows, and the log from which they are folded.

use super::stores::{RowStores, codec_without_keys, event_log_to_read, row_stores};
use crate::{exit::Failure, home::Home};
use application::ports::{event_log::EventLog, read_store::ReadStore, shadow_store::ShadowStore};
use std::sync::Arc;

/// Read models, as they stand.
pub struct ReadModels {
    /// The event log, for reading; what is personal in it reads as erased.
    pub log: Arc<dyn EventLog>,
    /// The rows that queries read.
    pub rows: Arc<dyn ReadStore>,
    /// What stands beside them.
    pub shadows: Arc<dyn ShadowStore>,
}

/// Opens the read models of a data folder, also beside the process that owns it: who folds them compares and sets
/// checkpoints, and is not disturbed by others who do.
pub async fn read_models(home: &Home) -> Result<ReadModels, Failure> {
    let none =
        || Failure::usage(format!("there are no jobs in {} yet; begin with `dragoman dub`", home.root().display()));
    if !home.exists() {
        return Err(none());
    }
    // Folds must not know what is personal, and are faster without.
    let log = event_log_to_read(home, codec_without_keys()).await?.ok_or_else(none)?;
    let RowStores { rows, shadows, .. } = row_stores(home).await?;
    Ok(ReadModels { log, rows, shadows })
}
