//! An SQLite file: made, brought up to date or refused; one connection that writes, a few that read.

use crate::error::StoreError;
use sqlx::{
    Connection, Sqlite, SqliteConnection, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{fs::OpenOptions, io::ErrorKind, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};
use tokio::time::{Instant, sleep};

/// Connections that read at the same time.
const READERS: u32 = 2;
/// How long to wait for another process's lock on the file.
const BUSY: Duration = Duration::from_secs(10);
/// How long to wait before trying again what SQLite itself does not wait for.
const AGAIN: Duration = Duration::from_millis(10);

/// What a file holds, and how it is made.
pub(crate) struct Schema {
    /// What it holds, for messages.
    pub what: &'static str,
    /// SQLite's application id: tells files of this kind from all others.
    pub application_id: i64,
    /// Migrations in order; the schema's number is how many of them the file has seen.
    pub migrations: &'static [&'static str],
}

/// An open file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    what: &'static str,
    /// One connection; `None` when the file was opened for reading only.
    writer: Option<SqlitePool>,
    readers: SqlitePool,
}

impl File {
    /// Opens the file, makes it if there is none, and brings its schema up to date. Commits do not wait for the disk.
    pub async fn open(path: &Path, schema: &Schema) -> Result<Self, StoreError> {
        Self::open_with(path, schema, |options| options.synchronous(SqliteSynchronous::Normal)).await
    }

    /// As [`File::open`], for what must not be lost: commits wait for the disk, and what is removed is overwritten.
    pub async fn open_durable(path: &Path, schema: &Schema) -> Result<Self, StoreError> {
        let durable =
            |options: SqliteConnectOptions| options.synchronous(SqliteSynchronous::Full).pragma("secure_delete", "ON");
        Self::open_with(path, schema, durable).await
    }

    async fn open_with(
        path: &Path,
        schema: &Schema,
        written: impl FnOnce(SqliteConnectOptions) -> SqliteConnectOptions,
    ) -> Result<Self, StoreError> {
        make_private(path).map_err(|source| StoreError::Create { what: schema.what, source })?;
        let options = options(path).journal_mode(SqliteJournalMode::Wal).pragma("journal_size_limit", "67108864");
        let writer = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(written(options));
        migrate(&writer, schema).await?;
        Ok(Self { what: schema.what, writer: Some(writer), readers: readers(path) })
    }

    /// Opens the file for reading only, beside an owner or without one.
    pub async fn open_read_only(path: &Path, schema: &Schema) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Absent { what: schema.what });
        }
        let readers = readers(path);
        let mut connection = readers.acquire().await.map_err(|error| StoreError::of(schema.what, error))?;
        match standing(&mut connection, schema).await? {
            Standing::At(found) if found == schema.known() => {}
            Standing::Empty => return Err(schema.older(0)),
            Standing::At(found) => return Err(schema.older(found)),
        }
        Ok(Self { what: schema.what, writer: None, readers })
    }

    /// Where to write.
    pub fn writer(&self) -> Result<&SqlitePool, StoreError> {
        self.writer.as_ref().ok_or(StoreError::ReadOnly { what: self.what })
    }

    /// Says that what is in it is used from now on: nothing may be copied over it any more. For files that know where their
    /// rows are from.
    pub async fn take_in_use(&self) -> Result<(), StoreError> {
        let used = sqlx::query("UPDATE origin SET is_copied = 0 WHERE is_copied = 1").execute(self.writer()?).await;
        used.map(drop).map_err(|error| self.failed(error))
    }

    /// Where to read.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// What SQLite said, sorted.
    pub fn failed(&self, error: sqlx::Error) -> StoreError {
        StoreError::of(self.what, error)
    }

    /// Runs work that must come to its end even if whoever waits for it gives up.
    pub async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        tokio::spawn(work).await.map_err(|_| StoreError::Interrupted { what: self.what })?
    }

    /// Closes the file. Dropping it without this is safe; it only leaves tidying up to the next opening.
    pub async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}

impl Schema {
    fn known(&self) -> i64 {
        self.migrations.len() as i64
    }

    fn older(&self, found: i64) -> StoreError {
        StoreError::Older { what: self.what, found, known: self.known() }
    }
}

/// How far a file is.
enum Standing {
    /// There is nothing in it.
    Empty,
    /// It is of the right kind and has this schema, which is known here.
    At(i64),
}

/// The first connection to a file. Of two processes that make one, each may hold what the other needs for the write-ahead
/// log, and then SQLite says at once that the file is locked, however long it was told to wait.
async fn first_connection(writer: &SqlitePool, what: &'static str) -> Result<PoolConnection<Sqlite>, StoreError> {
    let until = Instant::now() + BUSY;
    loop {
        match writer.acquire().await.map_err(|error| StoreError::of(what, error)) {
            Err(error) if error.is_busy() && Instant::now() < until => sleep(AGAIN).await,
            connected => return connected,
        }
    }
}

async fn migrate(writer: &SqlitePool, schema: &Schema) -> Result<(), StoreError> {
    let failed = |error| StoreError::of(schema.what, error);
    let mut connection = first_connection(writer, schema.what).await?;
    let mut change = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let found = match standing(&mut change, schema).await? {
        Standing::Empty => 0,
        Standing::At(found) => found,
    };
    for migration in schema.migrations.iter().skip(usize::try_from(found).unwrap_or(0)) {
        sqlx::raw_sql(*migration).execute(&mut *change).await.map_err(failed)?;
    }
    if found < schema.known() {
        // A pragma takes no bound values; the numbers are this program's own.
        let (known, id) = (schema.known(), schema.application_id);
        let pragmas = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {known}; PRAGMA application_id = {id};"));
        sqlx::raw_sql(pragmas).execute(&mut *change).await.map_err(failed)?;
    }
    change.commit().await.map_err(failed)
}

async fn standing(connection: &mut SqliteConnection, schema: &Schema) -> Result<Standing, StoreError> {
    let mut numbers = [0; 3];
    let queries = ["SELECT count(*) FROM sqlite_schema", "PRAGMA application_id", "PRAGMA user_version"];
    for (number, query) in numbers.iter_mut().zip(queries) {
        let found = sqlx::query_scalar(query).fetch_one(&mut *connection).await;
        *number = found.map_err(|error| StoreError::of(schema.what, error))?;
    }
    let [objects, application_id, found] = numbers;
    if (objects, application_id, found) == (0, 0, 0) {
        return Ok(Standing::Empty);
    }
    if application_id != schema.application_id {
        return Err(StoreError::Foreign { what: schema.what });
    }
    let known = schema.known();
    if found > known { Err(StoreError::Newer { what: schema.what, found, known }) } else { Ok(Standing::At(found)) }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).create_if_missing(false).busy_timeout(BUSY)
}

fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options(path).read_only(true))
}

/// Makes the file for its owner's eyes only; SQLite gives the files beside it the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
