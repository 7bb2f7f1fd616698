//! Sealing of what is kept beside the log, under the key of whom it is about.
//!
//! Without the key nothing is kept, and nothing that was kept is found. Deliberately absent: where it is kept.

use application::ports::key_vault::{KeyVault, KeyVaultError};
use event_codec::{SealError, open_bytes, seal_bytes};
use thiserror::Error;
use uuid::Uuid;

/// Why something could not be sealed or opened.
#[derive(Debug, Error)]
pub(crate) enum SealingError {
    /// There is no telling whether there is a key.
    #[error(transparent)]
    Vault(#[from] KeyVaultError),
    /// It is too long.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The runtime is ending.
    #[error("sealing was interrupted")]
    Interrupted,
}

/// Seals something for the context that it is bound to; `None` when its owner has no key.
pub(crate) fn sealed(
    vault: &dyn KeyVault,
    owner: Uuid,
    context: &[u8],
    plain: &[u8],
) -> Result<Option<Vec<u8>>, SealingError> {
    match vault.key(owner)? {
        Some(key) => Ok(Some(seal_bytes(&key, context, plain)?)),
        None => Ok(None),
    }
}

/// What was sealed; `None` when its key was destroyed or it was altered: neither is worth more than nothing.
pub(crate) fn opened(
    vault: &dyn KeyVault,
    owner: Uuid,
    context: &[u8],
    sealed: &[u8],
) -> Result<Option<Vec<u8>>, SealingError> {
    let key = vault.key(owner)?;
    Ok(key.and_then(|key| open_bytes(&key, context, sealed).ok()))
}

/// Seals or opens where it keeps nobody waiting.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SealingError> + Send + 'static,
) -> Result<T, SealingError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(SealingError::Interrupted))
}
