//! Read models: what projections fold events into, and queries read.

use async_trait::async_trait;
use serde_json::{Map, Value};
use thiserror::Error;

/// Keeps the rows of read models and the projections' checkpoints.
///
/// Rows and checkpoint change in one transaction; the checkpoint is compared and set, so that two
/// runners of one projection cannot both win.
#[async_trait]
pub trait ReadStore: Send + Sync {
    /// How far a projection has come; 0 before the first event.
    async fn checkpoint(&self, projection: &str) -> Result<u64, ReadStoreError>;

    /// Rows of a table by their keys, in the order asked; `None` for those that do not exist.
    async fn load(&self, table: &'static Table, keys: &[RowKey]) -> Result<Vec<Option<Row>>, ReadStoreError>;

    /// Writes rows and moves the checkpoint, in one transaction.
    /// [`ReadStoreError::CheckpointMoved`] when it is not at `batch.from` any more.
    async fn apply(&self, batch: Batch) -> Result<(), ReadStoreError>;

    /// Rows of a table where the named columns have these values, ordered by key.
    async fn query(&self, table: &'static Table, filter: &[(&'static str, Value)]) -> Result<Vec<Row>, ReadStoreError>;

    /// Forgets a projection's rows and its checkpoint: it will be folded anew.
    async fn reset(&self, projection: &str, table: &'static Table) -> Result<(), ReadStoreError>;
}

/// A read model's table, as its migration makes it.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Columns of the primary key, in order.
    pub key: &'static [&'static str],
    /// All columns, those of the key first.
    pub columns: &'static [&'static str],
}

/// Values of the key's columns.
pub type RowKey = Vec<Value>;

/// A row: column to value. Integers, texts, booleans and nulls; nothing nested, nothing personal.
pub type Row = Map<String, Value>;

/// What one projection changes in one step.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The projection.
    pub projection: &'static str,
    /// Where its checkpoint must be.
    pub from: u64,
    /// Where it is afterwards.
    pub to: u64,
    /// The table that it owns.
    pub table: &'static Table,
    /// Rows to write, each complete.
    pub upserts: Vec<Row>,
    /// Keys of rows to remove.
    pub deletes: Vec<RowKey>,
}

/// Why a read model could not be used.
#[derive(Debug, Error)]
pub enum ReadStoreError {
    /// Another runner has moved this projection on.
    #[error("projection {projection} was moved on by another runner")]
    CheckpointMoved {
        /// Which.
        projection: &'static str,
    },
    /// The disk is full.
    #[error("the disk that holds the read models is full")]
    OutOfRoom,
    /// The store failed.
    #[error("the read store could not be used")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
