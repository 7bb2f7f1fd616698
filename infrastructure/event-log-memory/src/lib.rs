//! An event log in memory, for tests and trials. It stores the same rows as the durable logs, so that
//! names, sealing and hashes are exercised too. Deliberately absent: any durability.

use application::ports::{
    clock::Clock,
    event_log::{
        Append, AppendError, Appended, EventLog, LogPage, LogVerification, ReadError, Recorded, StreamId, Tenant, wake,
    },
};
use async_trait::async_trait;
use event_codec::{Audit, EventCodec, Link, Outcome, Prepared, Row, Tail, Verdict};
use nodes::Nodes;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{RwLock, watch};
use uuid::Uuid;

mod nodes;
#[cfg(test)]
mod tests;

/// An event log in memory.
pub struct MemoryEventLog {
    codec: EventCodec,
    clock: Arc<dyn Clock>,
    store: Mutex<Store>,
    wakeups: watch::Sender<u64>,
    files: Arc<RwLock<()>>,
    /// Turns at blobs that are kept already.
    blobs: Arc<RwLock<()>>,
    set_up: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Store {
    /// In order of position; the first has position 1.
    rows: Vec<Row>,
    /// Indices into `rows`, in order of revision.
    streams: BTreeMap<String, Vec<usize>>,
    outcomes: HashMap<(Tenant, Uuid, StreamId), Outcome>,
    nodes: Nodes,
}

impl MemoryEventLog {
    /// An empty log.
    pub fn new(codec: EventCodec, clock: Arc<dyn Clock>) -> Self {
        Self {
            codec,
            clock,
            store: Mutex::default(),
            wakeups: watch::Sender::new(0),
            files: Arc::default(),
            blobs: Arc::default(),
            set_up: Arc::default(),
        }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decode(&self, rows: Vec<Row>) -> Result<Vec<Recorded>, ReadError> {
        rows.into_iter().map(|row| self.codec.decode(row)).collect()
    }
}

impl Store {
    fn head(&self) -> u64 {
        self.rows.len() as u64
    }

    fn tail(&self, stream: &str) -> Tail {
        let last = self.streams.get(stream).and_then(|places| places.last()).and_then(|place| self.rows.get(*place));
        last.map_or(Tail::EMPTY, |row| Tail { revision: row.content.revision, hash: row.hash })
    }

    fn write(&mut self, prepared: &Prepared, clock: &dyn Clock) -> Result<Appended, AppendError> {
        let command = (prepared.tenant.clone(), prepared.command_id, prepared.stream.clone());
        let stream = prepared.stream.to_string();
        let tail = self.tail(&stream);
        match prepared.judge(self.outcomes.get(&command), &tail, self.nodes.is_fenced(prepared.under.as_ref())) {
            Verdict::Replayed(first) => return Ok(first),
            Verdict::Refused(error) => return Err(error),
            Verdict::Write => {}
        }
        let now = clock.now();
        let recorded_at = self.rows.last().map_or(now, |row| row.recorded_at.max(now));
        let (end, rows) = prepared.chain(&tail, self.head(), recorded_at);
        let places = self.rows.len()..self.rows.len() + rows.len();
        self.rows.extend(rows);
        self.streams.entry(stream).or_default().extend(places);
        let (fingerprint, position, Tail { revision, hash }) = (prepared.fingerprint, self.head(), end);
        self.outcomes.insert(command, Outcome { fingerprint, position, revision, hash });
        Ok(Appended { position, revision, hash, replayed: false })
    }
}

#[async_trait]
impl EventLog for MemoryEventLog {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let prepared = self.codec.prepare(append).map_err(|error| AppendError::Unavailable(error.into()))?;
        let appended = self.store().write(&prepared, self.clock.as_ref())?;
        if !appended.replayed {
            wake(&self.wakeups, appended.position);
        }
        Ok(appended)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let rows = {
            let store = self.store();
            let places = store.streams.get(&stream.to_string()).map_or(&[][..], Vec::as_slice);
            let from = usize::try_from(from_revision.saturating_sub(1)).unwrap_or(usize::MAX);
            places.iter().skip(from).take(limit).filter_map(|place| store.rows.get(*place)).cloned().collect()
        };
        self.decode(rows)
    }

    async fn read_log(&self, after: u64, limit: usize) -> Result<LogPage, ReadError> {
        let (rows, head): (Vec<Row>, u64) = {
            let store = self.store();
            let from = usize::try_from(after).unwrap_or(usize::MAX);
            (store.rows.iter().skip(from).take(limit).cloned().collect(), store.head())
        };
        let scanned_to = rows.last().map_or(after, |row| row.position);
        Ok(LogPage { events: self.decode(rows)?, scanned_to, head })
    }

    async fn owner_of(&self, stream: &StreamId) -> Result<Option<(Tenant, String)>, ReadError> {
        let store = self.store();
        let first = store.streams.get(&stream.to_string()).and_then(|places| store.rows.get(*places.first()?));
        Ok(first.map(|row| (Tenant(row.content.tenant.clone()), row.content.actor.clone())))
    }

    async fn find_outcome(
        &self,
        tenant: &Tenant,
        command_id: Uuid,
        stream: &StreamId,
    ) -> Result<Option<Appended>, ReadError> {
        let command = (tenant.clone(), command_id, stream.clone());
        let known = self.store().outcomes.get(&command).copied();
        Ok(known.as_ref().map(Outcome::replayed))
    }

    async fn head(&self) -> Result<u64, ReadError> {
        Ok(self.store().head())
    }

    fn wakeups(&self) -> watch::Receiver<u64> {
        self.wakeups.subscribe()
    }

    async fn verify(&self) -> Result<LogVerification, ReadError> {
        let store = self.store();
        let mut audit = Audit::new(&self.codec);
        store.rows.iter().for_each(|row| audit.row(row));
        for row in store.streams.values().flatten().filter_map(|place| store.rows.get(*place)) {
            audit.link(Link {
                position: row.position,
                stream: row.content.stream.clone(),
                revision: row.content.revision,
                prev_hash: row.prev_hash,
                hash: row.hash,
            });
        }
        Ok(audit.finish())
    }
}
