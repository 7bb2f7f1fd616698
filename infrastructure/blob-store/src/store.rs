//! The store.

mod listing;

use crate::{
    hash::{CopyError, copy_hashed, digest_file},
    uploads::UploadTarget,
};
use application::ports::{
    blob_store::{BlobError, BlobStore, StoredBlob},
    engine::is_out_of_room,
};
use async_trait::async_trait;
use domain::value::{Artefact, Sha256, Timestamp};
use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Blobs under one folder, owned by this process alone.
#[derive(Clone, Debug)]
pub struct LocalBlobStore {
    inner: Arc<Files>,
}

/// The files of a store.
#[derive(Debug)]
pub(crate) struct Files {
    root: PathBuf,
    blobs: PathBuf,
    tmp: PathBuf,
    scratch: PathBuf,
    next: AtomicU64,
    /// Who gives a blob its name, or holds it, reads; who collects one writes.
    collecting: RwLock<()>,
}

impl LocalBlobStore {
    /// Opens (and makes, if need be) the store under `root`, and removes what a crash left half-written.
    pub fn open(root: &Path) -> Result<Self, BlobError> {
        Self::open_as(root, "blobs")
    }

    /// The same with the blobs in a folder of that name: copies of blobs that are kept elsewhere must never be taken
    /// for those that are kept here.
    pub(crate) fn open_as(root: &Path, name: &str) -> Result<Self, BlobError> {
        let inner = Files {
            root: root.to_owned(),
            blobs: root.join(name),
            tmp: root.join("tmp"),
            scratch: root.join("scratch"),
            next: AtomicU64::new(0),
            collecting: RwLock::new(()),
        };
        for folder in [&inner.tmp, &inner.scratch] {
            remove_tree(folder)?;
        }
        for folder in [&inner.blobs, &inner.tmp, &inner.scratch] {
            make_private(folder)?;
        }
        // Made once and now, so that no blob is ever placed in a folder that a power cut can take away.
        for number in 0..=u8::MAX {
            let folder = inner.blobs.join(format!("{number:02x}"));
            if !folder.is_dir() {
                fs::create_dir(folder).map_err(from_io)?;
            }
        }
        sync_folder(&inner.blobs)?;
        sync_folder(root)?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What does the work, for threads that may wait.
    pub(crate) fn files(&self) -> &Arc<Files> {
        &self.inner
    }

    /// Works on the files where waiting is allowed. Once begun, the work is done to its end.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| Err(BlobError::Io(io::Error::other(error))))
    }
}

#[async_trait]
impl UploadTarget for LocalBlobStore {
    fn root(&self) -> &Path {
        &self.inner.root
    }

    async fn take(&self, file: &Path, blob: &Artefact) -> Result<(), BlobError> {
        let (file, sha256) = (file.to_owned(), blob.sha256);
        self.blocking(move |store| store.place(&file, &sha256)).await
    }
}

#[async_trait]
impl BlobStore for LocalBlobStore {
    async fn put_file(&self, file: &Path, media_type: &str) -> Result<Artefact, BlobError> {
        let (file, media_type) = (file.to_owned(), media_type.to_owned());
        self.blocking(move |store| {
            let mut source = File::open(&file).map_err(BlobError::Source)?;
            store.write(&mut source)?.place(store, media_type)
        })
        .await
    }

    async fn adopt(&self, file: &Path, media_type: &str) -> Result<Artefact, BlobError> {
        let (file, media_type) = (file.to_owned(), media_type.to_owned());
        self.blocking(move |store| {
            let (sha256, bytes) = digest_own(&file)?;
            store.place(&file, &sha256)?;
            Ok(Artefact { sha256, media_type, bytes })
        })
        .await
    }

    async fn put_bytes(&self, bytes: Vec<u8>, media_type: &str) -> Result<Artefact, BlobError> {
        let media_type = media_type.to_owned();
        self.blocking(move |store| store.write(&mut bytes.as_slice())?.place(store, media_type)).await
    }

    async fn path(&self, blob: &Sha256) -> Result<Option<PathBuf>, BlobError> {
        let path = self.inner.path(blob);
        let exists = tokio::fs::try_exists(&path).await.map_err(from_io)?;
        Ok(exists.then_some(path))
    }

    async fn hold(&self, blob: &Sha256) -> Result<bool, BlobError> {
        let blob = *blob;
        self.blocking(move |store| store.hold(&blob)).await
    }

    async fn list(&self, after: Option<&Sha256>, limit: usize) -> Result<Vec<StoredBlob>, BlobError> {
        let after = after.copied();
        self.blocking(move |store| store.list(after, limit)).await
    }

    async fn collect(&self, blob: &Sha256, put_before: Timestamp) -> Result<bool, BlobError> {
        let blob = *blob;
        self.blocking(move |store| store.collect(&blob, put_before)).await
    }

