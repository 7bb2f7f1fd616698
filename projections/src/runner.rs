//! The runner: reads the log in batches, folds in memory, writes rows and checkpoints in one step.
//!
//! Each batch is read once for all projections that stand together, though each has a checkpoint of its own. Those that
//! are ahead are never held back by one that is folded anew: it catches up a batch at a time, between theirs. All
//! reading is done before the fold and all writing after it. Two runners of one store do no harm: checkpoints are
//! compared and set, and the one that lost reads them again.

use crate::projection::{Projection, Touched};
use application::ports::{
    event_log::{EventLog, ReadError, Recorded},
    read_store::{Batch, ReadStore, ReadStoreError, RowKey},
};
use progress::Progress;
use rows::{Changes, Rows};
use std::{sync::Arc, time::Duration};
use thiserror::Error;
use tokio::sync::watch;

mod progress;
mod rows;

pub use progress::Invalidation;

/// Events folded in one step.
const BATCH: usize = 256;
/// Longest time between two looks at the log: wake-ups are hints.
const POLL: Duration = Duration::from_millis(500);
/// Longest pause after a step: under load, events are gathered, because each step costs a transaction.
const GATHER: Duration = Duration::from_millis(50);
/// The pause for each event of the step before: who comes alone waits for nobody.
const GATHER_PER_EVENT: Duration = Duration::from_millis(1);
/// How often in a row another runner may be first before something must be wrong.
const MOVED_MAX: u32 = 1_000;

