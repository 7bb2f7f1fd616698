//! Uploads on the local disk, beside the blobs.
//!
//! `uploads/<id>/data` holds what has come, `uploads/<id>/meta.json` what it is. Of the first, the length
//! is the offset: there is no other record of it that could be wrong. The second is made last and removed
//! first, so a folder without it is a leftover. Finishing writes the digest into it, then moves the data to
//! the blobs: whatever comes between, finishing again goes on from there.

mod meta;
#[cfg(test)]
mod tests;
mod writer;

use crate::{
    hash::digest_file,
    store::{make_private, sync_folder},
};
use application::ports::{
    blob_store::{BlobError, BlobStore},
    engine::is_out_of_room,
    event_log::Tenant,
    upload_store::{Expired, NewUpload, Upload, UploadError, UploadStore, UploadWriter},
};
use async_trait::async_trait;
use domain::value::{Artefact, Sha256, Timestamp};
use meta::{Meta, Sealed};
use sha2::Digest;
use std::{
    collections::{HashMap, HashSet},
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;
use writer::{LocalUploadWriter, Open};

/// Uploads beside the blobs of one store, owned by this process alone. Clones share them.
#[derive(Clone, Debug)]
pub struct LocalUploadStore {
    inner: Arc<Inner>,
}

/// Where uploads become blobs: a store with a folder of this machine.
#[async_trait]
pub trait UploadTarget: BlobStore + std::fmt::Debug {
    /// The folder that everything of it on this machine is in, on one file system.
    fn root(&self) -> &Path;

    /// Takes over a complete and durable file below [`UploadTarget::root`], which is known to have this digest and
    /// length: it is moved, not copied. When it is gone, the blob is kept.
    async fn take(&self, file: &Path, blob: &Artefact) -> Result<(), BlobError>;
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    blobs: Arc<dyn UploadTarget>,
    bytes_max: u64,
    open_max: usize,
    state: Mutex<State>,
}

/// What is only known while the process lives.
#[derive(Debug, Default)]
struct State {
    /// Uploads that somebody works on.
    leased: HashSet<Uuid>,
    /// Uploads that are no blob yet.
    open: HashSet<Uuid>,
    /// Digests so far, by upload.
    hashed: HashMap<Uuid, Hashed>,
}

/// The digest of an upload's first bytes, to be continued.
#[derive(Clone, Debug)]
struct Hashed {
    bytes: u64,
    hasher: sha2::Sha256,
}

impl LocalUploadStore {
    /// Opens (and makes, if need be) the folder of uploads beside these blobs, and removes what a crash left
    /// of uploads that were being begun or removed. An upload has at most `bytes_max` bytes, and at most `open_max` are
    /// begun and not finished.
    pub fn open(blobs: impl UploadTarget + 'static, bytes_max: u64, open_max: usize) -> Result<Self, UploadError> {
        Self::open_shared(Arc::new(blobs), bytes_max, open_max)
    }

    /// The same, beside blobs that others have, too.
    pub fn open_shared(blobs: Arc<dyn UploadTarget>, bytes_max: u64, open_max: usize) -> Result<Self, UploadError> {
        let folder = blobs.root().join("uploads");
        make_private(&folder).map_err(from_blob)?;
        sync_folder(blobs.root()).map_err(from_blob)?;
        let inner = Inner { folder, blobs, bytes_max, open_max, state: Mutex::default() };
        for id in inner.ids()? {
            // An upload that cannot be understood cannot be continued either: its client begins anew.
            if !matches!(inner.meta(id), Ok(Some(_))) {
                inner.remove(id)?;
            } else if inner.length(id)?.is_some() {
                inner.state().open.insert(id);
            }
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    async fn finish_leased(&self, tenant: &Tenant, id: Uuid) -> Result<Artefact, UploadError> {
        let tenant = tenant.clone();
        let sealed = self.blocking(move |store| {
            let lease = Lease::take_known(store, &tenant, id)?;
            let blob = store.seal(id, store.require(&tenant, id)?)?;
            Ok((lease, blob, store.length(id)?.is_some()))
        });
        let (_lease, blob, is_here) = sealed.await?;
        let store = &self.inner;
        if is_here {
            store.blobs.take(&store.data(id), &blob).await.map_err(from_blob)?;
        } else if !store.blobs.hold(&blob.sha256).await.map_err(from_blob)? {
            return Err(UploadError::NotFound);
        }
        let mut state = store.state();
        state.hashed.remove(&id);
        state.open.remove(&id);
        drop(state);
        Ok(blob)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Inner>) -> Result<T, UploadError> + Send + 'static,
    ) -> Result<T, UploadError> {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| Err(UploadError::Io(io::Error::other(error))))
    }
}

#[async_trait]
impl UploadStore for LocalUploadStore {
    async fn create(&self, upload: NewUpload) -> Result<Upload, UploadError> {
        self.blocking(move |store| {
            let _lease = Lease::take(store, upload.id)?;
            store.create(&upload)
        })
        .await
    }

    async fn get(&self, tenant: &Tenant, id: Uuid) -> Result<Option<Upload>, UploadError> {
        let tenant = tenant.clone();
        self.blocking(move |store| match store.require(&tenant, id) {
            Ok(meta) => store.upload(id, meta).map(Some),
            Err(UploadError::NotFound) => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn open(&self, tenant: &Tenant, id: Uuid, offset: u64) -> Result<Box<dyn UploadWriter>, UploadError> {
        let tenant = tenant.clone();
        let opened = self.blocking(move |store| {
            let lease = Lease::take_known(store, &tenant, id)?;
            let meta = store.require(&tenant, id)?;
            if meta.sealed.is_some() {
                return Err(UploadError::Finished);
            }
            let file = OpenOptions::new().append(true).open(store.data(id)).map_err(from_io)?;
            let actual = file.metadata().map_err(from_io)?.len();
            if actual != offset {
                return Err(UploadError::OffsetMismatch { actual });
            }
            Ok(Open::new(lease, file, offset, meta.length))
        });
        Ok(Box::new(LocalUploadWriter::new(opened.await?)))
    }

    async fn finish(&self, tenant: &Tenant, id: Uuid) -> Result<Artefact, UploadError> {
        let tenant = tenant.clone();
        let store = self.clone();
        // Done to its end, also when nobody waits for it any more: the lease is held until then.
        let finished = tokio::spawn(async move { store.finish_leased(&tenant, id).await }).await;
        finished.unwrap_or_else(|error| Err(UploadError::Io(io::Error::other(error))))
    }

    async fn terminate(&self, tenant: &Tenant, id: Uuid) -> Result<(), UploadError> {
        let tenant = tenant.clone();
        self.blocking(move |store| {
            let _lease = Lease::take_known(store, &tenant, id)?;
            store.require(&tenant, id)?;
            store.remove(id).map(drop)
        })
        .await
    }

    async fn expire(&self, now: Timestamp, apart_from: &[Uuid]) -> Result<Expired, UploadError> {
        let apart_from: HashSet<Uuid> = apart_from.iter().copied().collect();
        self.blocking(move |store| {
            let mut expired = Expired::default();
            for id in store.ids()?.into_iter().filter(|id| !apart_from.contains(id)) {
                // Looked at under the lease: until then, it may be anything.
                let Ok(_lease) = Lease::take(store, id) else { continue };
                if store.meta(id)?.is_some_and(|meta| meta.expires_at <= now) {
                    expired.bytes += store.remove(id)?;
                    expired.uploads += 1;
                }
            }
            Ok(expired)
        })
        .await
    }

    async fn unfinished(&self) -> Result<Vec<Upload>, UploadError> {
        self.blocking(|store| store.all(|upload| upload.finished.is_none())).await
    }

    async fn finished(&self) -> Result<Vec<Upload>, UploadError> {
        self.blocking(|store| store.all(|upload| upload.finished.is_some())).await
    }
}

impl Inner {
    fn path(&self, id: Uuid) -> PathBuf {
        self.folder.join(id.hyphenated().to_string())
    }

    fn data(&self, id: Uuid) -> PathBuf {
        self.path(id).join("data")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every folder that has an id for its name.
    fn ids(&self) -> Result<Vec<Uuid>, UploadError> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(from_io)? {
            let name = entry.map_err(from_io)?.file_name();
            ids.extend(name.to_str().and_then(|name| Uuid::try_parse(name).ok()));
        }
        Ok(ids)
    }

    fn meta(&self, id: Uuid) -> Result<Option<Meta>, UploadError> {
        Meta::read(&self.path(id)).map_err(from_io)
    }

    fn require(&self, tenant: &Tenant, id: Uuid) -> Result<Meta, UploadError> {
        self.meta(id)?.filter(|meta| meta.tenant == tenant.0).ok_or(UploadError::NotFound)
    }

    /// Keeps an upload, whose lease the caller has, until then at least; until when it is kept now.
    fn renew(&self, id: Uuid, expires_at: Timestamp) -> Result<Timestamp, UploadError> {
        let mut meta = self.meta(id)?.ok_or(UploadError::NotFound)?;
        if meta.expires_at < expires_at {
            meta.expires_at = expires_at;
            meta.write(&self.path(id)).map_err(from_io)?;
        }
        Ok(meta.expires_at)
    }

    /// How many bytes have come; `None` when the data are no more here.
    fn length(&self, id: Uuid) -> Result<Option<u64>, UploadError> {
        match fs::metadata(self.data(id)) {
            Ok(data) => Ok(Some(data.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(from_io(error)),
        }
    }

    fn upload(&self, id: Uuid, mut meta: Meta) -> Result<Upload, UploadError> {
        let here = self.length(id)?;
        if here.is_none() && meta.sealed.is_none() {
            // It was finished or removed since the note was read.
            meta = self.meta(id)?.ok_or(UploadError::NotFound)?;
        }
        let finished = meta.artefact().filter(|_| here.is_none());
        let offset = here.or(finished.as_ref().map(|artefact| artefact.bytes)).ok_or(UploadError::NotFound)?;
        Ok(meta.upload(id, offset, finished))
    }

    /// Every upload that is wanted, of all tenants.
    fn all(&self, is_wanted: impl Fn(&Upload) -> bool) -> Result<Vec<Upload>, UploadError> {
        let mut found = Vec::new();
        for id in self.ids()? {
            let Some(meta) = self.meta(id)? else { continue };
            match self.upload(id, meta) {
                Ok(upload) if is_wanted(&upload) => found.push(upload),
                // Removed while it was looked at, or its blob was.
                Ok(_) | Err(UploadError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn create(&self, new: &NewUpload) -> Result<Upload, UploadError> {
        if new.length.is_some_and(|length| length > self.bytes_max) {
            return Err(UploadError::TooLarge { limit: self.bytes_max });
        }
        let meta = Meta::of(new);
        if let Some(known) = self.meta(new.id)? {
            return if known.is_same_request(&meta) {
                self.upload(new.id, known)
            } else {
                Err(UploadError::AlreadyExists)
            };
        }
        self.remove(new.id)?;
        self.reserve(new.id)?;
        let made = self.make(new.id, &meta);
        if made.is_err() {
            // Best effort: what stays has no note, and is removed when the store is opened next.
            let _gone = self.remove(new.id);
        }
        made?;
        self.upload(new.id, meta)
    }

    /// Takes a place among the uploads that are no blob yet.
    fn reserve(&self, id: Uuid) -> Result<(), UploadError> {
        let mut state = self.state();
        if state.open.len() >= self.open_max {
            return Err(UploadError::TooMany { limit: self.open_max });
        }
        state.open.insert(id);
        Ok(())
    }

    fn make(&self, id: Uuid, meta: &Meta) -> Result<(), UploadError> {
        let folder = self.path(id);
        fs::DirBuilder::new().mode(0o700).create(&folder).map_err(from_io)?;
        let data = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.data(id));
        data.and_then(|data| data.sync_all()).map_err(from_io)?;
        meta.write(&folder).map_err(from_io)?;
        sync_folder(&self.folder).map_err(from_blob)
    }

    /// Makes an upload one that will be a blob, whatever comes between.
    fn seal(&self, id: Uuid, mut meta: Meta) -> Result<Artefact, UploadError> {
        if meta.sealed.is_none() {
            let (sha256, bytes) = self.checked(id, &meta)?;
            File::open(self.data(id)).and_then(|data| data.sync_all()).map_err(from_io)?;
            meta.sealed = Some(Sealed { sha256, bytes });
            meta.write(&self.path(id)).map_err(from_io)?;
        }
        meta.artefact().ok_or(UploadError::NotFound)
    }

    /// Digest and length of what has come, when these are as they must be.
    fn checked(&self, id: Uuid, meta: &Meta) -> Result<(Sha256, u64), UploadError> {
        let offset = self.length(id)?.ok_or(UploadError::NotFound)?;
        if let Some(length) = meta.length.filter(|length| *length != offset) {
            return Err(UploadError::Incomplete { offset, length });
        }
        let hashed = self.state().hashed.get(&id).filter(|hashed| hashed.bytes == offset).cloned();
        let (sha256, bytes) = match hashed {
            Some(Hashed { hasher, bytes }) => (Sha256::new(hasher.finalize().into()), bytes),
            None => digest_file(&self.data(id)).map_err(from_io)?,
        };
        if meta.sha256.is_some_and(|expected| expected != sha256) {
            return Err(UploadError::DigestMismatch);
        }
        Ok((sha256, bytes))
    }

    /// Removes an upload or what is left of one; how many bytes it held.
    fn remove(&self, id: Uuid) -> Result<u64, UploadError> {
        self.state().hashed.remove(&id);
        let (folder, bytes) = (self.path(id), self.length(id)?.unwrap_or(0));
        Meta::remove(&folder).map_err(from_io)?;
        match fs::remove_dir_all(&folder) {
            Ok(()) => sync_folder(&self.folder).map_err(from_blob)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(from_io(error)),
        }
        self.state().open.remove(&id);
        Ok(bytes)
    }
}

/// The right to work on an upload: one at a time.
#[derive(Debug)]
struct Lease {
    store: Arc<Inner>,
    id: Uuid,
}

impl Lease {
    fn take(store: &Arc<Inner>, id: Uuid) -> Result<Self, UploadError> {
        if !store.state().leased.insert(id) {
            return Err(UploadError::Locked);
        }
        Ok(Self { store: Arc::clone(store), id })
    }

    /// Tells nobody that another tenant's upload is in use. What is read before the lease may change until
    /// it is taken: it is to be read again.
    fn take_known(store: &Arc<Inner>, tenant: &Tenant, id: Uuid) -> Result<Self, UploadError> {
        store.require(tenant, id)?;
        Self::take(store, id)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.store.state().leased.remove(&self.id);
    }
}

fn from_io(error: io::Error) -> UploadError {
    if is_out_of_room(&error) { UploadError::OutOfRoom } else { UploadError::Io(error) }
}

fn from_blob(error: BlobError) -> UploadError {
    match error {
        BlobError::OutOfRoom => UploadError::OutOfRoom,
        BlobError::Io(error) | BlobError::Source(error) => from_io(error),
        error @ BlobError::Damaged(_) => UploadError::Io(io::Error::other(error)),
    }
}
