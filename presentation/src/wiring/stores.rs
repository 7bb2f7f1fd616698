//! The event log and the read models, wherever they are kept.

use super::{LOG, log_failure, store_failure};
use crate::{
    exit::{Exit, Failure},
    home::{Home, LogPlace},
};
use application::ports::{
    clock::Clock, cluster::Cluster, event_log::EventLog, key_vault::KeyVault, read_store::ReadStore,
    shadow_store::ShadowStore, snapshots::Snapshots,
};
use event_codec::EventCodec;
use event_log_kurrent::{KurrentError, KurrentEventLog};
use event_log_postgres::{LogError as PostgresLogError, PostgresEventLog};
use event_log_sqlite::{LogError, SqliteEventLog};
use host::SystemClock;
use postgres_schema::ConnectError;
use read_store::{
    PostgresReadStore, PostgresSnapshots, PostgresStoreError, SharedStoreError, SqliteReadStore, SqliteSnapshots,
};
use std::sync::Arc;

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

/// The event log, and the nodes that share it, where there may be several.
pub struct LogOfNodes {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// Who else is there.
    pub cluster: Option<Arc<dyn Cluster>>,
}

/// The event log, for writing. What is in the data folder belongs to its owner, which the caller is.
pub async fn event_log(home: &Home, codec: EventCodec, clock: Arc<dyn Clock>) -> Result<LogOfNodes, Failure> {
    let alone = |log| LogOfNodes { log, cluster: None };
    Ok(match home.log_place() {
        LogPlace::Here(file) => {
            let log = SqliteEventLog::open(file, codec, clock).await;
            alone(Arc::new(log.map_err(|error| log_failure(home, &error))?))
        }
        LogPlace::Postgres { url, replica } => {
            let (installation, replica) = (Some(home.installation()?), replica.map(|url| url.expose()));
            let log = PostgresEventLog::connect(url.expose(), replica, installation, codec, clock).await;
            let log = Arc::new(log.map_err(|error| postgres_log_failure(&error))?);
            LogOfNodes { log: Arc::clone(&log) as Arc<dyn EventLog>, cluster: Some(log) }
        }
        LogPlace::Kurrent { url } => {
            let log = KurrentEventLog::connect(url.expose(), codec, clock).await;
            alone(Arc::new(log.map_err(|error: KurrentError| configured("log.url", &error))?))
        }
    })
}

/// The event log, for reading, beside its owner or without one; `None` when there is none yet.
pub async fn event_log_to_read(home: &Home, codec: EventCodec) -> Result<Option<Arc<dyn EventLog>>, Failure> {
    let LogPlace::Here(file) = home.log_place() else {
        return event_log(home, codec, Arc::new(SystemClock)).await.map(|opened| Some(opened.log));
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
            store.belong_to(home.installation()?).await.map_err(failed)?;
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

/// Why what is kept beside the log on PostgreSQL cannot be used.
pub fn shared_store_failure(error: &SharedStoreError) -> Failure {
    shared_store_failure_at("log.url", error)
}

/// The same, where the address is the value of this key or option.
pub fn shared_store_failure_at(key: &str, error: &SharedStoreError) -> Failure {
    match error {
        SharedStoreError::Connect(error) => unreachable_at(key, error),
        SharedStoreError::Schema(error) => Failure::new(Exit::Internal, format!("{key}: {error}")),
        SharedStoreError::NoRight { .. } => Failure::new(Exit::Internal, format!("{key}: {error}")),
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
        | ConnectError::OnlyReplicas
        | ConnectError::NotEncrypted { .. } => Failure::new(Exit::Internal, format!("{key}: {error}")),
    }
}

/// The failure of something that a key of the configuration names.
fn configured(key: &str, error: &(dyn std::error::Error + 'static)) -> Failure {
    let failure = Failure::internal(error);
    Failure { message: format!("{key}: {}", failure.message), ..failure }
}
