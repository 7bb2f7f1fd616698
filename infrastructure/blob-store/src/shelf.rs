//! The user's folders on the local disk.

use crate::hash::digest_file;
use application::ports::{
    engine::is_out_of_room,
    shelf::{Shelf, ShelfError},
};
use async_trait::async_trait;
use domain::value::Sha256;
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
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

/// Beginning and end of the name that a file has while it is copied. The process that copies stands
/// between them, so that another one never takes a file in the making for a leftover.
const PART: (&str, &str) = (".dragoman-", ".part");

/// Copies beside the target, makes it durable, then gives it its name: nobody sees half a file.
fn put(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(folder)?;
    remove_leftovers(folder);
    let mut source = File::open(from)?;
    let (part, mut target) = new_part(folder)?;
    let copied = io::copy(&mut source, &mut target).and_then(|_| target.sync_all());
    let copied = copied.and_then(|()| fs::rename(&part, to)).and_then(|()| sync_folder(folder));
    if copied.is_err() {
        // Best effort: the user's folder is left as it was.
        let _gone = fs::remove_file(&part);
    }
    copied
}

/// Makes a folder and those above it, durably.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        outcome => outcome?,
    }
    sync_folder(above)
}

/// Some file systems keep no folder open or cannot sync one: there, names are as durable as it gets.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        outcome => outcome,
    }
}

/// A new file to copy to. A name that is taken is somebody else's, or was left by an earlier process
/// of this number: the next one is tried.
fn new_part(folder: &Path) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let part = folder.join(format!("{}{process}-{number}{}", PART.0, PART.1));
        match OpenOptions::new().write(true).create_new(true).open(&part) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (part, file)),
        }
    }
}

/// Removes what processes left that were killed while copying. Best effort: it only saves room.
fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(process_of);
        if process.is_some_and(|process| !Path::new("/proc").join(process.to_string()).exists()) {
            let _gone = fs::remove_file(entry.path());
        }
    }
}

/// The process that copies, or copied, to a file of this name.
fn process_of(name: &str) -> Option<u32> {
    let (process, _) = name.strip_prefix(PART.0)?.strip_suffix(PART.1)?.split_once('-')?;
    process.parse().ok()
}

fn from_io(path: &Path, error: &io::Error) -> ShelfError {
    if is_out_of_room(error) {
        return ShelfError::OutOfRoom(path.to_owned());
    }
    ShelfError::Io { path: path.to_owned(), reason: error.to_string() }
}
