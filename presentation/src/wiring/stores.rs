//! The event log and the read models, wherever they are kept.

use super::{LOG, log_failure, store_failure};
use crate::{
    exit::{Exit, Failure},
    home::{Home, LogPlace},
};
use application::ports::{
    clock::{Clock, Ids},
    event_log::EventLog,
    key_vault::KeyVault,
    read_store::ReadStore,
    shadow_store::ShadowStore,
    snapshots::Snapshots,
};
use event_codec::EventCodec;
use event_log_kurrent::{KurrentError, KurrentEventLog};
use event_log_postgres::{LogError as PostgresLogError, PostgresEventLog};
use event_log_sqlite::{LogError, SqliteEventLog};
use host::{RandomIds, SystemClock};
use postgres_schema::ConnectError;
use read_store::{PostgresReadStore, PostgresSnapshots, PostgresStoreError, SqliteReadStore, SqliteSnapshots};
use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    os::unix::fs::DirBuilderExt,
    sync::Arc,
};
use uuid::Uuid;

/// Rows of read models, and what stands beside them.
pub struct RowStores {
    /// What queries read.
    pub rows: Arc<dyn ReadStore>,
    /// What is being folded anew, and what was live before.
    pub shadows: Arc<dyn ShadowStore>,
    /// The same, if they are on PostgreSQL.
    postgres: Option<PostgresReadStore>,
}

impl RowStores {
    fn of<S: ReadStore + ShadowStore + 'static>(store: S) -> Self {
        let store = Arc::new(store);
        Self { rows: store.clone(), shadows: store, postgres: None }
    }

    /// Snapshots of long streams are kept beside read models, which are as easily made anew.
    pub async fn snapshots(&self, home: &Home, vault: Arc<dyn KeyVault>) -> Result<Arc<dyn Snapshots>, Failure> {
        if let Some(read_models) = &self.postgres {
            return Ok(Arc::new(PostgresSnapshots::beside(read_models, vault)));
        }
        let snapshots = SqliteSnapshots::open(&home.snapshots(), vault).await;
        Ok(Arc::new(snapshots.map_err(|error| store_failure(&home.snapshots(), &error))?))
    }
}

/// The event log, for writing. What is in the data folder belongs to its owner, which the caller is.
pub async fn event_log(home: &Home, codec: EventCodec, clock: Arc<dyn Clock>) -> Result<Arc<dyn EventLog>, Failure> {
    Ok(match home.log_place() {
        LogPlace::Here(file) => {
            let log = SqliteEventLog::open(file, codec, clock).await;
            Arc::new(log.map_err(|error| log_failure(home, &error))?)
        }
        LogPlace::Postgres { url, replica } => {
            let (installation, replica) = (Some(installation(home)?), replica.map(|url| url.expose()));
            let log = PostgresEventLog::connect(url.expose(), replica, installation, codec, clock).await;
            Arc::new(log.map_err(|error| postgres_log_failure(&error))?)
        }
        LogPlace::Kurrent { url } => {
            let log = KurrentEventLog::connect(url.expose(), codec, clock).await;
            Arc::new(log.map_err(|error: KurrentError| configured("log.url", &error))?)
        }
    })
}

/// Which installation this is: a number drawn once, and kept beside the keys that belong to it.
pub fn installation(home: &Home) -> Result<Uuid, Failure> {
    let failed = |error: std::io::Error| Failure::internal(&error);
    let file = home.installation();
    let known = match fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            draw_installation(home)?;
            fs::read_to_string(&file)
        }
        known => known,
    };
    let known = known.map_err(failed)?;
    known.trim().parse().map_err(|_| {
        Failure::new(Exit::Internal, format!("{} is damaged: bring it back from a backup", file.display()))
    })
}

/// Draws the number, unless somebody else is faster.
fn draw_installation(home: &Home) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::internal(&error);
    let file = home.installation();
    let drawn = RandomIds.next().to_string();
    let folder = file.parent().unwrap_or(home.root());
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    // Written beside and linked, so that whoever is first makes it, whole, and all others read that.
    let fresh = file.with_extension(&drawn);
    let mut made = File::create(&fresh).map_err(failed)?;
    made.write_all(drawn.as_bytes()).and_then(|()| made.sync_all()).map_err(failed)?;
    let linked = fs::hard_link(&fresh, &file);
    fs::remove_file(&fresh).map_err(failed)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The event log, for reading, beside its owner or without one; `None` when there is none yet.
