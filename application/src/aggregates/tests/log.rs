//! A log in memory that counts what is read of it.

use crate::{
    aggregates::sha256,
    ports::event_log::{
        Append, AppendError, Appended, DomainEvent, EventLog, LogPage, LogVerification, ReadError, Recorded, StreamId,
        Tenant,
    },
};
use async_trait::async_trait;
use domain::value::{Sha256, Timestamp};
use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::watch;
use uuid::Uuid;

/// A log of streams, which are appended to and read. Whole logs are not read here.
#[derive(Default)]
pub struct CountingLog {
    events: Mutex<HashMap<StreamId, Vec<Recorded>>>,
    pages: AtomicUsize,
    read: AtomicUsize,
}

impl CountingLog {
    /// A log with these events in a stream.
    pub fn with(stream: &StreamId, events: impl IntoIterator<Item = DomainEvent>) -> Self {
        let log = Self::default();
        log.write(stream, events.into_iter().map(|event| (event, None)));
        log
    }

    /// Adds events to a stream, each with the trace of its command.
    pub fn write(&self, stream: &StreamId, events: impl IntoIterator<Item = (DomainEvent, Option<String>)>) {
        let mut streams = self.events.lock().unwrap();
        let known = streams.entry(stream.clone()).or_default();
        for (event, traceparent) in events {
            let recorded = next(stream, known.last(), event, traceparent);
            known.push(recorded);
        }
    }

    /// Cuts a stream off after so many events, as a log that was restored is.
    pub fn cut(&self, stream: &StreamId, events: usize) {
        self.events.lock().unwrap().get_mut(stream).unwrap().truncate(events);
    }

    /// How many pages were read since this was asked last, and how many events.
    pub fn reads(&self) -> (usize, usize) {
        (self.pages.swap(0, Ordering::SeqCst), self.read.swap(0, Ordering::SeqCst))
    }
}

fn next(stream: &StreamId, last: Option<&Recorded>, event: DomainEvent, traceparent: Option<String>) -> Recorded {
    let revision = last.map_or(0, |last| last.revision) + 1;
    let prev_hash = last.map_or(Sha256::new([0; 32]), |last| last.hash);
    let hash = sha256(format!("{prev_hash} {stream} {revision} {event:?}").as_bytes());
    let id = Uuid::from_u128(u128::from(revision));
    Recorded {
        log: "counting".to_owned(),
        position: revision,
        stream: stream.clone(),
        revision,
        event_id: id,
        event_type: "Counted".to_owned(),
        schema_version: 1,
        recorded_at: Timestamp::from_unix_ms(0),
        tenant: Tenant("theirs".to_owned()),
        actor: "test".to_owned(),
        command_id: id,
        causation_id: None,
        traceparent,
        prev_hash,
        hash,
        event,
    }
}

#[async_trait]
impl EventLog for CountingLog {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let actual = self.events.lock().unwrap().get(&append.stream).map_or(0, Vec::len) as u64;
        if actual != append.expected_revision {
            return Err(AppendError::WrongRevision { expected: append.expected_revision, actual });
        }
        let trace = append.traceparent;
        self.write(&append.stream, append.events.into_iter().map(|event| (event, trace.clone())));
        let streams = self.events.lock().unwrap();
        let last = streams[&append.stream].last().unwrap();
        Ok(Appended { position: last.position, revision: last.revision, hash: last.hash, replayed: false })
    }

    async fn read_stream(&self, stream: &StreamId, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let streams = self.events.lock().unwrap();
        let skipped = usize::try_from(from).unwrap().saturating_sub(1);
        let page: Vec<_> = streams.get(stream).into_iter().flatten().skip(skipped).take(limit).cloned().collect();
        self.pages.fetch_add(1, Ordering::SeqCst);
        self.read.fetch_add(page.len(), Ordering::SeqCst);
        Ok(page)
    }

    async fn read_log(&self, _: u64, _: usize) -> Result<LogPage, ReadError> {
        Err(ReadError::Unavailable("streams only".into()))
    }

    async fn find_outcome(&self, _: &Tenant, _: Uuid, _: &StreamId) -> Result<Option<Appended>, ReadError> {
        Ok(None)
    }

    async fn head(&self) -> Result<u64, ReadError> {
        Err(ReadError::Unavailable("streams only".into()))
    }

    fn wakeups(&self) -> watch::Receiver<u64> {
        watch::Sender::new(0).subscribe()
    }

    async fn verify(&self) -> Result<LogVerification, ReadError> {
        Err(ReadError::Unavailable("streams only".into()))
    }
}
