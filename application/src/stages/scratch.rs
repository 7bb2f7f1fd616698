//! The scratch folder of an attempt, made when somebody needs it: most stages do without.

use crate::ports::blob_store::{BlobError, BlobStore};
use domain::flow::WorkId;
use std::{path::Path, path::PathBuf, sync::Arc};
use tokio::sync::OnceCell;

/// The folder of one attempt.
pub struct Scratch {
    blobs: Arc<dyn BlobStore>,
    name: String,
    folder: OnceCell<PathBuf>,
}

impl Scratch {
    /// Of this work; not made yet.
    pub fn of(work: WorkId, blobs: Arc<dyn BlobStore>) -> Arc<Self> {
        Arc::new(Self { blobs, name: work.0.to_string(), folder: OnceCell::new() })
    }

    /// The folder, empty when it is asked for first.
    pub async fn folder(&self) -> Result<&Path, BlobError> {
        let made = self.folder.get_or_try_init(|| self.blobs.scratch(&self.name)).await?;
        Ok(made)
    }

    /// Removes it with all that is in it, if it was asked for.
    pub async fn clear(&self) -> Result<(), BlobError> {
        match self.folder.get() {
            Some(_) => self.blobs.clear_scratch(Some(&self.name)).await,
            None => Ok(()),
        }
    }
}