pub async fn event_log_to_read(home: &Home, codec: EventCodec) -> Result<Option<Arc<dyn EventLog>>, Failure> {
    let LogPlace::Here(file) = home.log_place() else {
        return event_log(home, codec, Arc::new(SystemClock)).await.map(Some);
    };
    let log = match SqliteEventLog::open_read_only(&file, codec.clone()).await {
        Err(LogError::Older { found: 0, .. }) => return Ok(None),
        Err(LogError::Older { .. }) => {
            bring_up_to_date(home, codec.clone()).await?;
            SqliteEventLog::open_read_only(&file, codec).await
        }
        opened => opened,
    };
    Ok(Some(Arc::new(log.map_err(|error| log_failure(home, &error))?)))
}

/// Gives the log of an older program this program's schema, which only the folder's owner may do.
async fn bring_up_to_date(home: &Home, codec: EventCodec) -> Result<(), Failure> {
    let _owned = home.own()?;
    let log = SqliteEventLog::open(home.log(), codec, Arc::new(SystemClock)).await;
    log.map_err(|error| log_failure(home, &error))?.close().await;
    Ok(())
}

/// The read models, for writing: they hold nothing that is not in the log, and two runners do each other no harm.
pub async fn row_stores(home: &Home) -> Result<RowStores, Failure> {
    match home.read_url() {
        Some(url) => {
            let failed = |error| postgres_store_failure(&error);
            let store = PostgresReadStore::connect(url.expose()).await.map_err(failed)?;
            store.belong_to(installation(home)?).await.map_err(failed)?;
            Ok(RowStores { postgres: Some(store.clone()), ..RowStores::of(store) })
        }
        None => {
            let store = SqliteReadStore::open(&home.read_models()).await;
            store.map(RowStores::of).map_err(|error| store_failure(&home.read_models(), &error))
        }
    }
}

/// The read models as they are, where they cannot be written: a full disk, somebody else's folder.
pub async fn rows_as_they_are(home: &Home) -> Result<Arc<dyn ReadStore>, Failure> {
    if home.read_url().is_some() {
        return Ok(row_stores(home).await?.rows);
    }
    let store = SqliteReadStore::open_read_only(&home.read_models()).await;
    Ok(Arc::new(store.map_err(|error| store_failure(&home.read_models(), &error))?))
}

/// A codec for those who need nothing personal.
pub fn codec_without_keys() -> EventCodec {
    EventCodec::without_keys(LOG)
}

/// Why the log on PostgreSQL cannot be used.
pub fn postgres_log_failure(error: &PostgresLogError) -> Failure {
    postgres_log_failure_at("log.url", error)
}

/// Why a log on PostgreSQL cannot be used, whose address is the value of this key or option.
pub fn postgres_log_failure_at(key: &str, error: &PostgresLogError) -> Failure {
    match error {
        PostgresLogError::Connect(error) => unreachable_at(key, error),
        PostgresLogError::Schema(error) => Failure::new(Exit::Internal, format!("{key}: {error}")),
        PostgresLogError::NoRight(_) => Failure::new(Exit::Internal, format!("{key}: {error}")),
        error => configured(key, error),
    }
}

/// Why read models on PostgreSQL cannot be used.
pub fn postgres_store_failure(error: &PostgresStoreError) -> Failure {
    match error {
        PostgresStoreError::Connect(error) => unreachable_at("read.url", error),
        PostgresStoreError::Schema(error) => Failure::new(Exit::Internal, format!("read.url: {error}")),
        PostgresStoreError::NoRight { .. } => Failure::new(Exit::Internal, format!("read.url: {error}")),
        error => configured("read.url", error),
    }
}

/// A database that cannot be connected to. The sentence says all but in the last case.
fn unreachable_at(key: &str, error: &ConnectError) -> Failure {
    match error {
        ConnectError::NoAddress { .. } => Failure::usage(format!("{key}: {error}")),
        ConnectError::Other { .. } => configured(key, error),
        ConnectError::Unreachable { .. }
        | ConnectError::Refused { .. }
        | ConnectError::NoDatabase { .. }
        | ConnectError::NoRight { .. }
        | ConnectError::Full { .. }
        | ConnectError::Old { .. }
        | ConnectError::NotEncrypted { .. } => Failure::new(Exit::Internal, format!("{key}: {error}")),
    }
}

/// The failure of something that a key of the configuration names.
fn configured(key: &str, error: &(dyn std::error::Error + 'static)) -> Failure {
    let failure = Failure::internal(error);
    Failure { message: format!("{key}: {}", failure.message), ..failure }
}
