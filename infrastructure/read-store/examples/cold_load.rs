//! What a command costs on a long track and on a short one: first, in a process that knows nothing of it, without
//! snapshots and with some, and then.
//!
//! `cargo run --release -p read-store --example cold_load -- [postgres://…]`
//! keeps snapshots in a file, and beside the read models in a database if one is given. The log is in memory, as rows that
//! are decoded and unsealed when they are read; nothing waits for it.

use anyhow::{Context, Result};
use application::{
    aggregates::{Aggregates, CommandMeta},
    ports::{
        event_log::{
            Append, AppendError, Appended, DomainEvent, EventLog, LogPage, LogVerification, ReadError, Recorded,
            StreamId, Tenant,
        },
        key_vault::KeyVault,
        snapshots::Snapshots,
    },
    testing::{
        MemoryKeyVault,
        story::{long_track, long_track_id},
    },
};
use async_trait::async_trait;
use domain::{
    decider::Decider,
    track::{LineChange, Track, TrackCommand},
    value::{Personal, Sha256, Timestamp, UtteranceId},
};
use event_codec::{EventCodec, Row, Tail};
use read_store::{PostgresReadStore, PostgresSnapshots, SqliteSnapshots};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;
use uuid::Uuid;

/// Of so many measurements the median is told.
const ROUNDS: usize = 21;

#[tokio::main]
async fn main() -> Result<()> {
    let vault: Arc<dyn KeyVault> = Arc::new(MemoryKeyVault::new(1));
    vault.ensure(stream().subject())?;
    let folder = tempfile::tempdir()?;
    let file = SqliteSnapshots::open(&folder.path().join("snapshots.db"), Arc::clone(&vault)).await?;
    let mut kept: Vec<(&str, Arc<dyn Snapshots>)> = vec![("snapshot in a file", Arc::new(file))];
    if let Some(url) = std::env::args().nth(1) {
        let read_models = PostgresReadStore::connect(&url).await?;
        kept.push(("snapshot in PostgreSQL", Arc::new(PostgresSnapshots::beside(&read_models, Arc::clone(&vault)))));
    }
    println!("{:>7} {:24} {:>12} {:>12}", "events", "", "first, ms", "then, ms");
    for events in [10, 60, 250, 1_000, 10_000] {
        let log = RowLog::of(events, EventCodec::new("main", Arc::clone(&vault)))?;
        let without = || Aggregates::new(Arc::new(log.copy()));
        report(events, "no snapshots", without).await?;
        for (what, snapshots) in &kept {
            prepare(&without().with_snapshots(Arc::clone(snapshots)), snapshots, events).await?;
            report(events, what, || without().with_snapshots(Arc::clone(snapshots))).await?;
        }
    }
    Ok(())
}

fn stream() -> StreamId {
    StreamId::Track(long_track_id())
}

/// Has a snapshot taken where one is due.
async fn prepare(aggregates: &Aggregates, snapshots: &Arc<dyn Snapshots>, events: usize) -> Result<()> {
    aggregates.load::<Track>(&stream()).await?;
    let is_there = async || snapshots.load(&stream(), Track::STATE_VERSION).await;
    let begun = Instant::now();
    while events >= 256 && is_there().await?.is_none_or(|kept| kept.revision != events as u64) {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(30), "no snapshot was taken");
    }
    Ok(())
}

async fn report(events: usize, what: &str, fresh: impl Fn() -> Aggregates) -> Result<()> {
    let (mut first, mut then) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let aggregates = fresh();
        first.push(timed(&aggregates, 1).await?);
        // The first one copies what a snapshot is being made of.
        timed(&aggregates, 2).await?;
        then.push(timed(&aggregates, 3).await?);
    }
    println!("{events:>7} {what:24} {:>12.3} {:>12.3}", median(first)?, median(then)?);
    Ok(())
}

async fn timed(aggregates: &Aggregates, number: u128) -> Result<f64> {
    let translation = Some(Some(Personal::new(format!("said for the {number}. time"))));
    let change = LineChange { translation, ..LineChange::default() };
    let command = TrackCommand::Correct { utterance: UtteranceId(1), change, source_revision: 1 };
    let meta = CommandMeta::fresh("example", Uuid::from_u128(number));
    let begun = Instant::now();
    aggregates.execute::<Track>(&stream(), command, &meta).await?.context("something is written")?;
    Ok(begun.elapsed().as_secs_f64() * 1_000.0)
}

fn median(mut times: Vec<f64>) -> Result<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().context("something was measured")
}

/// A log of one stream, as rows.
struct RowLog {
    codec: EventCodec,
    rows: Mutex<Vec<Row>>,
}

impl RowLog {
    fn of(events: usize, codec: EventCodec) -> Result<Self> {
        let log = Self { codec, rows: Mutex::default() };
        for (number, event) in (0..).zip(long_track(events)) {
            log.write(Append {
                tenant: Tenant::default(),
                actor: "example".to_owned(),
                command_id: Uuid::from_u128(number),
                fingerprint: Sha256::new([1; 32]),
                causation_id: None,
                traceparent: None,
                stream: stream(),
                expected_revision: u64::try_from(number)?,
                under: None,
                events: vec![DomainEvent::Track(event)],
            })?;
        }
        Ok(log)
    }

    fn copy(&self) -> Self {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { codec: self.codec.clone(), rows: Mutex::new(rows) }
    }

    fn write(&self, append: Append) -> Result<Appended, AppendError> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let actual = rows.len() as u64;
        if append.expected_revision != actual {
            return Err(AppendError::WrongRevision { expected: append.expected_revision, actual });
        }
        let tail = rows.last().map_or(Tail::EMPTY, |row| Tail { revision: row.content.revision, hash: row.hash });
        let prepared = self.codec.prepare(append).map_err(|error| AppendError::Unavailable(Box::new(error)))?;
        let (Tail { revision, hash }, written) = prepared.chain(&tail, actual, Timestamp::from_unix_ms(0));
        rows.extend(written);
        Ok(Appended { position: revision, revision, hash, replayed: false })
    }
}

#[async_trait]
impl EventLog for RowLog {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.write(append)
    }

    async fn read_stream(&self, _: &StreamId, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let skipped = usize::try_from(from).unwrap_or(usize::MAX).saturating_sub(1);
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let page: Vec<Row> = rows.iter().skip(skipped).take(limit).cloned().collect();
        page.into_iter().map(|row| self.codec.decode(row)).collect()
    }

    async fn read_log(&self, _: u64, _: usize) -> Result<LogPage, ReadError> {
        Err(ReadError::Unavailable("streams only".into()))
    }

    async fn find_outcome(&self, _: &Tenant, _: Uuid, _: &StreamId) -> Result<Option<Appended>, ReadError> {
        Ok(None)
    }

    async fn head(&self) -> Result<u64, ReadError> {
        Ok(self.rows.lock().unwrap_or_else(PoisonError::into_inner).len() as u64)
    }

    fn wakeups(&self) -> watch::Receiver<u64> {
        watch::Sender::new(0).subscribe()
    }

    async fn verify(&self) -> Result<LogVerification, ReadError> {
        Err(ReadError::Unavailable("streams only".into()))
    }
}
