//! Takes accounts and deliveries along when an installation moves: from files of a data folder to the database of the log, and
//! back. Rows go as they are, sealed where they are sealed.
//!
//! Each set goes in one transaction, whole or not at all: what was interrupted begins anew, and what is done twice comes to
//! the same. What a server has used since is never written over. Deliberately absent: requests, which live for a day, and
//! memos, which are made again.

mod rows;
mod tables;
mod take_over;
#[cfg(test)]
mod tests;

pub use take_over::TakenOver;

use crate::{SharedDatabase, SharedStoreError, StoreError, file::File, shared};
use postgres_schema::Servers;
use rows::{Fault, replace};
use sqlx::{Connection as _, PgConnection, Sqlite, pool::PoolConnection};
use std::path::PathBuf;
use tables::{CREDENTIALS, DELIVERIES, Set};
use thiserror::Error;

/// Where accounts and deliveries are kept.
#[derive(Clone, Debug)]
pub enum KeptPlace {
    /// In files of a data folder, which the caller owns.
    Files(KeptFiles),
    /// In the database at this address.
    Database(String),
}

/// Files with accounts and deliveries.
#[derive(Clone, Debug)]
pub struct KeptFiles {
    /// What lets people in.
    pub credentials: PathBuf,
    /// What webhooks are told.
    pub deliveries: PathBuf,
}

/// What was copied: rows that the copy has now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopiedKept {
    /// Rows about accounts: addresses, passwords, sessions, keys, secrets …
    pub accounts: u64,
    /// Rows about deliveries.
    pub deliveries: u64,
}

/// Why accounts and deliveries were not copied. Messages name no path and no password: the caller knows which place is meant.
#[derive(Debug, Error)]
pub enum KeptCopyError {
    /// A file could not be opened or used.
    #[error(transparent)]
    File(#[from] StoreError),
    /// A database could not be opened or used.
    #[error(transparent)]
    Database(#[from] SharedStoreError),
    /// The target has its own, which a server has used.
    #[error(
        "the log is copied, but not {what}: the target has some of its own, which were used since they came there (in \
             credentials.db, webhooks.db or the schema dragoman_shared; take them away, or name another place)"
    )]
    InUse {
        /// Of what.
        what: &'static str,
    },
}

/// Copies accounts and deliveries. Where the source has none, the target keeps what it has. To be called while no server
/// uses either.
pub async fn copy_kept(source: &KeptPlace, target: &KeptPlace) -> Result<CopiedKept, KeptCopyError> {
    Ok(CopiedKept {
        accounts: copy(source, target, &CREDENTIALS).await?,
        deliveries: copy(source, target, &DELIVERIES).await?,
    })
}

async fn copy(source: &KeptPlace, target: &KeptPlace, set: &'static Set) -> Result<u64, KeptCopyError> {
    let is_there = match source {
        KeptPlace::Files(files) => (set.file)(files).exists(),
        KeptPlace::Database(url) => SharedDatabase::is_made(url).await?,
    };
    if !is_there {
        return Ok(0);
    }
    let (mut source, mut target) = (Place::open(source, set).await?, Place::open(target, set).await?);
    let copied = match (&mut source, &mut target) {
        (Place::File(_, source), Place::File(_, target)) => replace(&mut **source, &mut **target, set).await,
        (Place::File(_, source), Place::Database(target)) => replace(&mut **source, target, set).await,
        (Place::Database(source), Place::File(_, target)) => replace(source, &mut **target, set).await,
        (Place::Database(source), Place::Database(target)) => replace(source, target, set).await,
    };
    let copied = copied.map_err(|fault| match fault {
        Fault::Source(error) => source.failed(error),
        Fault::Target(error) => target.failed(error),
        Fault::InUse => KeptCopyError::InUse { what: set.what },
    });
    source.close().await;
    target.close().await;
    copied
}

/// A place, open for one set. Closed in the middle of a transaction, it undoes that.
enum Place {
    File(File, PoolConnection<Sqlite>),
    Database(PgConnection),
}

impl Place {
    async fn open(place: &KeptPlace, set: &Set) -> Result<Self, KeptCopyError> {
        match place {
            KeptPlace::Files(files) => {
                let file = File::open_durable((set.file)(files), set.schema).await?;
                let connection = file.writer()?.acquire().await.map_err(|error| file.failed(error))?;
                Ok(Self::File(file, connection))
            }
            KeptPlace::Database(url) => {
                SharedDatabase::make(url).await?;
                let servers = Servers::with(url, &shared::SESSION).map_err(SharedStoreError::from)?;
                Ok(Self::Database(servers.primary().await.map_err(SharedStoreError::from)?))
            }
        }
    }

    fn failed(&self, error: sqlx::Error) -> KeptCopyError {
        match self {
            Self::File(file, _) => file.failed(error).into(),
            Self::Database(_) => SharedStoreError::from(error).into(),
        }
    }

    async fn close(self) {
        match self {
            Self::File(file, connection) => {
                connection.close().await.unwrap_or_default();
                file.close().await;
            }
            // What it had begun is undone if nobody hears this.
            Self::Database(connection) => connection.close().await.unwrap_or_default(),
        }
    }
}
