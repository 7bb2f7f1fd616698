//! What is done to the databases themselves: migrations, rights, copies, the archive.

use super::stores::{codec_without_keys, postgres_log_failure, postgres_store_failure};
use crate::{
    exit::Failure,
    home::{Home, LogPlace, Ownership},
};
use event_codec::RowLog;
use event_log_postgres::PostgresEventLog;
use event_log_sqlite::SqliteEventLog;
use host::SystemClock;
use postgres_schema::Step;
use read_store::PostgresReadStore;
use std::{path::PathBuf, sync::Arc};

/// The migrations that the databases of the configuration lack.
pub async fn pending(home: &Home) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    if let LogPlace::Postgres { url, .. } = home.log_place() {
        steps.extend(event_log_postgres::pending(url.expose()).await.map_err(|error| postgres_log_failure(&error))?);
    }
    if let Some(url) = home.read_url() {
        let pending = PostgresReadStore::pending(url.expose()).await;
        steps.extend(pending.map_err(|error| postgres_store_failure(&error))?);
    }
    Ok(steps)
}

/// Applies them, and gives those that it applied.
pub async fn migrate(home: &Home) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    if let LogPlace::Postgres { url, .. } = home.log_place() {
        steps.extend(event_log_postgres::migrate(url.expose()).await.map_err(|error| postgres_log_failure(&error))?);
    }
    if let Some(url) = home.read_url() {
        let applied = PostgresReadStore::migrate(url.expose()).await;
        steps.extend(applied.map_err(|error| postgres_store_failure(&error))?);
    }
    Ok(steps)
}

/// Lets a role of PostgreSQL use what is kept there.
pub async fn admit(home: &Home, role: &str) -> Result<(), Failure> {
    if let LogPlace::Postgres { url, .. } = home.log_place() {
        let admitted = event_log_postgres::admit(url.expose(), role).await;
        admitted.map_err(|error| postgres_log_failure(&error))?;
    }
    if let Some(url) = home.read_url() {
        let admitted = PostgresReadStore::admit(url.expose(), role).await;
        admitted.map_err(|error| postgres_store_failure(&error))?;
    }
    Ok(())
}

/// Puts old events away, once there are at least so many new ones; gives the number of the part, if one was made.
pub async fn put_away(home: &Home, events_min: u64) -> Result<Option<u32>, Failure> {
    let LogPlace::Postgres { url, .. } = home.log_place() else {
        return Err(Failure::usage("only an event log on PostgreSQL has an archive; name it with --log or log.url"));
    };
    let failed = |error| postgres_log_failure(&error);
    let log = PostgresEventLog::connect(url.expose(), None, None, codec_without_keys(), Arc::new(SystemClock)).await;
    log.map_err(failed)?.put_away(events_min).await.map_err(failed)
}

/// A log that is copied from or to, and the right to its data folder, if it is in one.
pub struct CopiedLog {
    /// The log.
    pub log: Box<dyn RowLog>,
    _owned: Option<Ownership>,
}

/// The log at this place, `sqlite:FOLDER` or `postgres://…`, or the one in use. One in a data folder must not be in use.
pub async fn log_to_copy(home: &Home, place: Option<&str>, is_target: bool) -> Result<CopiedLog, Failure> {
    let place = match place {
        Some(place) => place.to_owned(),
        None => match home.log_place() {
            LogPlace::Here(_) => format!("sqlite:{}", home.root().display()),
            LogPlace::Postgres { url, .. } => url.expose().to_owned(),
            LogPlace::Kurrent { .. } => {
                return Err(Failure::usage("a log on KurrentDB cannot be copied; its own tools move it"));
            }
        },
    };
    if place.starts_with("postgres://") || place.starts_with("postgresql://") {
        let log = PostgresEventLog::connect(&place, None, None, codec_without_keys(), Arc::new(SystemClock)).await;
        let log = log.map_err(|error| postgres_log_failure(&error))?;
        return Ok(CopiedLog { log: Box::new(log), _owned: None });
    }
    let Some(folder) = place.strip_prefix("sqlite:") else {
        return Err(Failure::usage("a log is copied from and to sqlite:FOLDER or postgres://user@host/database"));
    };
    let folder = Home::locate(Some(PathBuf::from(folder)))?;
    if !is_target && !folder.exists() {
        return Err(Failure::usage(format!("there is no event log in {}", folder.root().display())));
    }
    let owned = folder.own()?;
    let log = SqliteEventLog::open(folder.log(), codec_without_keys(), Arc::new(SystemClock)).await;
    let log = log.map_err(|error| super::log_failure(&folder, &error))?;
    Ok(CopiedLog { log: Box::new(log), _owned: Some(owned) })
}
