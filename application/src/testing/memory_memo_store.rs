//! Memos in memory.

use crate::ports::{
    key_vault::KeyVault,
    memo_store::{MemoError, MemoStore},
};
use async_trait::async_trait;
use domain::value::{DubbingId, Sha256};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};

/// A memo store without a disk. Nothing is sealed, for nothing leaves the process; but a memo is a
/// miss once its owner's key is destroyed, as everywhere.
pub struct MemoryMemoStore {
    vault: Arc<dyn KeyVault>,
    memos: Mutex<BTreeMap<Sha256, (DubbingId, Vec<u8>)>>,
}

impl MemoryMemoStore {
    /// Nothing remembered yet.
    pub fn new(vault: Arc<dyn KeyVault>) -> Self {
        Self { vault, memos: Mutex::default() }
    }

    fn has_key(&self, owner: DubbingId) -> Result<bool, MemoError> {
        Ok(self.vault.key(owner.0).map_err(|error| MemoError(Box::new(error)))?.is_some())
    }
}

#[async_trait]
impl MemoStore for MemoryMemoStore {
    async fn recall(&self, key: &Sha256) -> Result<Option<Vec<u8>>, MemoError> {
        let known = self.memos.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        match known {
            Some((owner, result)) => Ok(self.has_key(owner)?.then_some(result)),
            None => Ok(None),
        }
    }

    async fn remember(&self, key: &Sha256, owner: DubbingId, result: &[u8]) -> Result<(), MemoError> {
        if !self.has_key(owner)? {
            return Ok(());
        }
        match self.memos.lock().unwrap_or_else(PoisonError::into_inner).entry(*key) {
            Entry::Vacant(free) => {
                free.insert((owner, result.to_owned()));
            }
            Entry::Occupied(mut known) => {
                if !self.has_key(known.get().0)? {
                    known.insert((owner, result.to_owned()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::memo_store_kit;

    #[tokio::test(flavor = "multi_thread")]
    async fn keeps_the_promises_of_the_port() {
        memo_store_kit::run(|vault| async { (Arc::new(MemoryMemoStore::new(vault)) as Arc<dyn MemoStore>, ()) }).await;
    }
}
