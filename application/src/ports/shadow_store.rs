//! Read models beside the live ones: folded anew, compared, put in their place, and put back.
//!
//! A projection has up to three sets of rows: the live one, which queries read; a shadow, which is being folded anew;
//! and the one before the last swap. Each has a checkpoint of its own.

use super::read_store::{ReadStore, ReadStoreError, Table};
use async_trait::async_trait;
use std::sync::Arc;

/// The name under which a store counts its swaps: its checkpoint in the live rows is raised by one by each
/// [`ShadowStore::swap`] and each [`ShadowStore::roll_back`] that did something, in the same transaction. Who writes rows
/// that follow from rows read before compares it, so that rows of before a swap are never written over those of after it.
pub const SWAPS: &str = "swaps";

/// Keeps shadows of read models.
#[async_trait]
pub trait ShadowStore: Send + Sync {
    /// The store whose rows and checkpoints are the shadows: a runner over it folds them. Only projections for which
    /// [`ShadowStore::begin`] was called have rows there.
    fn shadows(&self) -> Arc<dyn ReadStore>;

    /// Makes an empty shadow of a projection's table, in the place of one that is there.
    async fn begin(&self, projection: &'static str, table: &'static Table) -> Result<(), ReadStoreError>;

    /// Puts the shadow in the live rows' place, with its checkpoint, in one transaction; those that were live are kept
    /// for [`ShadowStore::roll_back`], instead of any that were kept before. Refused with
    /// [`ReadStoreError::CheckpointMoved`] unless both checkpoints are at `at`: nobody sees rows go back in time.
    async fn swap(&self, projection: &'static str, table: &'static Table, at: u64) -> Result<(), ReadStoreError>;

    /// Puts back the rows that were live before the last swap, with their checkpoint, in one transaction, from which
    /// they catch up; those that were live meanwhile are dropped. `false` when there are none.
    async fn roll_back(&self, projection: &'static str, table: &'static Table) -> Result<bool, ReadStoreError>;

    /// Drops a projection's shadow, if there is one.
    async fn discard(&self, projection: &'static str, table: &'static Table) -> Result<(), ReadStoreError>;

    /// Which sets of rows there are, and how far each is.
    async fn standing(&self, projection: &'static str, table: &'static Table) -> Result<Standing, ReadStoreError>;
}

/// The sets of rows of a projection, by their checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What queries read.
    pub live: u64,
    /// What is being folded anew, if anything is.
    pub shadow: Option<u64>,
    /// What was live before the last swap, if it is still kept.
    pub before: Option<u64>,
}
