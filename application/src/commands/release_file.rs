//! Release a file: delete what an asset that is gone has left behind, unless somebody else needs the same bytes.
//!
//! Files are kept by their content: the same bytes handed in twice are one file, and what one tenant erases another
//! may be dubbing. Who begins to use a file and who deletes one therefore take turns ([`FileUse`]).

use crate::ports::{
    asset_index::AssetIndex,
    blob_store::{BlobError, BlobStore},
    cluster::{Cluster, HeldTurn, Turn},
    event_log::{DomainEvent, EventLog, ReadError, StreamId},
    read_store::ReadStoreError,
};
use domain::{
    asset::AssetEvent,
    value::{AssetId, Sha256},
};
use std::{fmt, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::{
    sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock},
    time::{Instant, sleep},
};

/// How long the read models may take to come up to the log.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at how far they are.
const LOOK: Duration = Duration::from_millis(10);

/// Keeps those apart who begin to use files and those who delete files that nobody uses. Clones are the same lock.
#[derive(Clone)]
pub struct FileUse {
    here: Arc<RwLock<()>>,
    /// Other nodes, if there are any.
    elsewhere: Option<Arc<dyn Cluster>>,
    /// What those who begin, and those who delete, take there.
    turns: (Turn, Turn),
}

impl Default for FileUse {
    fn default() -> Self {
        Self { here: Arc::default(), elsewhere: None, turns: (Turn::UseFiles, Turn::DeleteFiles) }
    }
}

impl fmt::Debug for FileUse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FileUse").field("turns", &self.turns).finish_non_exhaustive()
    }
}

/// A turn at files, until it is dropped.
pub struct FileTurn<Here> {
    _here: Here,
    _elsewhere: Option<HeldTurn>,
}

impl FileUse {
    /// Of one node among others.
    pub fn among(cluster: Arc<dyn Cluster>) -> Self {
        Self { elsewhere: Some(cluster), ..Self::default() }
    }

    /// The same for blobs in a bucket: of those who rely on one that is there already, and those who collect. Who has a turn
    /// at files may take one of these besides, never the other way round.
    pub fn of_blobs(cluster: Option<Arc<dyn Cluster>>) -> Self {
        Self { here: Arc::default(), elsewhere: cluster, turns: (Turn::HoldBlobs, Turn::CollectBlobs) }
    }

    /// While it is held, no file is deleted: from finding a file until the log says who uses it.
    pub async fn begin(&self) -> Result<FileTurn<OwnedRwLockReadGuard<()>>, ReadError> {
        let here = Arc::clone(&self.here).read_owned().await;
        Ok(FileTurn { _here: here, _elsewhere: self.elsewhere(self.turns.0).await? })
    }

    /// While it is held, nobody begins to use a file.
    pub async fn end(&self) -> Result<FileTurn<OwnedRwLockWriteGuard<()>>, ReadError> {
        let here = Arc::clone(&self.here).write_owned().await;
        Ok(FileTurn { _here: here, _elsewhere: self.elsewhere(self.turns.1).await? })
    }

    async fn elsewhere(&self, turn: Turn) -> Result<Option<HeldTurn>, ReadError> {
        let Some(cluster) = &self.elsewhere else { return Ok(None) };
        // It is the log's database that gives turns.
        cluster.turn(turn).await.map(Some).map_err(|error| ReadError::Unavailable(Box::new(error)))
    }
}

/// The use case, with what it needs.
#[derive(Clone)]
pub struct ReleaseFile {
    /// Which file it was.
    pub log: Arc<dyn EventLog>,
    /// Where it is.
    pub blobs: Arc<dyn BlobStore>,
    /// Who needs it.
    pub index: Arc<dyn AssetIndex>,
    /// Turns.
    pub files: FileUse,
}

/// Why it is not known whether the file may go.
#[derive(Debug, Error)]
pub enum ReleaseError {
    /// The read models are too far behind the log.
    #[error("the read models are behind the log; try again in a moment")]
    Behind,
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The read models could not be read.
    #[error(transparent)]
    Index(#[from] ReadStoreError),
    /// The file could not be deleted.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl ReleaseFile {
    /// Deletes the file of an asset that is gone, unless it is needed; says whether it is. Doing so again does no harm.
    pub async fn run(&self, asset: AssetId) -> Result<bool, ReleaseError> {
        let Some(file) = self.file_of(asset).await? else {
            return Ok(false);
        };
        // Most of the waiting is done while others go on.
        self.catch_up().await?;
        let _turn = self.files.end().await?;
        self.catch_up().await?;
        let is_needed = self.index.is_needed(&file, asset).await?;
        if !is_needed {
            self.blobs.delete(&file).await?;
        }
        Ok(is_needed)
    }

    /// Waits until the read models hold everything that is in the log now.
    pub(super) async fn catch_up(&self) -> Result<(), ReleaseError> {
        let head = self.log.head().await?;
        let deadline = Instant::now() + PATIENCE;
        while self.index.position().await? < head {
            if Instant::now() >= deadline {
                return Err(ReleaseError::Behind);
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// The file as it was handed in: the state forgets it when the asset is erased, the log does not.
    async fn file_of(&self, asset: AssetId) -> Result<Option<Sha256>, ReadError> {
        let first = self.log.read_stream(&StreamId::Asset(asset), 1, 1).await?;
        Ok(first.into_iter().find_map(|recorded| match recorded.event {
            DomainEvent::Asset(AssetEvent::AssetUploaded { media, .. }) => Some(media.sha256),
            DomainEvent::Asset(_)
            | DomainEvent::Dubbing(_)
            | DomainEvent::Track(_)
            | DomainEvent::Project(_)
            | DomainEvent::Glossary(_)
            | DomainEvent::Tenancy(_) => None,
        }))
    }
}
