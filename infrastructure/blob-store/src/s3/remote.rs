//! The bucket.

use super::S3Patience;
use application::{
    commands::release_file::FileUse,
    ports::blob_store::{BlobError, Link},
};
use bytes::Bytes;
use domain::value::{Artefact, Sha256};
use futures::stream::BoxStream;
use object_store::{
    Attribute, Attributes, Error, GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions,
    aws::AmazonS3,
    client::HttpError,
    path::Path as Name,
    signer::{Method, SignedUrlOptions, Signer},
};
use std::{
    collections::HashSet,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::{
    runtime::Handle,
    task::{JoinError, JoinSet},
};

/// Bytes of a part of an upload, and the longest that is sent in one piece.
const PART: u64 = 8 << 20;
/// Parts that an upload may have, at most.
const PARTS: u64 = 10_000;
/// Parts of an upload that are sent at once.
const AT_ONCE: usize = 4;
/// Tries of what the library does not try again by itself.
const TRIES: u32 = 3;

/// Objects of one prefix in a bucket.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) bucket: AmazonS3,
    pub(super) prefix: Name,
    patience: S3Patience,
    /// Blobs that were found damaged by this process, which are sent again though they are there.
    damaged: Mutex<HashSet<Sha256>>,
    /// Turns of those who rely on what is there and those who collect.
    pub(super) turns: FileUse,
}

impl Remote {
    /// Objects below `prefix`.
    pub fn new(bucket: AmazonS3, prefix: Name, patience: S3Patience, turns: FileUse) -> Self {
        Self { bucket, prefix, patience, damaged: Mutex::default(), turns }
    }

    /// How long to wait and to try.
    pub fn patience(&self) -> S3Patience {
        self.patience
    }

    /// Takes note that what is kept is not what it should be.
    pub fn note_damage(&self, blob: &Sha256) {
        self.damaged().insert(*blob);
    }

    fn damaged(&self) -> MutexGuard<'_, HashSet<Sha256>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn name(&self, blob: &Sha256) -> Name {
        let name = blob.to_string();
        self.prefix.clone().join(name.split_at(2).0).join(name)
    }

    /// The length of a blob; `None` when there is none.
    pub async fn bytes(&self, blob: &Sha256) -> Result<Option<u64>, BlobError> {
        match self.bucket.head(&self.name(blob)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(other(error)),
        }
    }

    /// Sends a file that nobody changes, unless it is there: with its digest for a name and its length, it is the same.
    /// What this process found damaged is sent again, and so healed.
    pub async fn put(&self, file: &Path, blob: &Artefact) -> Result<(), BlobError> {
        let is_damaged = self.damaged().contains(&blob.sha256);
        if !is_damaged && self.hold(&blob.sha256, Some(blob.bytes)).await? {
            return Ok(());
        }
        let sent = if blob.bytes <= PART { self.send(file, blob).await } else { self.send_parts(file, blob).await };
        if sent.is_ok() {
            self.damaged().remove(&blob.sha256);
            return Ok(());
        }
        // The answer to what completed it may have been lost.
        let is_there = matches!(self.bytes(&blob.sha256).await, Ok(Some(bytes)) if bytes == blob.bytes);
        if is_there && !is_damaged { Ok(()) } else { sent }
    }

    async fn send(&self, file: &Path, blob: &Artefact) -> Result<(), BlobError> {
        let content = read(file, 0, blob.bytes).await?;
        let options = PutOptions { attributes: attributes(blob), ..PutOptions::default() };
        self.bucket.put_opts(&self.name(&blob.sha256), content.into(), options).await.map_err(other)?;
        Ok(())
    }

    async fn send_parts(&self, file: &Path, blob: &Artefact) -> Result<(), BlobError> {
        let options = PutMultipartOptions { attributes: attributes(blob), ..PutMultipartOptions::default() };
        let begun = self.bucket.put_multipart_opts(&self.name(&blob.sha256), options).await.map_err(other)?;
        let mut upload = Uploading { upload: Some(begun), running: JoinSet::new() };
        let sent = upload.send(file, blob.bytes).await;
        if sent.is_err() {
            upload.abort().await;
        }
        sent
    }

    /// A blob's content from an offset on; `None` when there is none.
    pub async fn open(&self, blob: &Sha256, at: u64) -> Result<Option<Opened>, BlobError> {
        let range = (at > 0).then_some(GetRange::Offset(at));
        let options = GetOptions { range, ..GetOptions::default() };
        match self.bucket.get_opts(&self.name(blob), options).await {
            Ok(found) => Ok(Some(Opened { bytes: found.meta.size, stream: found.into_stream() })),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(other(error)),
        }
    }

    /// Deletes a blob; no error when it is gone.
    pub async fn delete(&self, blob: &Sha256) -> Result<(), BlobError> {
        // What stays when this is cut short is a blob, which can be deleted again, and no mark of what is gone.
        self.remove(&self.mark(blob)).await?;
        self.remove(&self.name(blob)).await
    }

    async fn remove(&self, object: &Name) -> Result<(), BlobError> {
        let mut tries = 1;
        loop {
            match self.bucket.delete(object).await {
                Ok(()) | Err(Error::NotFound { .. }) => return Ok(()),
                // The library does not know that doing it twice does no harm.
                Err(error) if tries < TRIES && is_transport(&error) => tries += 1,
                Err(error) => return Err(other(error)),
            }
        }
    }

    /// An address to download a blob from.
    pub async fn link(&self, blob: &Sha256, link: &Link<'_>) -> Result<String, BlobError> {
        let options = SignedUrlOptions::default().with_query([
            ("response-content-disposition", link.disposition),
            ("response-content-type", link.media_type),
        ]);
        let signed = self.bucket.signed_url_opts(Method::GET, &self.name(blob), link.valid_for, &options).await;
        Ok(signed.map_err(other)?.to_string())
    }
}

