//! Blobs in a bucket of S3 or of what speaks its protocol, with copies on the local disk.
//!
//! Every blob is an object named by its digest, which appears when it is complete: an upload in parts is completed or
//! aborted, and what is there with the right length is not sent again. What is fetched is hashed on the way and gets its
//! name among the copies only when its digest is right. Copies are never taken for blobs: whether there is one is asked
//! of the bucket. Deliberately absent: rules of the bucket for ageing objects, since the program alone knows what is
//! still referred to.

mod cache;
mod config;
mod connect;
mod error;
mod fetch;
mod marks;
mod patient;
mod remote;
#[cfg(test)]
mod tests;

pub use config::{CredentialsError, S3CacheLimits, S3Config, S3Credentials, S3Patience};
pub use error::S3ConnectError;

use crate::{
    store::{LocalBlobStore, digest_own},
    uploads::UploadTarget,
};
use application::ports::blob_store::{BlobError, BlobStore, Link, StoredBlob};
use async_trait::async_trait;
use cache::{Cache, Turn};
use domain::value::{Artefact, Sha256, Timestamp};
use remote::Remote;
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Blobs in a bucket that several processes may share. The folder for copies is this process's alone. Clones share both.
#[derive(Clone, Debug)]
pub struct S3BlobStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Copies, files being written, scratch folders.
    local: LocalBlobStore,
    remote: Remote,
    cache: Arc<Cache>,
}

impl S3BlobStore {
    fn new(local: LocalBlobStore, remote: Remote, limits: S3CacheLimits) -> Result<Self, BlobError> {
        let cache = Cache::load(Arc::clone(local.files()), limits)?;
        Ok(Self { inner: Arc::new(Inner { local, remote, cache }) })
    }

    /// Sends a complete file of the local file system, then makes it the copy.
    async fn keep(&self, file: &Path, blob: &Artefact) -> Result<(), BlobError> {
        let turn = self.inner.cache.turn(blob.sha256).await;
        self.inner.remote.put(file, blob).await?;
        let (file, bytes) = (file.to_owned(), blob.bytes);
        // The turn goes along, and is over when the work is.
        self.inner.local.blocking(move |_| turn.place(&file, bytes)).await
    }

    /// The path of the copy of the blob whose turn it is, after fetching it if need be; `None` when there is no blob.
    async fn copy(&self, turn: &Arc<Turn>) -> Result<Option<PathBuf>, BlobError> {
        if let Some(path) = turn.hand_out() {
            return Ok(Some(path));
        }
        let Some(written) = fetch::fetch(&self.inner.remote, &self.inner.local, &turn.blob()).await? else {
            return Ok(None);
        };
        let turn = Arc::clone(turn);
        let done = self.inner.local.blocking(move |_| {
            turn.place(&written.file, written.bytes)?;
            Ok(turn.hand_out())
        });
        done.await
    }
}

#[async_trait]
impl UploadTarget for S3BlobStore {
    fn root(&self) -> &Path {
        self.inner.local.root()
    }

    async fn take(&self, file: &Path, blob: &Artefact) -> Result<(), BlobError> {
        self.keep(file, blob).await
    }
}

#[async_trait]
impl BlobStore for S3BlobStore {
    async fn put_file(&self, file: &Path, media_type: &str) -> Result<Artefact, BlobError> {
        let file = file.to_owned();
        // What is sent must be what was hashed: the file is somebody else's and may change meanwhile.
        let copied = self.inner.local.blocking(move |local| {
            let mut source = File::open(&file).map_err(BlobError::Source)?;
            local.write(&mut source)
        });
        let written = copied.await?;
        let blob = written.artefact(media_type.to_owned());
        self.keep(&written.file, &blob).await?;
        Ok(blob)
    }

    async fn adopt(&self, file: &Path, media_type: &str) -> Result<Artefact, BlobError> {
        let own = file.to_owned();
        let (sha256, bytes) = self.inner.local.blocking(move |_| digest_own(&own)).await?;
        let blob = Artefact { sha256, media_type: media_type.to_owned(), bytes };
        self.keep(file, &blob).await?;
        Ok(blob)
    }

    async fn put_bytes(&self, bytes: Vec<u8>, media_type: &str) -> Result<Artefact, BlobError> {
        let written = self.inner.local.blocking(move |local| local.write(&mut bytes.as_slice())).await?;
        let blob = written.artefact(media_type.to_owned());
        self.keep(&written.file, &blob).await?;
        Ok(blob)
    }

    async fn path(&self, blob: &Sha256) -> Result<Option<PathBuf>, BlobError> {
        if let Some(path) = self.inner.cache.hand_out(blob) {
            return Ok(Some(path));
        }
        self.copy(&Arc::new(self.inner.cache.turn(*blob).await)).await
    }

    async fn has(&self, blob: &Sha256) -> Result<bool, BlobError> {
        Ok(self.inner.remote.bytes(blob).await?.is_some())
    }

    async fn hold(&self, blob: &Sha256) -> Result<bool, BlobError> {
        self.inner.remote.hold(blob, None).await
    }

    async fn list(&self, after: Option<&Sha256>, limit: usize) -> Result<Vec<StoredBlob>, BlobError> {
        self.inner.remote.list(after, limit).await
    }

    async fn collect(&self, blob: &Sha256, put_before: Timestamp) -> Result<bool, BlobError> {
        let turn = self.inner.cache.turn(*blob).await;
        if !self.inner.remote.collect(blob, put_before).await? {
            return Ok(false);
        }
        self.inner.local.blocking(move |_| turn.forget()).await?;
        Ok(true)
    }

    async fn link(&self, blob: &Sha256, link: &Link<'_>) -> Result<Option<String>, BlobError> {
        if self.has(blob).await? { self.inner.remote.link(blob, link).await.map(Some) } else { Ok(None) }
    }

    async fn get_bytes(&self, blob: &Sha256) -> Result<Option<Vec<u8>>, BlobError> {
        // Its turn until it is read: no budget takes the copy away meanwhile.
        let turn = Arc::new(self.inner.cache.turn(*blob).await);
        if self.copy(&turn).await?.is_none() {
            return Ok(None);
        }
        match self.inner.local.get_bytes(blob).await {
            // The copy is: the blob need not be.
            Err(BlobError::Damaged(_)) => turn.forget()?,
            outcome => return outcome,
        }
        if self.copy(&turn).await?.is_none() {
            return Ok(None);
        }
        self.inner.local.get_bytes(blob).await
    }

    async fn delete(&self, blob: &Sha256) -> Result<(), BlobError> {
        let turn = self.inner.cache.turn(*blob).await;
        self.inner.remote.delete(blob).await?;
        self.inner.local.blocking(move |_| turn.forget()).await
    }

    async fn scratch(&self, name: &str) -> Result<PathBuf, BlobError> {
        self.inner.local.scratch(name).await
    }

    async fn clear_scratch(&self, name: Option<&str>) -> Result<(), BlobError> {
        self.inner.local.clear_scratch(name).await
    }
}
