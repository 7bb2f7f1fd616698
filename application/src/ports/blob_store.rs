//! Blobs: media by the digest of its bytes.
//!
//! Promises, proven by `application::testing::blob_store_kit`: a blob is complete or absent, never
//! half there, whatever crashes; writing the same content twice keeps one; what is stored under a
//! digest has that digest. What was just put is not collected by anybody who collects what is older, whoever
//! put it and whether or not it was there before.

use async_trait::async_trait;
use domain::value::{Artefact, Sha256, Timestamp};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use thiserror::Error;

/// Keeps blobs.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Copies a file in, hashing while it reads, and returns once it is durable.
    async fn put_file(&self, file: &Path, media_type: &str) -> Result<Artefact, BlobError>;

    /// Takes over a file that this process made in [`BlobStore::scratch`]: it is moved, not copied.
    async fn adopt(&self, file: &Path, media_type: &str) -> Result<Artefact, BlobError>;

    /// Keeps a small content.
    async fn put_bytes(&self, bytes: Vec<u8>, media_type: &str) -> Result<Artefact, BlobError>;

    /// A path at which the blob can be read, and never written; `None` when there is no such blob.
    async fn path(&self, blob: &Sha256) -> Result<Option<PathBuf>, BlobError>;

    /// Whether there is such a blob, as far as everybody who shares the store is concerned. Where blobs are far away,
    /// this is cheaper than [`BlobStore::path`].
    async fn has(&self, blob: &Sha256) -> Result<bool, BlobError> {
        Ok(self.path(blob).await?.is_some())
    }

    /// The same, and a blob that is there counts as put now: nobody collects it before who relies on it can say so.
    async fn hold(&self, blob: &Sha256) -> Result<bool, BlobError>;

    /// Blobs whose digests come after one, in the order of digests, at most so many.
    async fn list(&self, after: Option<&Sha256>, limit: usize) -> Result<Vec<StoredBlob>, BlobError>;

    /// Removes a blob that nothing refers to, unless it was put or held at that moment or later; whether it did. Nobody's
    /// [`BlobStore::put_bytes`] or the like, and no [`BlobStore::hold`], relies on a blob that this removes.
    async fn collect(&self, blob: &Sha256, put_before: Timestamp) -> Result<bool, BlobError>;

    /// An address from which whoever knows it can download the blob for so long, without asking this program; `None`
    /// when there is no such blob, and where blobs have no addresses. The answer has this `Content-Disposition` and
    /// media type. It is a secret until then.
    async fn link(&self, blob: &Sha256, link: &Link<'_>) -> Result<Option<String>, BlobError> {
        let (_blob, _link) = (blob, link);
        Ok(None)
    }

    /// A small content, checked against its digest; `None` when there is no such blob.
    async fn get_bytes(&self, blob: &Sha256) -> Result<Option<Vec<u8>>, BlobError>;

    /// Removes a blob that nothing refers to any more; no error when it is gone already.
    async fn delete(&self, blob: &Sha256) -> Result<(), BlobError>;

    /// A new empty folder for scratch files on the store's own file system. It is removed by
    /// [`BlobStore::clear_scratch`] with everything in it.
    async fn scratch(&self, name: &str) -> Result<PathBuf, BlobError>;

    /// Removes a scratch folder, or all of them.
    async fn clear_scratch(&self, name: Option<&str>) -> Result<(), BlobError>;
}

/// A blob as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// Which.
    pub sha256: Sha256,
    /// Its length.
    pub bytes: u64,
    /// When it was written, by the store's clock. It may have been put or held since.
    pub put_at: Timestamp,
}

/// What an address of a blob is to be like.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// How long it can be used.
    pub valid_for: Duration,
    /// The value of `Content-Disposition`, which has the file's name.
    pub disposition: &'a str,
    /// The value of `Content-Type`.
    pub media_type: &'a str,
}

/// Why a blob could not be kept or found.
#[derive(Debug, Error)]
pub enum BlobError {
    /// The disk is full.
    #[error("the disk that holds the blobs is full")]
    OutOfRoom,
    /// What is stored does not have its digest.
    #[error("blob {0} is damaged")]
    Damaged(Sha256),
    /// The file to keep could not be read.
    #[error("the file could not be read")]
    Source(#[source] std::io::Error),
    /// The store's own files could not be read or written.
    #[error("the blob store could not be used")]
    Io(#[source] std::io::Error),
}
