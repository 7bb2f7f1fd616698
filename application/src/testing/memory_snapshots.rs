//! Snapshots in memory.

use crate::ports::{
    event_log::StreamId,
    key_vault::KeyVault,
    snapshots::{Snapshot, SnapshotError, Snapshots},
};
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Snapshots without a disk. Nothing is sealed, for nothing leaves the process; but there is none of a stream once its
/// subject's key is destroyed, as everywhere.
pub struct MemorySnapshots {
    vault: Arc<dyn KeyVault>,
    kept: Mutex<BTreeMap<StreamId, (u32, Snapshot)>>,
}

impl MemorySnapshots {
    /// Nothing kept yet.
    pub fn new(vault: Arc<dyn KeyVault>) -> Self {
        Self { vault, kept: Mutex::default() }
    }

    /// The revision of what is kept of a stream, of whatever version; `None` when nothing is.
    pub fn revision_of(&self, stream: &StreamId) -> Option<u64> {
        self.kept().get(stream).map(|(_, snapshot)| snapshot.revision)
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<StreamId, (u32, Snapshot)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_key(&self, stream: &StreamId) -> Result<bool, SnapshotError> {
        Ok(self.vault.key(stream.subject()).map_err(|error| SnapshotError(Box::new(error)))?.is_some())
    }
}

#[async_trait]
impl Snapshots for MemorySnapshots {
    async fn load(&self, stream: &StreamId, version: u32) -> Result<Option<Snapshot>, SnapshotError> {
        if !self.has_key(stream)? {
            return Ok(None);
        }
        let kept = self.kept().get(stream).cloned();
        Ok(kept.filter(|(kept, _)| *kept == version).map(|(_, snapshot)| snapshot))
    }

    async fn save(&self, stream: &StreamId, version: u32, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if self.has_key(stream)? {
            self.kept().insert(stream.clone(), (version, snapshot.clone()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::snapshots_kit;

    #[tokio::test(flavor = "multi_thread")]
    async fn keeps_the_promises_of_the_port() {
        snapshots_kit::run(|vault| async { (Arc::new(MemorySnapshots::new(vault)) as Arc<dyn Snapshots>, ()) }).await;
    }
}
