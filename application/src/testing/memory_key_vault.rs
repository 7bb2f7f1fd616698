//! A key vault without a disk. Its keys follow from a seed, so that tests see the same bytes every
//! time; never use it for anything real.

use crate::ports::key_vault::{Key, KeyVault, KeyVaultError};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use uuid::Uuid;

/// A key vault without a disk.
pub struct MemoryKeyVault {
    seed: u8,
    /// `None` stands for a destroyed key.
    keys: Mutex<BTreeMap<Uuid, Option<Key>>>,
}

impl MemoryKeyVault {
    /// A vault whose keys follow from the seed.
    pub fn new(seed: u8) -> Self {
        Self { seed, keys: Mutex::default() }
    }
}

impl KeyVault for MemoryKeyVault {
    fn ensure(&self, owner: Uuid) -> Result<(), KeyVaultError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.entry(owner).or_insert_with(|| {
            Some(Key::new(Sha256::new().chain_update([self.seed]).chain_update(owner.as_bytes()).finalize().into()))
        });
        Ok(())
    }

    fn key(&self, owner: Uuid) -> Result<Option<Key>, KeyVaultError> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(keys.get(&owner).cloned().flatten())
    }

    fn destroy(&self, owner: Uuid) -> Result<(), KeyVaultError> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(owner, None);
        Ok(())
    }
}
