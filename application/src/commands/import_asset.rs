//! Import an asset: a complete upload becomes a blob, and the log learns of it.
//!
//! The asset has the upload's id, so that doing it again, after a crash between any two steps, ends with the same
//! asset: the digest is noted and the file becomes a blob, the asset's key is made, the event is appended.

use super::release_file::FileUse;
use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::{
        event_log::{Appended, ReadError, StreamId, Tenant},
        upload_store::{Upload, UploadError, UploadStore},
    },
};
use domain::{
    asset::{Asset, AssetCommand, AssetRejection},
    value::AssetId,
};
use std::sync::Arc;
use thiserror::Error;
use uuid::Uuid;

/// Who imports what a crash left behind.
const ACTOR: &str = "import";

/// The use case, with what it needs.
#[derive(Clone)]
pub struct ImportAsset {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// What was uploaded.
    pub uploads: Arc<dyn UploadStore>,
    /// Turns with those who delete files.
    pub files: FileUse,
}

/// What a complete upload became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The asset: it has the upload's id.
    pub asset: AssetId,
    /// Where the log holds it; `None` when that is not known any more.
    pub appended: Option<Appended>,
}

/// What was made good at start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Uploads that are assets now.
    pub imported: u64,
    /// Uploads that never could be: of another digest than announced, sent in one go that broke off, or gone since.
    pub removed: u64,
    /// Uploads that failed again; they are tried again later.
    pub failed: u64,
}

/// Why an upload is no asset.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The upload cannot be finished.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// A rule was broken: the asset was erased since.
    #[error(transparent)]
    Command(#[from] CommandError<AssetRejection>),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl ImportAsset {
    /// Imports a complete upload of the giver's tenant. Doing so again answers as the first time.
    pub async fn run(&self, upload: Uuid, giver: &CommandMeta) -> Result<Imported, ImportError> {
        let tenant = giver.tenant.clone().unwrap_or_default();
        let asset = AssetId(upload);
        let _turn = self.files.begin().await?;
        let known = self.uploads.get(&tenant, upload).await?.ok_or(UploadError::NotFound)?;
        let media = match known.finished {
            Some(media) if self.aggregates.asset(asset).await?.revision > 0 => media,
            // Its blob may have gone, or may be about to, as long as no event refers to it.
            Some(_) | None => self.uploads.finish(&tenant, upload).await?,
        };
        let meta = CommandMeta {
            tenant: Some(tenant),
            is_repeatable: true,
            traceparent: giver.traceparent.clone(),
            ..CommandMeta::derived(&giver.actor, &format!("import/{upload}"))
        };
        let command = AssetCommand::Register { media, name: known.name };
        let appended = self.aggregates.begin::<Asset>(&StreamId::Asset(asset), command, &meta).await?;
        Ok(Imported { asset, appended })
    }

    /// Imports every upload that is complete and no asset yet, and removes those that never can be. To be called at
    /// start, before anything is uploaded or erased.
    pub async fn recover(&self) -> Result<Recovered, ImportError> {
        let mut recovered = Recovered::default();
        for upload in self.uploads.unfinished().await? {
            if upload.length.is_none() {
                // It came in one go, and nobody will go on with it.
                self.remove(&upload, &mut recovered).await;
            } else if upload.length == Some(upload.offset) {
                self.recover_one(&upload, &mut recovered).await;
            }
        }
        for upload in self.uploads.finished().await? {
            if self.aggregates.asset(AssetId(upload.id)).await?.revision == 0 {
                self.recover_one(&upload, &mut recovered).await;
            }
        }
        Ok(recovered)
    }

    /// Imports a complete upload that nobody came back for, unless it is an asset already; whether nothing is left to
    /// be done.
    pub(super) async fn import_late(&self, upload: &Upload) -> bool {
        let mut recovered = Recovered::default();
        match self.aggregates.asset(AssetId(upload.id)).await {
            Ok(asset) if asset.revision > 0 => {}
            Ok(_) => self.recover_one(upload, &mut recovered).await,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(correlation_id = %upload.id, error, "an upload could not be imported");
                recovered.failed += 1;
            }
        }
        recovered.failed == 0
    }

    async fn recover_one(&self, upload: &Upload, recovered: &mut Recovered) {
        let giver = giver(&upload.tenant, upload.id);
        match self.run(upload.id, &giver).await {
            Ok(_) => recovered.imported += 1,
            // The second one was finished and not reported for so long that its blob was taken for nobody's.
            Err(ImportError::Upload(UploadError::DigestMismatch | UploadError::NotFound)) => {
                self.remove(upload, recovered).await
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(correlation_id = %upload.id, error, "an upload could not be imported");
                recovered.failed += 1;
            }
        }
    }

    async fn remove(&self, upload: &Upload, recovered: &mut Recovered) {
        match self.uploads.terminate(&upload.tenant, upload.id).await {
            Ok(()) => recovered.removed += 1,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(correlation_id = %upload.id, error, "an upload could not be removed");
                recovered.failed += 1;
            }
        }
    }
}

fn giver(tenant: &Tenant, upload: Uuid) -> CommandMeta {
    CommandMeta { tenant: Some(tenant.clone()), ..CommandMeta::derived(ACTOR, &format!("import/{upload}")) }
}
