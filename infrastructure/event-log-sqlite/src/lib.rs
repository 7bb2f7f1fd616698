//! An event log in an SQLite file, in write-ahead mode, synced at every commit.
//!
//! One task writes, in groups; a few connections read beside it; other processes may read the file at
//! the same time. Deliberately absent: a lock against a second owner (the data folder has one), and
//! anything about the events' shapes (that is `event-codec`).

mod copy;
mod ends;
mod error;
mod schema;
mod table;
mod verify;
mod writer;
mod yardstick;

use application::ports::{
    clock::Clock,
    event_log::{
        Append, AppendError, Appended, EventLog, LogPage, LogVerification, ReadError, Recorded, StreamId, Tenant,
    },
};
use async_trait::async_trait;
use ends::Ends;
pub use error::LogError;
use event_codec::EventCodec;
use event_log_groups::{Appender, Limits};
use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use std::{
    fs::OpenOptions,
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use table::{HEAD, READ_LOG, READ_STREAM, position_of, row_of};
use tokio::sync::watch;
use uuid::Uuid;
use writer::Writer;
pub use yardstick::{Into as IntoTable, inserts};

#[cfg(test)]
mod tests;

/// Connections that read at the same time.
const READERS: u32 = 4;

/// What is written in one transaction at most.
const LIMITS: Limits = Limits { appends_max: 256, events_max: 4_096, is_one_per_stream: false };

/// How long to wait for another process's lock on the file.
const BUSY: Duration = Duration::from_secs(10);

/// An event log in an SQLite file.
pub struct SqliteEventLog {
    codec: EventCodec,
    file: PathBuf,
    readers: SqlitePool,
    /// `None` when it was opened for reading only.
    appender: Option<Appender>,
    wakeups: watch::Sender<u64>,
    ends: Arc<Ends>,
}

impl SqliteEventLog {
    /// Opens the log in this file, makes it if there is none, and brings its schema up to date. To be
    /// called in a Tokio runtime, which then runs the writer. Refuses a file of a newer program.
    pub async fn open(path: impl AsRef<Path>, codec: EventCodec, clock: Arc<dyn Clock>) -> Result<Self, LogError> {
        Self::start(path.as_ref(), options_to_write(path.as_ref()), codec, clock).await
    }

    async fn start(
        path: &Path,
        options: SqliteConnectOptions,
        codec: EventCodec,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LogError> {
        make_private(path).map_err(LogError::Create)?;
        let mut connection = SqliteConnection::connect_with(&options).await?;
        schema::migrate(&mut connection, codec.log()).await?;
        let head = head(&mut connection).await?;
        let wakeups = watch::Sender::new(head);
        let ends = Arc::<Ends>::default();
        let connection = Some(connection);
        let writer =
            Writer { options, connection, clock, wakeups: wakeups.clone(), ends: Arc::clone(&ends), end: None };
        let appender = Some(Appender::start(writer, LIMITS));
        Ok(Self { codec, file: path.to_owned(), readers: readers(path), appender, wakeups, ends })
    }

    /// Opens the log in this file for reading only, beside an owner or without one. Appends are
    /// answered [`AppendError::Unavailable`]; wake-ups never come.
    pub async fn open_read_only(path: impl AsRef<Path>, codec: EventCodec) -> Result<Self, LogError> {
        let readers = readers(path.as_ref());
        let mut connection = readers.acquire().await?;
        schema::check(&mut connection, codec.log()).await?;
        let head = head(&mut connection).await?;
        drop(connection);
        let (file, wakeups) = (path.as_ref().to_owned(), watch::Sender::new(head));
        Ok(Self { codec, file, readers, appender: None, wakeups, ends: Arc::default() })
    }

    /// Writes what was asked for before, then closes the file. Later appends are refused. Dropping the
    /// log without this is safe; it only leaves tidying up to the next opening.
    pub async fn close(&self) {
        // The writer goes last: only it can tidy the write-ahead log up, and only when alone.
        self.readers.close().await;
        if let Some(appender) = &self.appender {
            appender.close().await;
        }
    }

    async fn decode(&self, rows: Vec<SqliteRow>) -> Result<Vec<Recorded>, ReadError> {
        let codec = self.codec.clone();
        let decoded = tokio::task::spawn_blocking(move || rows.iter().map(|row| decode_row(&codec, row)).collect());
        decoded.await.map_err(|_| unreadable(LogError::Interrupted))?
    }
}

#[async_trait]
impl EventLog for SqliteEventLog {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        match &self.appender {
            Some(appender) => appender.append(&self.codec, append).await,
            None => Err(AppendError::Unavailable(LogError::ReadOnly.into())),
        }
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let stream = stream.to_string();
        if self.ends.lacks(&stream, from_revision) {
            return Ok(vec![]);
        }
        let rows = sqlx::query(READ_STREAM)
            .bind(stream)
            .bind(bound(from_revision))
            .bind(bound(limit as u64))
            .fetch_all(&self.readers)
            .await
            .map_err(unreadable)?;
        self.decode(rows).await
    }

    async fn read_log(&self, after: u64, limit: usize) -> Result<LogPage, ReadError> {
        let mut connection = self.readers.acquire().await.map_err(unreadable)?;
        let rows = sqlx::query(READ_LOG)
            .bind(bound(after))
            .bind(bound(limit as u64))
            .fetch_all(&mut *connection)
            .await
            .map_err(unreadable)?;
        // Read after the page, so that it is never behind it.
        let head = head(&mut connection).await.map_err(unreadable)?;
        drop(connection);
        let events = self.decode(rows).await?;
        let scanned_to = events.last().map_or(after, |event| event.position);
        Ok(LogPage { events, scanned_to, head })
    }

    async fn owner_of(&self, stream: &StreamId) -> Result<Option<(Tenant, String)>, ReadError> {
        let first = "SELECT tenant, actor FROM events WHERE stream = ?1 AND revision = 1";
        let row = sqlx::query_as(first).bind(stream.to_string()).fetch_optional(&self.readers).await;
        let row: Option<(String, String)> = row.map_err(unreadable)?;
        Ok(row.map(|(tenant, actor)| (Tenant(tenant), actor)))
    }

    async fn find_outcome(
        &self,
        tenant: &Tenant,
        command_id: Uuid,
        stream: &StreamId,
    ) -> Result<Option<Appended>, ReadError> {
        let row = sqlx::query(
            "SELECT fingerprint, position, revision, hash FROM events \
             WHERE tenant = ?1 AND command_id = ?2 AND stream = ?3 ORDER BY ordinal DESC LIMIT 1",
        )
        .bind(&tenant.0)
        .bind(command_id.to_string())
        .bind(stream.to_string())
        .fetch_optional(&self.readers)
        .await
        .map_err(unreadable)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(writer::outcome_of(&row).map_err(unreadable)?.replayed()))
    }

    async fn head(&self) -> Result<u64, ReadError> {
        let mut connection = self.readers.acquire().await.map_err(unreadable)?;
        head(&mut connection).await.map_err(unreadable)
    }

    fn wakeups(&self) -> watch::Receiver<u64> {
        self.wakeups.subscribe()
    }

    async fn verify(&self) -> Result<LogVerification, ReadError> {
        let mut snapshot = self.readers.begin().await.map_err(unreadable)?;
        verify::verify(&mut snapshot, &self.codec).await.map_err(unreadable)
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).create_if_missing(false).busy_timeout(BUSY).foreign_keys(true)
}

/// Every commit is on disk before it is acknowledged; the write-ahead log shrinks back to 64 MiB.
fn options_to_write(path: &Path) -> SqliteConnectOptions {
    options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", "67108864")
}

fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options(path).read_only(true))
}

/// Makes the file for its owner's eyes only; SQLite gives the files beside it the same mode.
fn make_private(path: &Path) -> Result<(), std::io::Error> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

async fn head(connection: &mut SqliteConnection) -> Result<u64, LogError> {
    let head: i64 = sqlx::query_scalar(HEAD).fetch_one(connection).await?;
    Ok(u64::try_from(head).unwrap_or(0))
}

fn decode_row(codec: &EventCodec, row: &SqliteRow) -> Result<Recorded, ReadError> {
    let stored = row_of(row).map_err(|error| match position_of(row) {
        Ok(position) => {
            let (event_type, stream) = ("of unknown type".to_owned(), String::new());
            ReadError::Undecodable { position, event_type, stream, source: error.into() }
        }
        Err(_) => unreadable(error),
    })?;
    codec.decode(stored)
}

/// SQLite's integers are signed.
fn bound(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unreadable(error: impl Into<LogError>) -> ReadError {
    ReadError::Unavailable(Box::new(error.into()))
}
