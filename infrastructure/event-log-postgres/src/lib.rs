//! An event log in a PostgreSQL database, version 15 or newer.
//!
//! Each process writes through one connection, in groups, each group by one call of a function of the database; many
//! processes may. Positions are dense and come into sight in their order: see docs/adr/0012. Deliberately absent:
//! anything about the events' shapes (that is `event-codec`), and how positions are given (that is in the migration).

mod append;
mod cluster;
mod copy;
mod error;
mod keeper;
mod listener;
mod schema;
mod table;
mod verify;
mod writer;
mod yardstick;

pub use error::LogError;
pub use schema::{admit, migrate, pending};
pub use yardstick::plain_inserts;

use application::ports::{
    clock::Clock,
    event_log::{
        Append, AppendError, Appended, EventLog, LogPage, LogVerification, ReadError, Recorded, StreamId, Tenant, wake,
    },
};
use async_trait::async_trait;
use event_codec::{Content, EventCodec, Outcome};
use event_log_groups::{Appender, Limits};
use postgres_schema::{Kind, Servers};
use sqlx::{
    PgPool,
    postgres::{PgPoolOptions, PgRow},
};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use table::{HEAD, LIVE_LOG, LIVE_STREAM, OLD_LOG, OLD_STREAM, bound, digest, number, position_of, row_of};
use tokio::{sync::watch, task::JoinSet, time::Instant};
use uuid::Uuid;
use writer::Writer;

#[cfg(test)]
mod tests;

/// Connections that read at the same time.
const READERS: u32 = 8;
/// How long to wait for one of them.
const READER_WAIT: Duration = Duration::from_secs(5);
/// How long to wait for one of those that stand for a turn at files.
const TURN_WAIT: Duration = Duration::from_secs(30);
/// How long to wait for one to a replica, before another server is asked.
const FOLLOWER_WAIT: Duration = Duration::from_secs(1);
/// The pause between two tries to read.
const READ_PAUSE: Duration = Duration::from_millis(100);
/// What is written in one transaction at most.
const LIMITS: Limits = Limits { appends_max: 256, events_max: 4_096, is_one_per_stream: true };

/// How long the log waits for its server.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// How long a group is tried before its appends are refused.
    write_for: Duration,
    /// How long a reader asks again while the server is away.
    read_for: Duration,
    /// How long one try may take: more than the server's own limits for a statement allow, so that only a server that
    /// has gone without a word takes longer.
    try_for: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { write_for: seconds(20), read_for: seconds(10), try_for: seconds(35) }
    }
}

/// An event log in a PostgreSQL database.
pub struct PostgresEventLog {
    codec: EventCodec,
    servers: Arc<Servers>,
    readers: PgPool,
    /// Those who have or wait for a turn at files.
    turns: PgPool,
    /// For turns at blobs that are kept already: who has a turn at files may want one of these, too.
    blob_turns: PgPool,
    /// Where the whole log is read while it answers: a replica, if there is one.
    followers: Option<PgPool>,
    /// Whether that replica did not answer the last time.
    is_replica_away: AtomicBool,
    appender: Appender,
    wakeups: watch::Sender<u64>,
    patience: Patience,
    /// Who listens, and who puts old events away; they end with this.
    _beside: JoinSet<()>,
}

