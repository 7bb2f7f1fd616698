//! Keys in files: a folder that only its owner may read, one file per dubbing.
//!
//! `<id>.key` holds the 32 bytes of a key; `<id>.destroyed` says that there was one and that there
//! shall never be another, so that late work cannot bring an erased dubbing back. Deliberately
//! absent: encryption of the keys themselves (that is the file system's, or another adapter's), and
//! a lock between processes: a key is made by whoever is first, and once one has destroyed it all others find it gone.

use application::ports::key_vault::{Key, KeyVault, KeyVaultError};
use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

#[cfg(test)]
mod tests;

const KEY_BYTES: usize = 32;

/// Keys that are held in memory; when there are more, all are read anew.
const CACHED_MAX: usize = 1024;

/// Owners whose files are looked after at the same time: many syncs at once cost a disk little more than one.
const TURNS: usize = 64;

/// A vault of keys in files.
pub struct FileKeyVault {
    folder: PathBuf,
    cached: Mutex<HashMap<Uuid, Key>>,
    /// Whoever touches an owner's files, or remembers what was in them, holds the owner's turn.
    turns: [Mutex<()>; TURNS],
}

impl FileKeyVault {
    /// Opens the vault in this folder and makes the folder if need be, for its owner only. Finishes
    /// what a crash has left of destroying a key.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, KeyVaultError> {
        let folder = folder.into();
        if !folder.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                sync_folder(parent)?;
            }
        }
        if fs::metadata(&folder)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        }
        let vault = Self { folder, cached: Mutex::default(), turns: [const { Mutex::new(()) }; TURNS] };
        for entry in fs::read_dir(&vault.folder)? {
            let name = entry?.file_name();
            if let Some(owner) = name.to_str().and_then(|name| name.strip_suffix(".destroyed")?.parse().ok()) {
                vault.wipe(owner)?;
            }
        }
        Ok(vault)
    }

    fn cached(&self) -> MutexGuard<'_, HashMap<Uuid, Key>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key, if it is in memory and no process has destroyed it since.
    fn known(&self, owner: Uuid) -> Option<Key> {
        let known = self.cached().get(&owner).cloned()?;
        if matches!(self.is_destroyed(owner), Ok(false)) {
            return Some(known);
        }
        self.cached().remove(&owner);
        None
    }

    fn remember(&self, owner: Uuid, key: Key) {
        let mut cached = self.cached();
        if cached.len() >= CACHED_MAX {
            cached.clear();
        }
        cached.insert(owner, key);
    }

    /// Files are whole at every moment, so a panic elsewhere does not spoil a turn. The last bits of an id are random.
    fn turn(&self, owner: Uuid) -> MutexGuard<'_, ()> {
        let place = usize::from(owner.as_bytes()[15]) % TURNS;
        self.turns[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, owner: Uuid, ending: &str) -> PathBuf {
        self.folder.join(format!("{owner}.{ending}"))
    }

    fn is_destroyed(&self, owner: Uuid) -> io::Result<bool> {
        self.path(owner, "destroyed").try_exists()
    }

    /// The key in the owner's file.
    fn read(&self, owner: Uuid) -> Result<Option<Key>, KeyVaultError> {
        let file = match File::open(self.path(owner, "key")) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = Vec::new();
        file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        match <[u8; KEY_BYTES]>::try_from(bytes) {
            Ok(bytes) => Ok(Some(Key::new(bytes))),
            Err(bytes) => {
                let found = bytes.len();
                Err(KeyVaultError::Damaged(format!("the key of {owner} does not have {KEY_BYTES} bytes but {found}")))
            }
        }
    }

    /// Makes a key that is on disk, under its name, before this returns; `None` when another process was faster.
    fn make(&self, owner: Uuid) -> Result<Option<Key>, KeyVaultError> {
        let (mut bytes, mut mark) = ([0; KEY_BYTES], [0; 8]);
        getrandom::fill(&mut bytes).and_then(|()| getrandom::fill(&mut mark)).map_err(io::Error::other)?;
        let unfinished = self.path(owner, &format!("new-{:016x}", u64::from_be_bytes(mark)));
        // Not renamed: that would put it in the place of a key that seals already.
        let made =
            write_private(&unfinished, &bytes).and_then(|()| fs::hard_link(&unfinished, self.path(owner, "key")));
        // Also after a failure, such as a full disk. Where nothing was made, there is nothing to remove.
        let removed = fs::remove_file(&unfinished);
        match made.and(removed) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            made => made?,
        }
        sync_folder(&self.folder)?;
        Ok(Some(Key::new(bytes)))
    }

    /// Overwrites and removes the owner's key, where there is one. What a crash has left of making it is either the same
    /// file under another name, and overwritten with it, or a key that never sealed anything.
    fn wipe(&self, owner: Uuid) -> Result<(), KeyVaultError> {
        let path = self.path(owner, "key");
        match OpenOptions::new().write(true).open(&path) {
            Ok(mut file) => {
                file.write_all(&[0; KEY_BYTES])?;
                file.sync_all()?;
                fs::remove_file(&path)?;
                Ok(sync_folder(&self.folder)?)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl KeyVault for FileKeyVault {
    /// After [`KeyVault::destroy`] this makes no new key: [`KeyVault::key`] goes on giving none.
    fn ensure(&self, owner: Uuid) -> Result<(), KeyVaultError> {
        if self.known(owner).is_some() {
            return Ok(());
        }
        let _turn = self.turn(owner);
        if self.known(owner).is_some() || self.is_destroyed(owner)? {
            return Ok(());
        }
        let key = match self.read(owner)? {
            Some(key) => Some(key),
            None => self.make(owner)?,
        };
        // One that another process has just made is read when it is needed.
        if let Some(key) = key {
            self.remember(owner, key);
        }
        Ok(())
    }

    fn key(&self, owner: Uuid) -> Result<Option<Key>, KeyVaultError> {
        if let Some(key) = self.known(owner) {
            return Ok(Some(key));
        }
        let _turn = self.turn(owner);
        if self.is_destroyed(owner)? {
            return Ok(None);
        }
        let key = self.read(owner)?;
        if let Some(key) = &key {
            self.remember(owner, key.clone());
        }
        Ok(key)
    }

    /// The bytes are overwritten before the file is removed. Copies that a file system or a drive
    /// keeps by itself (snapshots, wear levelling, backups) are out of reach.
    fn destroy(&self, owner: Uuid) -> Result<(), KeyVaultError> {
        let _turn = self.turn(owner);
        self.cached().remove(&owner);
        // The mark comes first: a crash from here on ends with the key destroyed.
        write_private(&self.path(owner, "destroyed"), &[])?;
        sync_folder(&self.folder)?;
        self.wipe(owner)
    }
}

/// Writes a file that only its owner may read, and returns when it is on disk.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
