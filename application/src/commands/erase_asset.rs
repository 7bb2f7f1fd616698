//! Erase an asset: nobody can read its name any more, and its file goes unless somebody else needs the same bytes.
//!
//! The event comes first. What follows from it is done again when the command is given again, and at the next start:
//! the key is destroyed, the note of its upload (which holds the name, too) is removed, the file is released. A file
//! stays while a dubbing was made from it: to say a line anew, the dubbing may need the source.

use super::release_file::{ReleaseError, ReleaseFile};
use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::{
        event_log::{Appended, ReadError, StreamId, Tenant},
        key_vault::{KeyVault, KeyVaultError},
        read_store::ReadStoreError,
        upload_store::{UploadError, UploadStore},
    },
};
use domain::{
    asset::{Asset, AssetCommand, AssetRejection, Phase},
    value::AssetId,
};
use std::sync::Arc;
use thiserror::Error;

/// The use case, with what it needs.
#[derive(Clone)]
pub struct EraseAsset {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// Where the asset's key is.
    pub vault: Arc<dyn KeyVault>,
    /// Where the note of its upload may be.
    pub uploads: Arc<dyn UploadStore>,
    /// Deletes its file.
    pub release: ReleaseFile,
}

/// Why an asset is not erased, or not wholly yet. Giving the command again does what is left.
#[derive(Debug, Error)]
pub enum EraseError {
    /// A dubbing of it is not at its end.
    #[error("a dubbing of this asset is not at its end; cancel it, or wait for it")]
    InUse,
    /// A rule was broken.
    #[error(transparent)]
    Command(#[from] CommandError<AssetRejection>),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The read models could not be read.
    #[error(transparent)]
    Index(#[from] ReadStoreError),
    /// The key could not be destroyed.
    #[error(transparent)]
    Key(#[from] KeyVaultError),
    /// The upload's note could not be removed.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// The file could not be released.
    #[error(transparent)]
    Release(#[from] ReleaseError),
}

impl EraseAsset {
    /// Erases an asset of the giver's tenant. `None` when it was erased already.
    pub async fn run(&self, id: AssetId, meta: &CommandMeta) -> Result<Option<Appended>, EraseError> {
        let tenant = meta.tenant.clone().unwrap_or_default();
        let asset = self.aggregates.asset(id).await?;
        if !asset.is_of(&tenant) {
            return Err(CommandError::NotFound.into());
        }
        let appended = if asset.state.phase == Phase::Erased { None } else { self.append(id, meta).await? };
        self.finish(id, &tenant).await?;
        Ok(appended)
    }

    /// What follows from the event. Doing so again does no harm.
    pub async fn finish(&self, id: AssetId, tenant: &Tenant) -> Result<(), EraseError> {
        self.vault.destroy(id.0)?;
        match self.uploads.terminate(tenant, id.0).await {
            Ok(()) | Err(UploadError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        self.release.run(id).await?;
        Ok(())
    }

    async fn append(&self, id: AssetId, meta: &CommandMeta) -> Result<Option<Appended>, EraseError> {
        self.release.catch_up().await?;
        // Whoever orders a dubbing takes turns, too: none can begin between the question and the event.
        let _turn = self.release.files.end().await?;
        self.release.catch_up().await?;
        if self.release.index.is_being_dubbed(id).await? {
            return Err(EraseError::InUse);
        }
        Ok(self.aggregates.execute::<Asset>(&StreamId::Asset(id), AssetCommand::Erase, meta).await?)
    }
}
