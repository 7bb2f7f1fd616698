//! Which blobs there are and since when, and the end of those that nothing refers to.
//!
//! A file's change time says when its blob was last put or held: the kernel sets it whenever a file gets its name or its
//! rights, and nobody else can. Deliberately absent: knowing what refers to a blob.

use super::{Files, from_io};
use application::ports::blob_store::{BlobError, StoredBlob};
use domain::value::{Sha256, Timestamp};
use std::{
    fs::{self, Metadata, Permissions},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    sync::PoisonError,
};

/// Rights of a blob's file: nobody writes to it.
const READ_ONLY: u32 = 0o444;

impl Files {
    /// Every blob with its length, by the time it came.
    pub fn all(&self) -> Result<Vec<(Sha256, u64)>, BlobError> {
        let mut found = Vec::new();
        for first in 0..=u8::MAX {
            for (blob, file) in self.beginning_with(first)? {
                found.push((file.modified().map_err(from_io)?, blob, file.len()));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, blob, bytes)| (blob, bytes)).collect())
    }

    /// Blobs after one, in the order of digests, at most so many.
    pub fn list(&self, after: Option<Sha256>, limit: usize) -> Result<Vec<StoredBlob>, BlobError> {
        let mut found = Vec::new();
        let [begin, ..] = after.map_or([0; 32], |blob| *blob.as_bytes());
        for first in begin..=u8::MAX {
            let mut blobs = self.beginning_with(first)?;
            blobs.retain(|(blob, _)| after.is_none_or(|after| *blob > after));
            blobs.sort_by_key(|(blob, _)| *blob);
            let stored =
                |(sha256, file): (Sha256, Metadata)| StoredBlob { sha256, bytes: file.len(), put_at: put_at(&file) };
            found.extend(blobs.into_iter().take(limit - found.len()).map(stored));
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    /// Whether there is such a blob, which counts as put now.
    pub fn hold(&self, blob: &Sha256) -> Result<bool, BlobError> {
        let _not_collected = self.collecting.read().unwrap_or_else(PoisonError::into_inner);
        is_there(touch(&self.path(blob)))
    }

    /// Removes a blob unless it was put or held then or later; whether it did.
    pub fn collect(&self, blob: &Sha256, put_before: Timestamp) -> Result<bool, BlobError> {
        let _alone = self.collecting.write().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(blob);
        let file = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            found => found.map_err(from_io)?,
        };
        if put_at(&file) >= put_before {
            return Ok(false);
        }
        is_there(fs::remove_file(path))
    }

    fn beginning_with(&self, first: u8) -> Result<Vec<(Sha256, Metadata)>, BlobError> {
        let folder = format!("{first:02x}");
        let mut found = Vec::new();
        for file in fs::read_dir(self.blobs.join(&folder)).map_err(from_io)? {
            let file = file.map_err(from_io)?;
            let Ok(blob) = format!("{folder}{}", file.file_name().to_string_lossy()).parse::<Sha256>() else {
                continue;
            };
            match file.metadata() {
                Ok(metadata) => found.push((blob, metadata)),
                // It was deleted meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(from_io(error)),
            }
        }
        Ok(found)
    }
}

/// Gives a file the rights of a blob, and so its change time.
pub(super) fn touch(file: &Path) -> io::Result<()> {
    fs::set_permissions(file, Permissions::from_mode(READ_ONLY))
}

fn put_at(file: &Metadata) -> Timestamp {
    let part = |value: i64| u64::try_from(value).unwrap_or_default();
    Timestamp::from_unix_ms(part(file.ctime()) * 1000 + part(file.ctime_nsec()) / 1_000_000)
}

fn is_there(done: io::Result<()>) -> Result<bool, BlobError> {
    match done {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(from_io(error)),
    }
}