/// An object that is being read.
pub(super) struct Opened {
    /// Its whole length.
    pub bytes: u64,
    /// Its content from the offset on.
    pub stream: BoxStream<'static, object_store::Result<Bytes>>,
}

/// An upload in parts that is neither completed nor aborted. Dropped, it is aborted as well as can be.
struct Uploading {
    /// `None` when it is completed or aborted.
    upload: Option<Box<dyn MultipartUpload>>,
    /// Parts that are being sent.
    running: JoinSet<object_store::Result<()>>,
}

impl Uploading {
    async fn send(&mut self, file: &Path, bytes: u64) -> Result<(), BlobError> {
        let Some(upload) = &mut self.upload else { return Ok(()) };
        let part_bytes = PART.max(bytes.div_ceil(PARTS));
        let mut at = 0;
        while at < bytes {
            if self.running.len() >= AT_ONCE {
                sent(self.running.join_next().await)?;
            }
            let length = part_bytes.min(bytes - at);
            self.running.spawn(upload.put_part(read(file, at, length).await?.into()));
            at += length;
        }
        while !self.running.is_empty() {
            sent(self.running.join_next().await)?;
        }
        upload.complete().await.map_err(other)?;
        self.upload = None;
        Ok(())
    }

    /// Best effort: what stays is for the bucket's rule about incomplete uploads.
    async fn abort(&mut self) {
        // A part that arrives after the end of its upload would be kept.
        self.running.shutdown().await;
        if let Some(mut upload) = self.upload.take() {
            let _aborted = upload.abort().await;
        }
    }
}

impl Drop for Uploading {
    fn drop(&mut self) {
        let (Some(upload), Ok(runtime)) = (self.upload.take(), Handle::try_current()) else { return };
        let mut left = Uploading { upload: Some(upload), running: std::mem::take(&mut self.running) };
        runtime.spawn(async move { left.abort().await });
    }
}

fn sent(part: Option<Result<object_store::Result<()>, JoinError>>) -> Result<(), BlobError> {
    match part {
        None | Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error))) => Err(other(error)),
        Some(Err(error)) => Err(other(error)),
    }
}

fn attributes(blob: &Artefact) -> Attributes {
    Attributes::from_iter([(Attribute::ContentType, blob.media_type.clone())])
}

/// Bytes of a file.
async fn read(file: &Path, at: u64, bytes: u64) -> Result<Bytes, BlobError> {
    let file: PathBuf = file.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut content = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
        File::open(file)?.read_exact_at(&mut content, at)?;
        Ok(Bytes::from(content))
    });
    read.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(BlobError::Source)
}

/// Whether there was no answer, as opposed to a bad one.
pub(super) fn is_transport(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<HttpError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// A failure of the bucket or of the way there.
pub(super) fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BlobError {
    BlobError::Io(io::Error::other(error))
}
