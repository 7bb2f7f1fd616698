//! Read models folded anew by hand: in place, or as a shadow that is compared with the live rows, put in their place,
//! and taken back.
//!
//! Nothing hears of a shadow: its runner has no listeners, and only its rows are written. Whatever is interrupted here
//! can be done again from its beginning; live rows change in one transaction or not at all.

mod diff;
mod pace;
#[cfg(test)]
mod tests;

pub use diff::{Diff, RowDiff, Side};
pub use pace::Pace;

use crate::{
    Projection, Runner, RunnerError,
    parked::{self, ParkedKey},
};
use application::ports::{
    event_log::{EventLog, ReadError},
    read_store::{ReadStore, ReadStoreError, Row},
    shadow_store::{ShadowStore, Standing},
};
use pace::Watch;
use std::{sync::Arc, time::Duration};
use thiserror::Error;

/// Events folded in one step: rows are loaded and written once for all of them.
const BATCH: usize = 8_192;
/// How often live rows may move on in between before it is given up.
const MOVED_MAX: u32 = 1_000;
/// Longest time between two words about how far it is.
const TELL: Duration = Duration::from_millis(200);

/// Folds read models anew.
#[derive(Clone)]
pub struct Rebuild {
    log: Arc<dyn EventLog>,
    store: Arc<dyn ReadStore>,
    shadows: Arc<dyn ShadowStore>,
    batch: usize,
}

/// How a read model stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its projection.
    pub name: &'static str,
    /// Its rows.
    pub rows: u64,
    /// Its sets of rows, by their checkpoints.
    pub standing: Standing,
    /// The log's last position.
    pub head: u64,
    /// What of its live rows stands still.
    pub parked: Vec<ParkedKey>,
}