    async fn get_bytes(&self, blob: &Sha256) -> Result<Option<Vec<u8>>, BlobError> {
        let blob = *blob;
        self.blocking(move |store| {
            let mut file = match File::open(store.path(&blob)) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(from_io(error)),
            };
            let mut bytes = Vec::new();
            let (sha256, _) = copy_hashed(&mut file, &mut bytes).map_err(|error| match error {
                CopyError::Source(error) | CopyError::Target(error) => from_io(error),
            })?;
            if sha256 == blob { Ok(Some(bytes)) } else { Err(BlobError::Damaged(blob)) }
        })
        .await
    }

    async fn delete(&self, blob: &Sha256) -> Result<(), BlobError> {
        let blob = *blob;
        self.blocking(move |store| store.remove(&blob)).await
    }

    async fn scratch(&self, name: &str) -> Result<PathBuf, BlobError> {
        let name = name.to_owned();
        self.blocking(move |store| {
            let folder = store.scratch_folder(&name)?;
            remove_tree(&folder)?;
            fs::create_dir_all(&folder).map_err(from_io)?;
            Ok(folder)
        })
        .await
    }

    async fn clear_scratch(&self, name: Option<&str>) -> Result<(), BlobError> {
        let name = name.map(str::to_owned);
        self.blocking(move |store| match name {
            Some(name) => remove_tree(&store.scratch_folder(&name)?),
            None => {
                remove_tree(&store.scratch)?;
                make_private(&store.scratch)
            }
        })
        .await
    }
}

impl Files {
    /// Where a blob is, if it is there.
    pub fn path(&self, blob: &Sha256) -> PathBuf {
        let name = blob.to_string();
        let (folder, file) = name.split_at(2);
        self.blobs.join(folder).join(file)
    }

    /// Writes content beside the blobs, hashing on the way.
    pub fn write(&self, source: &mut impl io::Read) -> Result<Written, BlobError> {
        let file = self.tmp.join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        let mut target = File::create(&file).map_err(from_io)?;
        // From here on, the file goes with this value.
        let mut written = Written { file, sha256: Sha256::new([0; 32]), bytes: 0 };
        (written.sha256, written.bytes) = copy_hashed(source, &mut target).map_err(|error| match error {
            CopyError::Source(error) => BlobError::Source(error),
            CopyError::Target(error) => from_io(error),
        })?;
        Ok(written)
    }

    /// Removes a blob; no error when it is gone already.
    pub fn remove(&self, blob: &Sha256) -> Result<(), BlobError> {
        match fs::remove_file(self.path(blob)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(from_io(error)),
        }
    }

    /// Moves a complete file to its name, durably: content first, then the name. A blob that is there
    /// already gives way: what comes is known to be whole, and what is there could be damaged.
    pub fn place(&self, file: &Path, sha256: &Sha256) -> Result<(), BlobError> {
        let path = self.path(sha256);
        listing::touch(file).map_err(from_io)?;
        File::open(file).and_then(|file| file.sync_all()).map_err(from_io)?;
        let not_collected = self.collecting.read().unwrap_or_else(PoisonError::into_inner);
        fs::rename(file, &path).map_err(from_io)?;
        drop(not_collected);
        sync_folder(path.parent().unwrap_or(&self.blobs))
    }

    /// The folder of a name; a name that would lead elsewhere is refused.
    fn scratch_folder(&self, name: &str) -> Result<PathBuf, BlobError> {
        let mut parts = Path::new(name).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(part)), None) if part == name => Ok(self.scratch.join(part)),
            (_, _) => Err(BlobError::Io(io::ErrorKind::InvalidInput.into())),
        }
    }
}

/// Content that is complete and has no name yet. Dropped before it gets one, it is removed.
#[derive(Debug)]
pub(crate) struct Written {
    /// Where it is.
    pub file: PathBuf,
    /// Its digest.
    pub sha256: Sha256,
    /// Its length.
    pub bytes: u64,
}

impl Written {
    /// What it will be called.
    pub fn artefact(&self, media_type: String) -> Artefact {
        Artefact { sha256: self.sha256, media_type, bytes: self.bytes }
    }

    fn place(self, store: &Files, media_type: String) -> Result<Artefact, BlobError> {
        store.place(&self.file, &self.sha256)?;
        Ok(self.artefact(media_type))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // Best effort: it may have its name by now, and what stays is removed when the store is opened next.
        let _gone = fs::remove_file(&self.file);
    }
}

/// Digest and length of a file that is to be moved in: a link would be moved instead of what it leads to.
pub(crate) fn digest_own(file: &Path) -> Result<(Sha256, u64), BlobError> {
    if !fs::symlink_metadata(file).map_err(BlobError::Source)?.is_file() {
        return Err(BlobError::Source(io::ErrorKind::InvalidInput.into()));
    }
    digest_file(file).map_err(BlobError::Source)
}

/// Makes a folder for its owner only.
pub(crate) fn make_private(folder: &Path) -> Result<(), BlobError> {
    fs::create_dir_all(folder).map_err(from_io)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(from_io)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), BlobError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(from_io)
}

fn remove_tree(folder: &Path) -> Result<(), BlobError> {
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(from_io(error)),
    }
}

/// A failure of the store's own files.
pub(crate) fn from_io(error: io::Error) -> BlobError {
    if is_out_of_room(&error) { BlobError::OutOfRoom } else { BlobError::Io(error) }
}