/// Keeps read models up to date with a log.
#[derive(Clone)]
pub struct Runner {
    log: Arc<dyn EventLog>,
    store: Arc<dyn ReadStore>,
    projections: Vec<Arc<dyn Projection>>,
    batch: usize,
    progress: Arc<Progress>,
    listeners: Vec<Arc<dyn Invalidation>>,
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
        let progress = Arc::new(Progress::new([]));
        Self { log, store, projections: vec![], batch: BATCH, progress, listeners: vec![] }.with(crate::all())
    }

    /// Folds the log into these read models only.
    #[must_use]
    pub fn with(self, projections: Vec<Arc<dyn Projection>>) -> Self {
        let progress = Arc::new(Progress::new(projections.iter().map(|projection| projection.name())));
        Self { projections, progress, ..self }
    }

    /// Tells somebody which rows change.
    #[must_use]
    pub fn telling(mut self, listener: Arc<dyn Invalidation>) -> Self {
        self.listeners.push(listener);
        self
    }

    /// The position up to which the rows of all read models hold, for this runner and its clones; 0 before the first
    /// step.
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.progress.applied()
    }

    /// The position up to which the rows of one read model hold; `None` when there is none of that name.
    pub fn applied_to(&self, projection: &str) -> Option<watch::Receiver<u64>> {
        self.progress.applied_to(projection)
    }

    /// Folds at most so many events in one step.
    #[must_use]
    pub fn with_batch(self, events: usize) -> Self {
        Self { batch: events.max(1), ..self }
    }

    /// Folds everything that is in the log now; returns the position up to which all rows hold.
    pub async fn catch_up(&self) -> Result<u64, RunnerError> {
        self.progress.known().is_sure = false;
        self.follow().await
    }

    /// Keeps the read models up to date until it is dropped, and returns only what made that impossible.
    pub async fn run(&self) -> RunnerError {
        let mut wakeups = self.log.wakeups();
        let mut reached = 0;
        self.progress.known().is_sure = false;
        loop {
            wakeups.mark_unchanged();
            let events = match self.follow().await {
                Ok(position) => position.saturating_sub(std::mem::replace(&mut reached, position)),
                Err(error) => return error,
            };
            tokio::time::sleep(pause_after(events)).await;
            match tokio::time::timeout(POLL, wakeups.changed()).await {
                Ok(Ok(())) => {}
                // Nobody wakes us up any more: the log is looked at all the same.
                Ok(Err(_)) => tokio::time::sleep(POLL).await,
                // There is time to see whether somebody else moved the checkpoints.
                Err(_elapsed) => self.progress.known().is_sure = false,
            }
        }
    }

    /// Folds all read models anew from the first event.
    pub async fn rebuild(&self) -> Result<u64, RunnerError> {
        for projection in &self.projections {
            self.forget(&**projection).await?;
        }
        self.catch_up().await
    }

    async fn follow(&self) -> Result<u64, RunnerError> {
        let mut moved = 0;
        loop {
            let outcome = self.follow_to_head().await;
            if outcome.is_err() {
                self.progress.known().is_sure = false;
            }
            match outcome {
                Err(RunnerError::Store(ReadStoreError::CheckpointMoved { .. })) if moved < MOVED_MAX => moved += 1,
                outcome => return outcome,
            }
        }
    }

    async fn follow_to_head(&self) -> Result<u64, RunnerError> {
        let mut at = self.checkpoints().await?;
        loop {
            let (Some(first), Some(last)) = (at.iter().copied().max(), at.iter().copied().min()) else {
                return Ok(self.log.head().await?);
            };
            let mut is_news = self.page(&mut at, first).await?;
            if last < first {
                is_news |= self.page(&mut at, last).await?;
            }
            if !is_news {
                return Ok(last);
            }
        }
    }

    /// Where the projections stand, in their order.
    async fn checkpoints(&self) -> Result<Vec<u64>, RunnerError> {
        if self.progress.known().is_sure {
            let known = self.progress.known();
            return Ok(self.names().map(|name| known.at.get(name).copied().unwrap_or(0)).collect());
        }
        let mut at = Vec::with_capacity(self.projections.len());
        let head = self.log.head().await?;
        for projection in &self.projections {
            at.push(self.checkpoint(&**projection, head).await?);
        }
        self.learn(&at);
        Ok(at)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.projections.iter().map(|projection| projection.name())
    }

    /// Remembers where the projections were found to stand. Where that is news, somebody else wrote rows.
    fn learn(&self, at: &[u64]) {
        let mut known = self.progress.known();
        for (projection, position) in self.projections.iter().zip(at) {
            if known.at.insert(projection.name(), *position) != Some(*position) {
                self.listeners.iter().for_each(|listener| listener.forgotten(projection.table().name));
            }
        }
        known.is_sure = true;
        drop(known);
        self.progress.publish(self.names().zip(at.iter().copied()));
    }

    /// Where a projection stands. One that is ahead of the log was folded from another one, which is
    /// gone: its rows are worth nothing.
    async fn checkpoint(&self, projection: &dyn Projection, head: u64) -> Result<u64, RunnerError> {
        let checkpoint = self.store.checkpoint(projection.name()).await?;
        // The head was read first, and another runner may have gone on since.
        if checkpoint <= head || checkpoint <= self.log.head().await? {
            return Ok(checkpoint);
        }
        self.forget(projection).await?;
        Ok(0)
    }

    async fn forget(&self, projection: &dyn Projection) -> Result<(), RunnerError> {
        self.store.reset(projection.name(), projection.table()).await?;
        self.listeners.iter().for_each(|listener| listener.forgotten(projection.table().name));
        Ok(())
    }

    /// Reads the events after a position, and folds them into all read models that stand there or among them; `false`
    /// when there are none.
    async fn page(&self, at: &mut [u64], from: u64) -> Result<bool, RunnerError> {
        let page = self.log.read_log(from, self.batch).await?;
        let to = page.scanned_to;
        if to <= from {
            return Ok(false);
        }
        let (mut batches, mut touched) = (Vec::new(), Vec::new());
        for (projection, at) in self.projections.iter().zip(&mut *at).filter(|(_, at)| (from..to).contains(at)) {
            let Changes { upserts, deletes, keys } = self.fold(&**projection, *at, &page.events).await?;
            let (name, table) = (projection.name(), projection.table());
            batches.push(Batch { projection: name, from: *at, to, table, upserts, deletes });
            touched.push((name, table.name, keys));
            *at = to;
        }
        self.store.apply_all(batches).await?;
        self.tell(&touched, to);
        self.progress.publish(self.names().zip(at.iter().copied()));
        Ok(true)
    }

    fn tell(&self, touched: &[(&'static str, &'static str, Vec<RowKey>)], to: u64) {
        let mut known = self.progress.known();
        for (projection, table, keys) in touched {
            known.at.insert(projection, to);
            if !keys.is_empty() {
                self.listeners.iter().for_each(|listener| listener.touched(table, keys, to));
            }
        }
    }

    /// Folds the events after `from` into one read model.
    async fn fold(&self, projection: &dyn Projection, from: u64, events: &[Recorded]) -> Result<Changes, RunnerError> {
        let news: Vec<(&Recorded, Touched)> = events
            .iter()
            .filter(|event| event.position > from)
            .map(|event| (event, projection.touches(event)))
            .filter(|(_, touched)| *touched != Touched::none())
            .collect();
        let mut rows = Rows::load(&*self.store, projection, &news).await?;
        for (event, touched) in &news {
            rows.fold(projection, event, touched);
        }
        Ok(rows.changes())
    }
}

/// A pause that grows with the load.
fn pause_after(events: u64) -> Duration {
    GATHER_PER_EVENT.saturating_mul(u32::try_from(events).unwrap_or(u32::MAX)).min(GATHER)
}
