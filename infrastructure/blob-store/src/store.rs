//! The store.

use crate::hash::{CopyError, copy_hashed, digest_file};
use application::ports::{
    blob_store::{BlobError, BlobStore},
    engine::is_out_of_room,
};
use async_trait::async_trait;
use domain::value::{Artefact, Sha256};
use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Blobs under one folder, owned by this process alone.
#[derive(Clone, Debug)]
pub struct LocalBlobStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    blobs: PathBuf,
    tmp: PathBuf,
    scratch: PathBuf,
    next: AtomicU64,
}

impl LocalBlobStore {
    /// Opens (and makes, if need be) the store under `root`, and removes what a crash left half-written.
    pub fn open(root: &Path) -> Result<Self, BlobError> {
        let inner = Inner {
            root: root.to_owned(),
            blobs: root.join("blobs"),
            tmp: root.join("tmp"),
            scratch: root.join("scratch"),
            next: AtomicU64::new(0),
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

    /// The folder that everything is in, on one file system.
    pub(crate) fn root(&self) -> &Path {
        &self.inner.root
    }

    /// Moves in a complete file of this file system, whose digest is known to be this one.
    pub(crate) fn take(&self, file: &Path, sha256: &Sha256) -> Result<(), BlobError> {
        self.inner.place(file, sha256)
    }

    /// Whether there is such a blob.
    pub(crate) fn has(&self, sha256: &Sha256) -> Result<bool, BlobError> {
        self.inner.path(sha256).try_exists().map_err(from_io)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| Err(BlobError::Io(io::Error::other(error))))
    }
}

#[async_trait]
impl BlobStore for LocalBlobStore {
    async fn put_file(&self, file: &Path, media_type: &str) -> Result<Artefact, BlobError> {
        let (file, media_type) = (file.to_owned(), media_type.to_owned());
        self.blocking(move |store| {
            let mut source = File::open(&file).map_err(BlobError::Source)?;
            store.write(&mut source, &media_type)
        })
        .await
    }

    async fn adopt(&self, file: &Path, media_type: &str) -> Result<Artefact, BlobError> {
        let (file, media_type) = (file.to_owned(), media_type.to_owned());
        self.blocking(move |store| {
            // A link would be moved instead of what it leads to.
            if !fs::symlink_metadata(&file).map_err(BlobError::Source)?.is_file() {
                return Err(BlobError::Source(io::ErrorKind::InvalidInput.into()));
            }
            let (sha256, bytes) = digest_file(&file).map_err(BlobError::Source)?;
            store.place(&file, &sha256)?;
            Ok(Artefact { sha256, media_type, bytes })
        })
        .await
    }

    async fn put_bytes(&self, bytes: Vec<u8>, media_type: &str) -> Result<Artefact, BlobError> {
        let media_type = media_type.to_owned();
        self.blocking(move |store| store.write(&mut bytes.as_slice(), &media_type)).await
    }

    async fn path(&self, blob: &Sha256) -> Result<Option<PathBuf>, BlobError> {
        let path = self.inner.path(blob);
        let exists = tokio::fs::try_exists(&path).await.map_err(from_io)?;
        Ok(exists.then_some(path))
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
        self.blocking(move |store| match fs::remove_file(store.path(&blob)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(from_io(error)),
        })
        .await
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

impl Inner {
    fn path(&self, blob: &Sha256) -> PathBuf {
        let name = blob.to_string();
        let (folder, file) = name.split_at(2);
        self.blobs.join(folder).join(file)
    }

    /// Writes content beside the blobs, then moves it to its name.
    fn write(&self, source: &mut impl io::Read, media_type: &str) -> Result<Artefact, BlobError> {
        let temporary = self.tmp.join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        let written = self.write_temporary(source, &temporary);
        let placed = written.and_then(|(sha256, bytes)| {
            self.place(&temporary, &sha256)?;
            Ok(Artefact { sha256, media_type: media_type.to_owned(), bytes })
        });
        if placed.is_err() {
            // Best effort: what stays is removed when the store is opened next.
            let _gone = fs::remove_file(&temporary);
        }
        placed
    }

    fn write_temporary(&self, source: &mut impl io::Read, temporary: &Path) -> Result<(Sha256, u64), BlobError> {
        let mut target = File::create(temporary).map_err(from_io)?;
        copy_hashed(source, &mut target).map_err(|error| match error {
            CopyError::Source(error) => BlobError::Source(error),
            CopyError::Target(error) => from_io(error),
        })
    }

    /// Moves a complete file to its name, durably: content first, then the name. A blob that is there
    /// already gives way: what comes is known to be whole, and what is there could be damaged.
    fn place(&self, file: &Path, sha256: &Sha256) -> Result<(), BlobError> {
        let path = self.path(sha256);
        fs::set_permissions(file, Permissions::from_mode(0o444)).map_err(from_io)?;
        File::open(file).and_then(|file| file.sync_all()).map_err(from_io)?;
        fs::rename(file, &path).map_err(from_io)?;
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

fn from_io(error: io::Error) -> BlobError {
    if is_out_of_room(&error) { BlobError::OutOfRoom } else { BlobError::Io(error) }
}