impl PostgresEventLog {
    /// Opens the log in this database; makes its schema if there is none, and refuses one that is not up to date. To be
    /// called in a Tokio runtime, which then runs the writer.
    ///
    /// The address may name several servers, with commas between; the one that takes writes is used. `replica` is the
    /// address of a server that follows it, and from which the whole log is read while it answers: what it does not have
    /// yet is seen later.
    ///
    /// `installation` says whose keys the codec has. The first one owns the log, and another one is refused; without one,
    /// nothing personal can be read, and any log will do.
    pub async fn connect(
        url: &str,
        replica: Option<&str>,
        installation: Option<Uuid>,
        codec: EventCodec,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LogError> {
        Self::connect_with(url, replica, installation, codec, clock, Patience::default()).await
    }

    async fn connect_with(
        url: &str,
        replica: Option<&str>,
        installation: Option<Uuid>,
        codec: EventCodec,
        clock: Arc<dyn Clock>,
        patience: Patience,
    ) -> Result<Self, LogError> {
        let servers = Arc::new(Servers::of(url)?);
        let mut connection = servers.primary().await?;
        schema::SCHEMA.open(&mut connection).await?;
        schema::claim(&mut connection, codec.log(), installation).await?;
        let head: i64 = sqlx::query_scalar(HEAD).fetch_one(&mut connection).await?;
        let wakeups = watch::Sender::new(head.try_into().unwrap_or(0));
        let (moved, moves) = watch::channel(());
        let (readers, turns) = (pool(&servers, READER_WAIT), pool(&servers, TURN_WAIT));
        let blob_turns = pool(&servers, TURN_WAIT);
        let followers = replica.map(Servers::of).transpose()?.map(|replica| pool(&replica, FOLLOWER_WAIT));
        let writer = Writer {
            servers: Arc::clone(&servers),
            connection: Some(connection),
            clock,
            wakeups: wakeups.clone(),
            moved,
            down_since: None,
            patience,
        };
        let mut beside = JoinSet::new();
        beside.spawn(listener::listen(Arc::clone(&servers), wakeups.clone(), moves));
        beside.spawn(keeper::put_away(readers.clone()));
        let appender = Appender::start(writer, LIMITS);
        let is_replica_away = AtomicBool::new(false);
        Ok(Self {
            codec,
            servers,
            readers,
            turns,
            blob_turns,
            followers,
            is_replica_away,
            appender,
            wakeups,
            patience,
            _beside: beside,
        })
    }

    /// Writes what was asked for before, then closes the connections. Later appends are refused. Dropping the log
    /// without this is safe.
    pub async fn close(&self) {
        self.appender.close().await;
        self.readers.close().await;
        self.turns.close().await;
        self.blob_turns.close().await;
        if let Some(followers) = &self.followers {
            followers.close().await;
        }
    }

    /// Makes the newest events the next part of the archive, once they are at least so many. They stay readable.
    /// Readers and writers are held up for a moment; where that cannot be had, nothing is done. Gives the number of the
    /// part, if one was made.
    pub async fn put_away(&self, events_min: u64) -> Result<Option<u32>, LogError> {
        keeper::put_away_once(&self.readers, events_min).await
    }

    /// Asks, and asks again while the server is away. Whoever reads may read twice.
    async fn ask<T, Asked>(&self, ask: impl Fn() -> Asked + Send) -> Result<T, ReadError>
    where
        Asked: Future<Output = Result<T, LogError>> + Send,
    {
        let began = Instant::now();
        loop {
            let asked = tokio::time::timeout(self.patience.try_for, ask()).await;
            match asked.unwrap_or(Err(LogError::Silent)) {
                Ok(answer) => return Ok(answer),
                Err(error) if error.kind() == Kind::Passing && began.elapsed() < self.patience.read_for => {
                    self.follow_the_writer();
                    tokio::time::sleep(READ_PAUSE).await;
                }
                Err(error) => return Err(unreadable(error)),
            }
        }
    }

    /// New readers read where the writer writes.
    fn follow_the_writer(&self) {
        if let Some(options) = self.servers.current() {
            self.readers.set_connect_options(options.clone());
            self.turns.set_connect_options(options.clone());
            self.blob_turns.set_connect_options(options.clone());
        }
    }

    async fn decode(&self, rows: Vec<PgRow>) -> Result<Vec<Recorded>, ReadError> {
        let codec = self.codec.clone();
        let decoded = tokio::task::spawn_blocking(move || rows.iter().map(|row| decode_row(&codec, row)).collect());
        decoded.await.map_err(|_| unreadable(LogError::Interrupted))?
    }

    /// Rows of a stream. What was put away is older than what was not, and a stream's revisions have no hole: so the
    /// first row that is found among the new ones tells whether there are old ones to be found.
    async fn stream_rows(&self, stream: &str, from: u64, limit: usize) -> Result<Vec<PgRow>, LogError> {
        let limit = bound(limit as u64);
        let live = sqlx::query(LIVE_STREAM).bind(stream).bind(bound(from)).bind(limit).fetch_all(&self.readers).await?;
        let first = live.first().map(|row| number(row, 2)).transpose()?;
        if first.is_some_and(|first| first <= from.max(1)) {
            return Ok(live);
        }
        if first.is_none() && !self.reaches(stream, from).await? {
            return Ok(live);
        }
        let before = first.map_or(i64::MAX, bound);
        let old = sqlx::query(OLD_STREAM).bind(stream).bind(bound(from)).bind(before).bind(limit);
        let mut rows = old.fetch_all(&self.readers).await?;
        let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(rows.len());
        rows.extend(live.into_iter().take(room));
        Ok(rows)
    }

    /// Whether a stream has this revision.
    async fn reaches(&self, stream: &str, revision: u64) -> Result<bool, LogError> {
        let asked = "SELECT EXISTS (SELECT FROM dragoman_log.streams WHERE stream = $1 AND revision >= $2)";
        Ok(sqlx::query_scalar(asked).bind(stream).bind(bound(revision)).fetch_one(&self.readers).await?)
    }

    /// Rows after a position, and the head: from the replica, or, while that does not answer, from where it is written.
    async fn log_rows(&self, after: u64, limit: usize) -> Result<(Vec<PgRow>, u64), LogError> {
        if let Some(followers) = &self.followers {
            match log_rows_in(followers, after, limit).await {
                Err(error) if error.kind() == Kind::Passing => {
                    if !self.is_replica_away.swap(true, Ordering::Relaxed) {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "the replica of the event log does not answer: its source is read");
                    }
                }
                answered => {
                    if self.is_replica_away.swap(false, Ordering::Relaxed) {
                        tracing::info!("the replica of the event log answers again");
                    }
                    return answered;
                }
            }
        }
        log_rows_in(&self.readers, after, limit).await
    }
}

