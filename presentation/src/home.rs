//! Where everything is kept: the data folder, which one process owns, and databases elsewhere.

use crate::{
    config::{Blobs, Hidden, Keeping, Queue},
    exit::{Exit, Failure},
};
use application::ports::clock::Ids;
use host::RandomIds;
use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// A data folder, and what is kept elsewhere.
#[derive(Clone, Debug)]
pub struct Home {
    root: PathBuf,
    elsewhere: Keeping,
}

/// Where the event log is.
pub enum LogPlace<'a> {
    /// In this file of the data folder.
    Here(PathBuf),
    /// In a PostgreSQL database.
    Postgres {
        /// Its address.
        url: &'a Hidden,
        /// The address of a replica from which the log may be followed.
        replica: Option<&'a Hidden>,
    },
    /// On KurrentDB.
    Kurrent {
        /// Its connection string.
        url: &'a Hidden,
    },
}

/// The right to write to a data folder, until it is dropped or the process ends in any way.
#[derive(Debug)]
pub struct Ownership {
    _lock: File,
}

impl Home {
    /// What the configuration keeps elsewhere.
    #[must_use]
    pub fn keeping(self, elsewhere: Keeping) -> Self {
        Self { elsewhere, ..self }
    }

    /// Where the event log is.
    pub fn log_place(&self) -> LogPlace<'_> {
        match &self.elsewhere.log {
            None => LogPlace::Here(self.log()),
            Some(url) if url.expose().starts_with("postgres") => {
                LogPlace::Postgres { url, replica: self.elsewhere.log_replica.as_ref() }
            }
            Some(url) => LogPlace::Kurrent { url },
        }
    }

    /// The address of the database with the read models, where they are not in the data folder.
    pub fn read_url(&self) -> Option<&Hidden> {
        self.elsewhere.read.as_ref()
    }

    /// Where media are, if they are not in the data folder.
    pub fn bucket(&self) -> Option<&Blobs> {
        self.elsewhere.blobs.as_ref()
    }

    /// Where work waits, if it does not in the process.
    pub fn queue(&self) -> Option<&Queue> {
        self.elsewhere.queue.as_ref()
    }

    /// Fails where other processes do the work: what is begun in this one would be begun there as well.
    pub fn works_alone(&self) -> Result<(), Failure> {
        match self.queue() {
            None => Ok(()),
            Some(_) => {
                let advice = "with queue.url set, `dragoman serve` and `dragoman worker` do all jobs: order them there";
                Err(Failure::usage(advice))
            }
        }
    }

    /// The folder with what all processes of the installation have in common.
    fn shared(&self) -> &Path {
        self.elsewhere.shared.as_deref().unwrap_or(&self.root)
    }

    /// The folder asked for, else `$XDG_DATA_HOME/dragoman`, else `~/.local/share/dragoman`.
    pub fn locate(asked: Option<PathBuf>) -> Result<Self, Failure> {
        if let Some(root) = asked {
            return Ok(Self { root, elsewhere: Keeping::default() });
        }
        #[expect(clippy::disallowed_methods, reason = "this is where the configuration is read")]
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let data = variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")));
        let data = data.ok_or_else(|| Failure::usage("there is no home folder; say where with --data-dir"))?;
        Ok(Self { root: data.join("dragoman"), elsewhere: Keeping::default() })
    }

    /// Makes the folder if need be, for its owner only, and takes the lock.
    pub fn own(&self) -> Result<Ownership, Failure> {
        self.try_own()?
    }

    /// The same; the inner error says that another process has it.
    pub fn try_own(&self) -> Result<Result<Ownership, Failure>, Failure> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&self.root).map_err(|error| self.unusable(&error))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(self.root.join("lock")).map_err(|error| self.unusable(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Err(self.taken(&mut file))),
            Err(TryLockError::Error(error)) => return Err(self.unusable(&error)),
        }
        let pid = std::process::id();
        let noted = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{pid}"));
        noted.map_err(|error| self.unusable(&error))?;
        // Whoever served here was killed: nothing is to be sent there any more.
        match std::fs::remove_file(self.server_url()) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(self.unusable(&error)),
            Ok(()) | Err(_) => {}
        }
        Ok(Ok(Ownership { _lock: file }))
    }

    /// Whether any job can have been begun here.
    pub fn exists(&self) -> bool {
        match self.log_place() {
            LogPlace::Here(file) => file.exists(),
            LogPlace::Postgres { .. } | LogPlace::Kurrent { .. } => true,
        }
    }

    /// The folder itself, for blobs and for messages.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Which node this data folder is: a number drawn once.
    pub fn node(&self) -> Result<Uuid, Failure> {
        self.drawn_once(&self.root.join("node"))
    }

    /// Which installation this is: a number drawn once, and kept beside the keys that belong to it.
    pub fn installation(&self) -> Result<Uuid, Failure> {
        self.drawn_once(&self.shared().join("installation"))
    }

    fn drawn_once(&self, file: &Path) -> Result<Uuid, Failure> {
        let known = match std::fs::read_to_string(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_once(file, RandomIds.next().to_string().as_bytes()).and_then(|()| std::fs::read_to_string(file))
            }
            known => known,
        };
        let known = known.map_err(|error| Failure::internal(&error))?;
        known.trim().parse().map_err(|_| {
            Failure::new(Exit::Internal, format!("{} is damaged: bring it back from a backup", file.display()))
        })
    }

    /// The event log.
    pub fn log(&self) -> PathBuf {
        self.root.join("log.db")
    }

    /// The read models.
    pub fn read_models(&self) -> PathBuf {
        self.root.join("read.db")
    }

    /// Snapshots of long streams.
    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots.db")
    }

    /// The memos.
    pub fn memos(&self) -> PathBuf {
        self.root.join("memo.db")
    }

    /// The keys.
    pub fn keys(&self) -> PathBuf {
        self.shared().join("keys")
    }

    /// Requests by their idempotency keys.
    pub fn requests(&self) -> PathBuf {
        self.root.join("requests.db")
    }

    /// What lets people in.
    pub fn credentials(&self) -> PathBuf {
        self.root.join("credentials.db")
    }

    /// What webhooks are told.
    pub fn deliveries(&self) -> PathBuf {
        self.root.join("webhooks.db")
    }

    /// Where commands on this machine reach the server, while one runs here.
    pub fn server_url(&self) -> PathBuf {
        self.root.join("server-url")
    }

    /// The bearer token of the API.
    pub fn api_token(&self) -> PathBuf {
        self.root.join("api-token")
    }

    /// The key of the API's signed links.
    pub fn link_key(&self) -> PathBuf {
        self.shared().join("link-key")
    }

    /// Certificates and keys for signing.
    pub fn signing(&self) -> PathBuf {
        self.shared().join("signing")
    }

    fn taken(&self, file: &mut File) -> Failure {
        let mut pid = String::new();
        let by = match file.read_to_string(&mut pid) {
            Ok(1..) => format!(" (process {pid})"),
            Ok(0) | Err(_) => String::new(),
        };
        let root = self.root.display();
        Failure::new(
            Exit::Internal,
            format!("another dragoman{by} is using {root}; wait until it is done, or choose another --data-dir"),
        )
    }

    fn unusable(&self, error: &std::io::Error) -> Failure {
        if application::ports::engine::is_out_of_room(error) {
            return Failure::out_of_room();
        }
        let root = self.root.display();
        let reason = match error.kind() {
            ErrorKind::PermissionDenied => "you may not write to it".to_owned(),
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => "it is a file, or in one".to_owned(),
            _ => error.to_string(),
        };
        Failure::new(
            Exit::Internal,
            format!("the data folder {root} cannot be used: {reason}; choose another --data-dir"),
        )
    }
}

/// Writes a file that only its owner may read, unless another process is faster: then it is that one's, and whole.
pub fn make_once(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let fresh = file.with_extension(format!("new-{}", RandomIds.next()));
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    let written = made.write_all(content).and_then(|()| made.sync_all());
    let linked = written.and_then(|()| std::fs::hard_link(&fresh, file));
    std::fs::remove_file(&fresh)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_owns_a_data_folder() -> Result<(), Failure> {
        let folder = std::env::temp_dir().join(format!("dragoman-home-{}", std::process::id()));
        let home = Home::locate(Some(folder.clone()))?;
        let owned = home.own()?;
        let second = home.own().err().map(|failure| (failure.exit, failure.message));
        let (exit, message) = second.unwrap_or((Exit::Done, String::new()));
        assert_eq!(exit, Exit::Internal);
        assert!(message.contains(&std::process::id().to_string()) && message.contains("--data-dir"), "{message}");
        drop(owned);
        std::fs::write(home.server_url(), "http://127.0.0.1:9").ok();
        home.own()?;
        assert!(!home.server_url().exists(), "who served before was killed");
        std::fs::remove_dir_all(folder).ok();
        Ok(())
    }
}
