//! The user's folders on the local disk.

use crate::hash::digest_file;
use application::ports::{
    engine::is_out_of_room,
    shelf::{Shelf, ShelfError},
};
use async_trait::async_trait;
use domain::value::Sha256;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Puts files into folders of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalShelf;

#[async_trait]
impl Shelf for LocalShelf {
    async fn digest(&self, path: &Path) -> Result<Option<Sha256>, ShelfError> {
        blocking(path, |path| match digest_file(path) {
            Ok((sha256, _)) => Ok(Some(sha256)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn put(&self, from: &Path, to: &Path) -> Result<(), ShelfError> {
        let from = from.to_owned();
        blocking(to, move |to| put(&from, to)).await
    }
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, ShelfError> {
    let owned = path.to_owned();
    let done = tokio::task::spawn_blocking(move || work(&owned)).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| from_io(path, &error))
}

/// Copies beside the target, makes it durable, then gives it its name: nobody sees half a file.
fn put(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let temporary = temporary_name(to);
    let copied = (|| {
        let mut target = File::create(&temporary)?;
        io::copy(&mut File::open(from)?, &mut target)?;
        target.sync_all()?;
        fs::rename(&temporary, to)?;
        File::open(folder)?.sync_all()
    })();
    if copied.is_err() {
        // Best effort: the user's folder is left as it was.
        let _gone = fs::remove_file(&temporary);
    }
    copied
}

fn temporary_name(to: &Path) -> PathBuf {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    to.with_file_name(format!(".{name}.part"))
}

fn from_io(path: &Path, error: &io::Error) -> ShelfError {
    if is_out_of_room(error) {
        return ShelfError::OutOfRoom(path.to_owned());
    }
    ShelfError::Io { path: path.to_owned(), reason: error.to_string() }
}