/// Why a read model could not be folded anew, compared or swapped.
#[derive(Debug, Error)]
pub enum RebuildError {
    /// There is no shadow.
    #[error("{0} has no shadow")]
    NoShadow(&'static str),
    /// There was no swap, or it was undone.
    #[error("{0} has no rows of before a swap")]
    NothingBefore(&'static str),
    /// Live rows never stood still for long enough.
    #[error("the rows of {0} changed each time before they could be looked at")]
    Restless(&'static str),
    /// The log or the read models could not be used.
    #[error(transparent)]
    Fold(#[from] RunnerError),
}

impl From<ReadStoreError> for RebuildError {
    fn from(error: ReadStoreError) -> Self {
        Self::Fold(error.into())
    }
}

impl From<ReadError> for RebuildError {
    fn from(error: ReadError) -> Self {
        Self::Fold(error.into())
    }
}

/// Hears how far it is.
pub type Tell<'a> = &'a (dyn Fn(Pace) + Sync);

impl Rebuild {
    /// Of read models over this log. The shadows are of the same store.
    pub fn new(log: Arc<dyn EventLog>, store: Arc<dyn ReadStore>, shadows: Arc<dyn ShadowStore>) -> Self {
        Self { log, store, shadows, batch: BATCH }
    }

    /// Folds at most so many events, and compares at most so many rows, in one step.
    #[must_use]
    pub fn with_batch(self, events: usize) -> Self {
        Self { batch: events.max(1), ..self }
    }

    /// How all read models of this program stand.
    pub async fn list(&self) -> Result<Vec<Model>, RebuildError> {
        let head = self.log.head().await?;
        let all_parked = self.store.query(&parked::TABLE, &[]).await?;
        let mut models = Vec::new();
        for projection in crate::all() {
            let (name, table) = (projection.name(), projection.table());
            let standing = self.shadows.standing(name, table).await?;
            let rows = self.store.count(table, &[]).await?;
            models.push(Model { name, rows, standing, head, parked: parked_of(&all_parked, name) });
        }
        Ok(models)
    }

    /// Empties read models and folds them anew. Queries find the rows that are there meanwhile.
    pub async fn in_place(&self, projections: &[Arc<dyn Projection>], tell: Tell<'_>) -> Result<u64, RebuildError> {
        for projection in projections {
            self.store.reset(projection.name(), projection.table()).await?;
        }
        self.watched(&self.live(projections), (0, u64::MAX), tell).await
    }

    /// Folds shadows anew, in the place of those that are there, up to the end of the log.
    pub async fn shadow(&self, projections: &[Arc<dyn Projection>], tell: Tell<'_>) -> Result<u64, RebuildError> {
        for projection in projections {
            self.shadows.begin(projection.name(), projection.table()).await?;
        }
        self.watched(&self.of_shadows(projections), (0, u64::MAX), tell).await
    }

    /// Compares the shadow with the live rows, each at the same position; both are brought there. Names `samples_max`
    /// rows that differ.
    pub async fn diff(
        &self,
        projection: &Arc<dyn Projection>,
        samples_max: usize,
        tell: Tell<'_>,
    ) -> Result<Diff, RebuildError> {
        diff::diff(self, projection, samples_max, tell).await
    }

    /// Puts the shadow in the live rows' place; returns the position at which that was.
    pub async fn swap(&self, projection: &Arc<dyn Projection>, tell: Tell<'_>) -> Result<u64, RebuildError> {
        let (name, table) = (projection.name(), projection.table());
        for _ in 0..MOVED_MAX {
            let at = self.together(projection, tell).await?;
            match self.shadows.swap(name, table, at).await {
                Err(ReadStoreError::CheckpointMoved { .. }) => {
                    // A store that asks again when its answer was lost hears that the shadow has gone where it should.
                    let standing = self.shadows.standing(name, table).await?;
                    if standing.shadow.is_none() && standing.before == Some(at) {
                        return Ok(at);
                    }
                }
                outcome => return Ok(outcome.map(|()| at)?),
            }
        }
        Err(RebuildError::Restless(name))
    }

    /// Puts back the rows that were live before the last swap, and brings them up to date.
    pub async fn roll_back(&self, projection: &Arc<dyn Projection>, tell: Tell<'_>) -> Result<u64, RebuildError> {
        let (name, table) = (projection.name(), projection.table());
        if !self.shadows.roll_back(name, table).await? {
            return Err(RebuildError::NothingBefore(name));
        }
        let (from, only) = (self.store.checkpoint(name).await?, std::slice::from_ref(projection));
        self.watched(&self.live(only), (from, u64::MAX), tell).await
    }

    /// Drops the shadow.
    pub async fn discard(&self, projection: &Arc<dyn Projection>) -> Result<(), RebuildError> {
        self.require_shadow(projection).await?;
        Ok(self.shadows.discard(projection.name(), projection.table()).await?)
    }

    /// Brings shadow and live rows to one position, at which they may not stay; returns it.
    async fn together(&self, projection: &Arc<dyn Projection>, tell: Tell<'_>) -> Result<u64, RebuildError> {
        let only = std::slice::from_ref(projection);
        for _ in 0..MOVED_MAX {
            let (live, shadow) = self.require_shadow(projection).await?;
            if live == shadow {
                return Ok(live);
            }
            let behind = if shadow < live { self.of_shadows(only) } else { self.live(only) };
            let (from, to) = (live.min(shadow), live.max(shadow));
            if self.watched(&behind, (from, to), tell).await? < to {
                // The other one was folded from a log that is gone: runners forget such rows.
                self.watched(&self.live(only), (0, u64::MAX), tell).await?;
                self.watched(&self.of_shadows(only), (0, u64::MAX), tell).await?;
            }
        }
        Err(RebuildError::Restless(projection.name()))
    }

    /// The checkpoints of the live rows and of the shadow.
    async fn require_shadow(&self, projection: &Arc<dyn Projection>) -> Result<(u64, u64), RebuildError> {
        let standing = self.shadows.standing(projection.name(), projection.table()).await?;
        standing.shadow.map(|shadow| (standing.live, shadow)).ok_or(RebuildError::NoShadow(projection.name()))
    }

    fn live(&self, projections: &[Arc<dyn Projection>]) -> Runner {
        let runner = Runner::new(Arc::clone(&self.log), Arc::clone(&self.store));
        runner.with(projections.to_vec()).with_batch(self.batch)
    }

    fn of_shadows(&self, projections: &[Arc<dyn Projection>]) -> Runner {
        let runner = Runner::of_shadows(Arc::clone(&self.log), self.shadows.shadows());
        runner.with(projections.to_vec()).with_batch(self.batch)
    }

    /// Lets a runner catch up to a position or the end of the log, and says meanwhile how far it is.
    async fn watched(&self, runner: &Runner, (from, until): (u64, u64), tell: Tell<'_>) -> Result<u64, RebuildError> {
        let watch = Watch::begin(from, self.log.head().await?.min(until));
        let mut applied = runner.applied();
        let mut work = std::pin::pin!(runner.catch_up_to(until));
        let mut ticks = tokio::time::interval(TELL);
        loop {
            tokio::select! {
                outcome = &mut work => {
                    let reached = outcome?;
                    tell(watch.end(reached));
                    return Ok(reached);
                }
                _ = ticks.tick() => watch.pace(*applied.borrow_and_update()).into_iter().for_each(tell),
            }
        }
    }
}

fn parked_of(rows: &[Row], projection: &str) -> Vec<ParkedKey> {
    let is_its = |row: &&Row| row.get("projection").is_some_and(|of| of == projection);
    rows.iter().filter(is_its).filter_map(ParkedKey::of_row).collect()
}
