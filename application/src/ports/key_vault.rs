//! Keys that seal what is personal. They live outside the log: destroying one is erasure.

use std::sync::Arc;
use thiserror::Error;
use uuid::Uuid;

/// Keeps one key per subject: a dubbing, an asset, a project, a glossary, by its id. A key is durable before the first event that it seals.
pub trait KeyVault: Send + Sync {
    /// Makes the owner's key unless it has one, and returns only when it is durable.
    fn ensure(&self, owner: Uuid) -> Result<(), KeyVaultError>;

    /// The owner's key; `None` when it was destroyed or never made.
    fn key(&self, owner: Uuid) -> Result<Option<Key>, KeyVaultError>;

    /// Destroys the owner's key for good.
    fn destroy(&self, owner: Uuid) -> Result<(), KeyVaultError>;
}

/// A symmetric key of 256 bits. Never shown.
#[derive(Clone)]
pub struct Key(Arc<[u8; 32]>);

impl Key {
    /// From random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Arc::new(bytes))
    }

    /// The bytes, for a cipher.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Why a key was not to be had.
#[derive(Debug, Error)]
pub enum KeyVaultError {
    /// The vault's storage failed.
    #[error("the key vault could not be used")]
    Io(#[from] std::io::Error),
    /// The vault's storage does not hold what it should.
    #[error("the key vault is damaged: {0}")]
    Damaged(String),
}
