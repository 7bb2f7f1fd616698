//! The runner: reads the log in batches, folds in memory, writes rows and checkpoint in one step.
//!
//! Each batch is read once for all projections, though each has a checkpoint of its own. All reading is
//! done before the fold and all writing after it. Two runners of one store do no harm: the checkpoint is
//! compared and set, and the one that lost reads it again.

use crate::projection::{Projection, Touched};
use application::ports::{
    event_log::{EventLog, ReadError, Recorded},
    read_store::{Batch, ReadStore, ReadStoreError, Row, RowKey},
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use thiserror::Error;

/// Events folded in one step.
const BATCH: usize = 256;
/// Longest time between two looks at the log: wake-ups are hints.
const POLL: Duration = Duration::from_millis(500);
/// How long to gather events after a wake-up: they come in bursts, and each step costs a transaction.
const GATHER: Duration = Duration::from_millis(50);
/// How often in a row another runner may be first before something must be wrong.
const MOVED_MAX: u32 = 1_000;

/// Keeps read models up to date with a log.
#[derive(Clone)]
pub struct Runner {
    log: Arc<dyn EventLog>,
    store: Arc<dyn ReadStore>,
    projections: Vec<Arc<dyn Projection>>,
    batch: usize,
}

/// Why read models could not be brought up to date.
#[derive(Debug, Error)]
pub enum RunnerError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The read models could not be read or written.
    #[error(transparent)]
    Store(#[from] ReadStoreError),
}

impl RunnerError {
    /// Whether the disk is full.
    pub fn is_out_of_room(&self) -> bool {
        matches!(self, Self::Store(ReadStoreError::OutOfRoom))
    }
}

impl Runner {
    /// Folds the log into all read models of this program.
    pub fn new(log: Arc<dyn EventLog>, store: Arc<dyn ReadStore>) -> Self {
        Self { log, store, projections: crate::all(), batch: BATCH }
    }

    /// Folds the log into these read models only.
    #[must_use]
    pub fn with(self, projections: Vec<Arc<dyn Projection>>) -> Self {
        Self { projections, ..self }
    }

    /// Folds at most so many events in one step.
    #[must_use]
    pub fn with_batch(self, events: usize) -> Self {
        Self { batch: events.max(1), ..self }
    }

    /// Folds everything that is in the log now; returns the position up to which all rows hold.
    pub async fn catch_up(&self) -> Result<u64, RunnerError> {
        let mut moved = 0;
        loop {
            match self.follow_to_head().await {
                Err(RunnerError::Store(ReadStoreError::CheckpointMoved { .. })) if moved < MOVED_MAX => moved += 1,
                outcome => return outcome,
            }
        }
    }

    /// Keeps the read models up to date until it is dropped, and returns only what made that impossible.
    pub async fn run(&self) -> RunnerError {
        let mut wakeups = self.log.wakeups();
        loop {
            wakeups.mark_unchanged();
            if let Err(error) = self.catch_up().await {
                return error;
            }
            match tokio::time::timeout(POLL, wakeups.changed()).await {
                Ok(Ok(())) => tokio::time::sleep(GATHER).await,
                // Nobody wakes us up any more: the log is looked at all the same.
                Ok(Err(_)) => tokio::time::sleep(POLL).await,
                Err(_elapsed) => {}
            }
        }
    }

    /// Folds all read models anew from the first event.
    pub async fn rebuild(&self) -> Result<u64, RunnerError> {
        for projection in &self.projections {
            self.store.reset(projection.name(), projection.table()).await?;
        }
        self.catch_up().await
    }

    async fn follow_to_head(&self) -> Result<u64, RunnerError> {
        let mut checkpoints = Vec::with_capacity(self.projections.len());
        let head = self.log.head().await?;
        for projection in &self.projections {
            checkpoints.push(self.checkpoint(&**projection, head).await?);
        }
        loop {
            let from = checkpoints.iter().copied().min().unwrap_or(head);
            let page = self.log.read_log(from, self.batch).await?;
            if page.scanned_to <= from {
                return Ok(from);
            }
            for (projection, checkpoint) in self.projections.iter().zip(&mut checkpoints) {
                if *checkpoint < page.scanned_to {
                    self.step(&**projection, *checkpoint, page.scanned_to, &page.events).await?;
                    *checkpoint = page.scanned_to;
                }
            }
        }
    }

    /// Where a projection stands. One that is ahead of the log was folded from another one, which is
    /// gone: its rows are worth nothing.
    async fn checkpoint(&self, projection: &dyn Projection, head: u64) -> Result<u64, RunnerError> {
        let checkpoint = self.store.checkpoint(projection.name()).await?;
        // The head was read first, and another runner may have gone on since.
        if checkpoint <= head || checkpoint <= self.log.head().await? {
            return Ok(checkpoint);
        }
        self.store.reset(projection.name(), projection.table()).await?;
        Ok(0)
    }

    /// Folds the events after `from` into one read model.
    async fn step(
        &self,
        projection: &dyn Projection,
        from: u64,
        to: u64,
        events: &[Recorded],
    ) -> Result<(), RunnerError> {
        let news: Vec<(&Recorded, Touched)> = events
            .iter()
            .filter(|event| event.position > from)
            .map(|event| (event, projection.touches(event)))
            .collect();
        let mut rows = self.load(projection, &news).await?;
        for (event, touched) in &news {
            rows.fold(projection, event, touched);
        }
        let (upserts, deletes) = rows.changes();
        let (projection, table) = (projection.name(), projection.table());
        self.store.apply(Batch { projection, from, to, table, upserts, deletes }).await?;
        Ok(())
    }

    /// Every stored row that the events may change.
    async fn load(&self, projection: &dyn Projection, news: &[(&Recorded, Touched)]) -> Result<Rows, RunnerError> {
        let table = projection.table();
        let mut rows = Rows::default();
        let mut wanted = BTreeMap::new();
        let mut prefixes = BTreeMap::new();
        for (_, touched) in news {
            wanted.extend(touched.keys.iter().map(|key| (name(key), key.clone())));
            prefixes.extend(touched.beneath.iter().map(|prefix| (name(prefix), prefix)));
        }
        let keys: Vec<RowKey> = wanted.into_values().collect();
        let found = if keys.is_empty() { vec![] } else { self.store.load(table, &keys).await? };
        for (key, row) in keys.into_iter().zip(found) {
            rows.insert(key, row);
        }
        for prefix in prefixes.into_values() {
            let filter: Vec<_> = table.key.iter().copied().zip(prefix.iter().cloned()).collect();
            for row in self.store.query(table, &filter).await? {
                let key = table.key.iter().map(|column| row.get(*column).cloned().unwrap_or(Value::Null)).collect();
                rows.insert(key, Some(row));
            }
        }
        Ok(rows)
    }
}

/// Rows in memory, by the text of their keys.
#[derive(Default)]
struct Rows {
    rows: BTreeMap<String, Held>,
}

struct Held {
    key: RowKey,
    stored: Option<Row>,
    now: Option<Row>,
}

impl Rows {
    fn insert(&mut self, key: RowKey, stored: Option<Row>) {
        self.rows.entry(name(&key)).or_insert_with(|| Held { key, now: stored.clone(), stored });
    }

    fn fold(&mut self, projection: &dyn Projection, event: &Recorded, touched: &Touched) {
        for key in &touched.keys {
            if let Some(held) = self.rows.get_mut(&name(key)) {
                held.now = projection.apply(held.now.take(), key, event);
            }
        }
        let Some(prefix) = &touched.beneath else {
            return;
        };
        for held in self.rows.values_mut().filter(|held| held.now.is_some() && held.key.starts_with(prefix)) {
            if !touched.keys.contains(&held.key) {
                held.now = projection.apply(held.now.take(), &held.key, event);
            }
        }
    }

    /// Rows to write and keys of rows to remove.
    fn changes(self) -> (Vec<Row>, Vec<RowKey>) {
        let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
        for Held { key, stored, now } in self.rows.into_values() {
            match (stored, now) {
                (stored, Some(now)) if stored.as_ref() != Some(&now) => upserts.push(now),
                (Some(_), None) => deletes.push(key),
                (Some(_), Some(_)) | (None, None | Some(_)) => {}
            }
        }
        (upserts, deletes)
    }
}

/// A key as text: keys are equal if and only if their texts are.
fn name(key: &RowKey) -> String {
    Value::from(key.clone()).to_string()
}