/// Rows after a position, and the head. Positions have no hole, so that the first row tells whether there are old
/// ones before it.
async fn log_rows_in(pool: &PgPool, after: u64, limit: usize) -> Result<(Vec<PgRow>, u64), LogError> {
    let limit = bound(limit as u64);
    let mut reader = pool.acquire().await?;
    let live = sqlx::query(LIVE_LOG).bind(bound(after)).bind(limit).fetch_all(&mut *reader).await?;
    let first = live.first().map(position_of).transpose()?;
    let mut rows = Vec::new();
    if first.is_none_or(|first| first > after + 1) {
        let before = first.map_or(i64::MAX, |first| bound(first - 1));
        let old = sqlx::query(OLD_LOG).bind(bound(after)).bind(before).bind(limit);
        rows = old.fetch_all(&mut *reader).await?;
    }
    let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(rows.len());
    rows.extend(live.into_iter().take(room));
    // Read after the page, so that it is never behind it.
    let head: i64 = sqlx::query_scalar(HEAD).fetch_one(&mut *reader).await?;
    Ok((rows, head.try_into().unwrap_or(0)))
}

#[async_trait]
impl EventLog for PostgresEventLog {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.appender.append(&self.codec, append).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let stream = stream.to_string();
        let rows = self.ask(|| self.stream_rows(&stream, from_revision, limit)).await?;
        self.decode(rows).await
    }

    async fn read_log(&self, after: u64, limit: usize) -> Result<LogPage, ReadError> {
        let (rows, head) = self.ask(|| self.log_rows(after, limit)).await?;
        let events = self.decode(rows).await?;
        let scanned_to = events.last().map_or(after, |event| event.position);
        Ok(LogPage { events, scanned_to, head })
    }

    async fn owner_of(&self, stream: &StreamId) -> Result<Option<(Tenant, String)>, ReadError> {
        let stream = stream.to_string();
        let asked = "SELECT tenant, actor FROM dragoman_log.streams WHERE stream = $1";
        let owner: Option<(String, String)> =
            self.ask(async || Ok(sqlx::query_as(asked).bind(&stream).fetch_optional(&self.readers).await?)).await?;
        Ok(owner.map(|(tenant, actor)| (Tenant(tenant), actor)))
    }

    async fn find_outcome(
        &self,
        tenant: &Tenant,
        command_id: Uuid,
        stream: &StreamId,
    ) -> Result<Option<Appended>, ReadError> {
        let first = Content::id_of(&tenant.0, command_id, &stream.to_string(), 0);
        let asked = "SELECT position, revision, fingerprint, hash FROM dragoman_log.events WHERE position = \
             (SELECT position FROM dragoman_log.commands WHERE first_event_id = $1)";
        let row: Option<PgRow> =
            self.ask(async || Ok(sqlx::query(asked).bind(first).fetch_optional(&self.readers).await?)).await?;
        row.map(|row| outcome_of(&row).map(|outcome| outcome.replayed())).transpose().map_err(unreadable)
    }

    async fn head(&self) -> Result<u64, ReadError> {
        let head: i64 = self.ask(async || Ok(sqlx::query_scalar(HEAD).fetch_one(&self.readers).await?)).await?;
        Ok(head.try_into().unwrap_or(0))
    }

    fn wakeups(&self) -> watch::Receiver<u64> {
        self.wakeups.subscribe()
    }

    fn hear_of(&self, head: u64) {
        wake(&self.wakeups, head);
    }

    async fn verify(&self) -> Result<LogVerification, ReadError> {
        let mut connection = self.ask(async || Ok(self.readers.acquire().await?)).await?;
        verify::verify(&mut connection, &self.codec).await.map_err(unreadable)
    }
}

/// Connections to the server that takes writes, or to the only one.
fn pool(servers: &Servers, wait: Duration) -> PgPool {
    let options = servers.current().cloned().unwrap_or_default();
    PgPoolOptions::new().max_connections(READERS).acquire_timeout(wait).connect_lazy_with(options)
}

fn outcome_of(row: &PgRow) -> Result<Outcome, LogError> {
    let (position, revision) = (number(row, 0)?, number(row, 1)?);
    Ok(Outcome { position, revision, fingerprint: digest(row, 2)?, hash: digest(row, 3)? })
}

fn decode_row(codec: &EventCodec, row: &PgRow) -> Result<Recorded, ReadError> {
    let stored = row_of(row).map_err(|error| match position_of(row) {
        Ok(position) => {
            let (event_type, stream) = ("of unknown type".to_owned(), String::new());
            ReadError::Undecodable { position, event_type, stream, source: error.into() }
        }
        Err(_) => unreadable(error),
    })?;
    codec.decode(stored)
}

fn unreadable(error: impl Into<LogError>) -> ReadError {
    ReadError::Unavailable(Box::new(error.into()))
}
