//! The runner: reads the log in batches, folds in memory, writes rows and checkpoints in one step.
//!
//! Each batch is read once for all projections that stand together, though each has a checkpoint of its own. Those that
//! are ahead are never held back by one that is folded anew: it catches up a batch at a time, between theirs. All
//! reading is done before the fold and all writing after it. Two runners of one store do no harm: checkpoints are
//! compared and set, and the one that lost reads them again; so does one whose rows were swapped for others.

use crate::{
    parked::{self, Parked, ParkedKey},
    projection::Projection,
};
use application::ports::{
    event_log::{EventLog, ReadError},
    read_store::{Batch, ReadStore, ReadStoreError},
    shadow_store::SWAPS,
};
use fold::{Folded, fold};
use futures::future::try_join_all;
use pages::Pages;
use progress::Progress;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::sync::watch;

mod fold;
mod pages;
mod progress;
mod rows;

pub use progress::Invalidation;

/// Events folded in one step.
const BATCH: usize = 256;
/// Longest time between two looks at the log: wake-ups are hints.
const POLL: Duration = Duration::from_millis(500);
/// Longest pause after a step: under load, events are gathered, because each step costs a transaction. Half of all events
/// wait for less than half of it.
const GATHER: Duration = Duration::from_millis(8);
/// The pause for each event of the step before: who comes alone waits for nobody.
const GATHER_PER_EVENT: Duration = Duration::from_millis(1);
/// Between two looks at how far another node is that has not come to the log's end yet.
const GLANCE: Duration = Duration::from_millis(20);
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
    /// Rows are of the live set, which can be swapped for another one.
    is_live: bool,
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
        Self { log, store, projections: vec![], batch: BATCH, progress, listeners: vec![], is_live: true }
            .with(crate::all())
    }

    /// Folds the log into shadows of read models: rows that nobody reads, and that nobody hears of.
    pub(crate) fn of_shadows(log: Arc<dyn EventLog>, shadows: Arc<dyn ReadStore>) -> Self {
        Self { is_live: false, ..Self::new(log, shadows) }
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

    /// How many keys were parked when the runner last looked: what it does not fold any more.
    pub fn parked(&self) -> usize {
        self.progress.known().parked.values().map(Parked::len).sum()
    }

    /// Folds everything that is in the log now; returns the position up to which all rows hold.
    pub async fn catch_up(&self) -> Result<u64, RunnerError> {
        self.catch_up_to(u64::MAX).await
    }

    /// Folds what is in the log now up to a position, and nothing after it; returns the position up to which all rows
    /// hold, which is another one if the log or one of the read models is.
    pub async fn catch_up_to(&self, position: u64) -> Result<u64, RunnerError> {
        self.progress.known().is_sure = false;
        self.follow(position).await
    }

    /// Keeps the read models up to date until it is dropped, and returns only what made that impossible.
    pub async fn run(&self) -> RunnerError {
        let mut wakeups = self.log.wakeups();
        let mut reached = 0;
        self.progress.known().is_sure = false;
        loop {
            wakeups.mark_unchanged();
            let events = match self.follow(u64::MAX).await {
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

    /// Looks on while another node keeps the read models up to date: tells listeners of what changed, and how far they are.
    /// Returns only what made that impossible.
    pub async fn watch(&self) -> RunnerError {
        let mut wakeups = self.log.wakeups();
        loop {
            wakeups.mark_unchanged();
            self.progress.known().is_sure = false;
            let (at, head) = match (self.checkpoints().await, self.log.head().await) {
                (Ok(at), Ok(head)) => (at, head),
                (Err(error), _) => return error,
                (_, Err(error)) => return error.into(),
            };
            if at.iter().any(|at| *at < head) {
                tokio::time::sleep(GLANCE).await;
                continue;
            }
            let hint = async {
                if wakeups.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            // Whether there is news or time has passed: look again.
            let _hint = tokio::time::timeout(POLL, hint).await;
        }
    }

    /// Folds all read models anew from the first event.
    pub async fn rebuild(&self) -> Result<u64, RunnerError> {
        for projection in &self.projections {
            self.forget(&**projection).await?;
        }
        self.catch_up().await
    }

    async fn follow(&self, until: u64) -> Result<u64, RunnerError> {
        let mut moved = 0;
        loop {
            let outcome = self.follow_to(until).await;
            if outcome.is_err() {
                self.progress.known().is_sure = false;
            }
            match outcome {
                Err(RunnerError::Store(ReadStoreError::CheckpointMoved { .. })) if moved < MOVED_MAX => moved += 1,
                outcome => return outcome,
            }
        }
    }

    async fn follow_to(&self, until: u64) -> Result<u64, RunnerError> {
        let mut at = self.checkpoints().await?;
        let mut pages = Pages::new(Arc::clone(&self.log), self.batch, until);
        loop {
            let (Some(first), Some(last)) = (at.iter().copied().max(), at.iter().copied().min()) else {
                return Ok(self.log.head().await?);
            };
            let mut is_news = self.page(&mut pages, &mut at, first).await?;
            if last < first {
                is_news |= self.page(&mut pages, &mut at, last).await?;
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
        // Before the checkpoints: a swap after this is noticed when rows are written.
        let swaps = if self.is_live { self.store.checkpoint(SWAPS).await? } else { 0 };
        for projection in &self.projections {
            at.push(self.checkpoint(&**projection, head).await?);
        }
        let parked = self.parked_by_projection().await?;
        self.learn(&at, swaps, parked);
        Ok(at)
    }

    async fn parked_by_projection(&self) -> Result<BTreeMap<&'static str, Parked>, RunnerError> {
        let mut parked = BTreeMap::<_, Parked>::new();
        for row in self.store.query(&parked::TABLE, &[]).await? {
            let name = self.names().find(|name| row.get("projection").is_some_and(|of| of == name));
            if let (Some(name), Some(key)) = (name, ParkedKey::of_row(&row)) {
                parked.entry(name).or_default().add(&key.key, key.position);
            }
        }
        Ok(parked)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.projections.iter().map(|projection| projection.name())
    }

    /// Remembers where the projections were found to stand. Where that is news, somebody else wrote rows.
    fn learn(&self, at: &[u64], swaps: u64, parked: BTreeMap<&'static str, Parked>) {
        let mut known = self.progress.known();
        let is_swapped = std::mem::replace(&mut known.swaps, swaps) != swaps;
        known.parked = parked;
        for (projection, position) in self.projections.iter().zip(at) {
            if known.at.insert(projection.name(), *position) != Some(*position) || is_swapped {
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
    async fn page(&self, pages: &mut Pages, at: &mut [u64], from: u64) -> Result<bool, RunnerError> {
        let page = pages.after(from).await?;
        let to = page.to;
        if to <= from {
            return Ok(false);
        }
        let (swaps, parked) = {
            let known = self.progress.known();
            (known.swaps, known.parked.clone())
        };
        let nothing = Parked::default();
        let standing = || self.projections.iter().zip(&*at).filter(|(_, at)| (from..to).contains(*at));
        let folds = standing().map(|(projection, at)| {
            let parked = parked.get(projection.name()).unwrap_or(&nothing);
            fold(&*self.store, &**projection, parked, *at, &page)
        });
        let mut folded = try_join_all(folds).await?;
        let mut batches: Vec<Batch> = self.is_live.then(|| unswapped(swaps)).into_iter().collect();
        batches.extend(folded.iter_mut().flat_map(|folded| std::mem::take(&mut folded.batches)));
        self.store.apply_all(batches).await?;
        self.tell(folded, to);
        at.iter_mut().filter(|at| (from..to).contains(*at)).for_each(|at| *at = to);
        self.progress.publish(self.names().zip(at.iter().copied()));
        Ok(true)
    }

    fn tell(&self, folded: Vec<Folded>, to: u64) {
        let mut known = self.progress.known();
        for Folded { projection, table, keys, parked, news, .. } in folded {
            known.at.insert(projection, to);
            known.parked.insert(projection, parked);
            for ParkedKey { key, position, event_type, reason } in news {
                let (key, reason) = (serde_json::Value::Array(key), reason.name());
                tracing::error!(projection, %key, position, event_type, reason, "rows of a read model were parked");
            }
            if !keys.is_empty() {
                self.listeners.iter().for_each(|listener| listener.touched(table, &keys, to));
            }
        }
    }
}

/// Nothing is written if rows were swapped since.
fn unswapped(swaps: u64) -> Batch {
    let (projection, table) = (SWAPS, &parked::TABLE);
    Batch { projection, from: swaps, to: swaps, table, upserts: vec![], deletes: vec![] }
}

/// A pause that grows with the load.
fn pause_after(events: u64) -> Duration {
    GATHER_PER_EVENT.saturating_mul(u32::try_from(events).unwrap_or(u32::MAX)).min(GATHER)
}
