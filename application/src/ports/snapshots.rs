//! Snapshots: states of aggregates as they were, so that a long stream need not be folded from its beginning.

use super::event_log::{StreamId, Tenant};
use async_trait::async_trait;
use domain::value::Sha256;
use std::fmt;
use thiserror::Error;

/// Keeps one snapshot per stream.
///
/// It is an aid: whoever loads one compares it with the log, and does without it otherwise. States hold what is personal,
/// so they are sealed under the key of the stream's subject: when that key is destroyed, there is no snapshot. Adapters
/// seal; callers see plain bytes.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// The stream's snapshot, if it was made by this version of the aggregate and its key is there. What was altered
    /// since is none.
    async fn load(&self, stream: &StreamId, version: u32) -> Result<Option<Snapshot>, SnapshotError>;

    /// Keeps a snapshot in place of the stream's earlier one, of whatever version and revision. Keeps nothing of a
    /// stream whose subject has no key.
    async fn save(&self, stream: &StreamId, version: u32, snapshot: &Snapshot) -> Result<(), SnapshotError>;
}

/// An aggregate as it was at a revision.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The revision of its last event.
    pub revision: u64,
    /// The hash of that event: tells whether the log still has the history that this was folded from.
    pub hash: Sha256,
    /// Whose it is.
    pub tenant: Tenant,
    /// The trace of the last command that belonged to one, as W3C `traceparent`.
    pub traceparent: Option<String>,
    /// The state, as its aggregate's version writes it.
    pub state: Vec<u8>,
}

/// Says nothing of the state, which holds what is personal.
impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Snapshot");
        shown.field("revision", &self.revision).field("hash", &self.hash).field("tenant", &self.tenant);
        shown.field("state_bytes", &self.state.len()).finish_non_exhaustive()
    }
}

/// Why snapshots could not be used.
#[derive(Debug, Error)]
#[error("the snapshots could not be used")]
pub struct SnapshotError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
