//! Memos: results by what they depend on, so that nothing is made twice.

use async_trait::async_trait;
use domain::value::{DubbingId, Sha256};
use thiserror::Error;

/// Keeps results by the digest of everything that they depend on.
///
/// A result may hold speech text, so it is sealed under its dubbing's key: when that key is
/// destroyed, the memo is a miss. Adapters seal; callers see plain bytes.
#[async_trait]
pub trait MemoStore: Send + Sync {
    /// The result known under this key.
    async fn recall(&self, key: &Sha256) -> Result<Option<Vec<u8>>, MemoError>;

    /// Remembers a result; the first one under a key stays.
    async fn remember(&self, key: &Sha256, owner: DubbingId, result: &[u8]) -> Result<(), MemoError>;
}

/// Why a memo could not be used.
#[derive(Debug, Error)]
#[error("the memo store could not be used")]
pub struct MemoError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
