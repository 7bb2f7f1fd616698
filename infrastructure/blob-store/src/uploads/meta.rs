//! What an upload is, as a small file beside its data: written whole or not at all.

use crate::store::sync_folder;
use application::ports::{
    event_log::Tenant,
    upload_store::{NewUpload, Upload},
};
use domain::value::{Artefact, Personal, Sha256, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use uuid::Uuid;

/// The file's name.
const NAME: &str = "meta.json";
/// Its name while it is written.
const NEW: &str = "meta.json.new";

/// What an upload is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meta {
    /// Whose it is.
    pub tenant: String,
    /// How many bytes it will have.
    pub length: Option<u64>,
    /// The client's name for it.
    name: Personal<String>,
    media_type: String,
    /// The digest it must have.
    pub sha256: Option<Sha256>,
    /// When it may be removed.
    pub expires_at: Timestamp,
    /// Set when everything was found as it must be, before the data are moved.
    pub sealed: Option<Sealed>,
}

/// What the data are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Sealed {
    /// Their digest.
    pub sha256: Sha256,
    /// Their length.
    pub bytes: u64,
}

impl Meta {
    /// Of an upload that begins.
    pub fn of(new: &NewUpload) -> Self {
        Self {
            tenant: new.tenant.0.clone(),
            length: new.length,
            name: new.name.clone(),
            media_type: new.media_type.clone(),
            sha256: new.sha256,
            expires_at: new.expires_at,
            sealed: None,
        }
    }

    /// Whether both were asked for alike, at whatever time.
    pub fn is_same_request(&self, other: &Self) -> bool {
        self.tenant == other.tenant
            && (self.length, self.sha256) == (other.length, other.sha256)
            && self.name == other.name
            && self.media_type == other.media_type
    }

    /// The blob that it is, or is about to be.
    pub fn artefact(&self) -> Option<Artefact> {
        self.sealed.map(|Sealed { sha256, bytes }| Artefact { sha256, media_type: self.media_type.clone(), bytes })
    }

    /// The upload, at an offset.
    pub fn upload(self, id: Uuid, offset: u64, finished: Option<Artefact>) -> Upload {
        Upload {
            id,
            tenant: Tenant(self.tenant),
            length: self.length,
            offset,
            name: self.name,
            media_type: self.media_type,
            sha256: self.sha256,
            expires_at: self.expires_at,
            finished,
        }
    }

    /// Reads it; `None` when there is none.
    pub fn read(folder: &Path) -> io::Result<Option<Self>> {
        match fs::read(folder.join(NAME)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it, durably, in the place of the one before.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let new = folder.join(NEW);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(&new, folder.join(NAME))?;
        sync_folder(folder).map_err(io::Error::other)
    }

    /// Removes it; no error when there is none.
    pub fn remove(folder: &Path) -> io::Result<()> {
        match fs::remove_file(folder.join(NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }
}
