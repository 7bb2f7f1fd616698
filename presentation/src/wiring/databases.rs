//! What is done to the databases themselves: migrations, rights, copies, the archive.

use super::{
    kept::{files, kept_failure},
    stores::{
        codec_without_keys, postgres_log_failure, postgres_log_failure_at, postgres_store_failure, shared_store_failure,
    },
};
use crate::{
    exit::Failure,
    home::{Home, LogPlace, Ownership},
};
use event_codec::{Copied, CopyError, RowLog, copy};
use event_log_postgres::PostgresEventLog;
use event_log_sqlite::SqliteEventLog;
use host::SystemClock;
use postgres_schema::Step;
use read_store::{CopiedKept, KeptPlace, PostgresReadStore, SharedDatabase, copy_kept};
use std::{path::PathBuf, sync::Arc};

/// The migrations that the databases of the configuration lack; applies them, too, unless it is only to say which.
pub async fn migrate(home: &Home, only_say: bool) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    if let LogPlace::Postgres { url, .. } = home.log_place() {
        let url = url.expose();
        let lacking =
            if only_say { event_log_postgres::pending(url).await } else { event_log_postgres::migrate(url).await };
        steps.extend(lacking.map_err(|error| postgres_log_failure(&error))?);
        let lacking = if only_say { SharedDatabase::pending(url).await } else { SharedDatabase::migrate(url).await };
        steps.extend(lacking.map_err(|error| shared_store_failure(&error))?);
    }
    if let Some(url) = home.read_url() {
        let url = url.expose();
        let lacking =
            if only_say { PostgresReadStore::pending(url).await } else { PostgresReadStore::migrate(url).await };
        steps.extend(lacking.map_err(|error| postgres_store_failure(&error))?);
    }
    Ok(steps)
}

/// Lets a role of PostgreSQL use what is kept there.
pub async fn admit(home: &Home, role: &str) -> Result<(), Failure> {
    if let LogPlace::Postgres { url, .. } = home.log_place() {
        let admitted = event_log_postgres::admit(url.expose(), role).await;
        admitted.map_err(|error| postgres_log_failure(&error))?;
        let admitted = SharedDatabase::admit(url.expose(), role).await;
        admitted.map_err(|error| shared_store_failure(&error))?;
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

/// What was copied.
pub struct CopiedAll {
    /// The log.
    pub log: Copied,
    /// What went along with it.
    pub kept: CopiedKept,
}

/// Copies a log from a place, or from where it is in use, to another, and then accounts and deliveries. `progress` hears how
/// many events are there, and how many there will be.
pub async fn copy_log(
    home: &Home,
    from: Option<&str>,
    to: &str,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<CopiedAll, Failure> {
    let source = log_to_copy(home, from, false).await?;
    let target = log_to_copy(home, Some(to), true).await?;
    let log = copy(&*source.log, &*target.log, progress).await.map_err(copy_failure)?;
    // Last: what is there afterwards is as new as the log.
    let kept = copy_kept(&source.kept, &target.kept).await;
    Ok(CopiedAll { log, kept: kept.map_err(|error| kept_failure(target.key, home, &error))? })
}

fn copy_failure(error: CopyError) -> Failure {
    match error {
        CopyError::OtherLog { .. } | CopyError::Newer { .. } => Failure::usage(error.to_string()),
        CopyError::Damaged { .. } => Failure::internal(&error),
        CopyError::Read(error) => error.into(),
        CopyError::Write(error) => error.into(),
    }
}

/// A log that is copied from or to, and the right to its data folder, if it is in one.
struct CopiedLog {
    /// What names it.
    key: &'static str,
    /// The log.
    log: Box<dyn RowLog>,
    /// Accounts and deliveries beside it.
    kept: KeptPlace,
    _owned: Option<Ownership>,
}

/// The log at this place, `sqlite:FOLDER` or `postgres://…`, or the one in use. One in a data folder must not be in use.
async fn log_to_copy(home: &Home, place: Option<&str>, is_target: bool) -> Result<CopiedLog, Failure> {
    let (key, place) = match place {
        Some(place) => (if is_target { "--to" } else { "--from" }, place.to_owned()),
        None => match home.log_place() {
            LogPlace::Here(_) => ("the data folder", format!("sqlite:{}", home.root().display())),
            LogPlace::Postgres { url, .. } => ("log.url", url.expose().to_owned()),
            LogPlace::Kurrent { .. } => {
                return Err(Failure::usage("a log on KurrentDB cannot be copied; its own tools move it"));
            }
        },
    };
    if place.starts_with("postgres://") || place.starts_with("postgresql://") {
        let failed = |error| postgres_log_failure_at(key, &error);
        // Connecting would make the schema, which a source must have already.
        if !is_target && !event_log_postgres::pending(&place).await.map_err(failed)?.is_empty() {
            let said =
                format!("{key}: there is no event log at that address, or one of an older program to be migrated");
            return Err(Failure::usage(said));
        }
        let log = PostgresEventLog::connect(&place, None, None, codec_without_keys(), Arc::new(SystemClock)).await;
        let log = log.map_err(failed)?;
        return Ok(CopiedLog { key, log: Box::new(log), kept: KeptPlace::Database(place), _owned: None });
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
    let kept = KeptPlace::Files(files(&folder));
    Ok(CopiedLog { key, log: Box::new(log), kept, _owned: Some(owned) })
}
