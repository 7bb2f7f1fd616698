//! How far each projection is, for those who wait; and who wants to hear which rows changed.

use crate::parked::Parked;
use application::ports::read_store::RowKey;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Hears which rows changed: a cache of rows drops them.
///
/// Called after the rows are written and before [`super::Runner::applied`] says so. Who reads a row, and keeps it,
/// notes `applied` before it reads: what it read may be older than an invalidation that it hears meanwhile.
pub trait Invalidation: Send + Sync {
    /// The rows with these keys were written or removed, by events up to `position`.
    fn touched(&self, table: &'static str, keys: &[RowKey], position: u64);

    /// Any row of the table may be another one: it is folded anew, or another runner wrote to it.
    fn forgotten(&self, table: &'static str);
}

/// How far the projections are.
pub(super) struct Progress {
    applied: watch::Sender<u64>,
    by_projection: BTreeMap<&'static str, watch::Sender<u64>>,
    known: Mutex<Known>,
}

/// What is known of the checkpoints in the store.
#[derive(Default)]
pub(super) struct Known {
    /// As they were last read or written, by projection.
    pub at: BTreeMap<&'static str, u64>,
    /// How often rows had been swapped by then.
    pub swaps: u64,
    /// What stands still, by projection.
    pub parked: BTreeMap<&'static str, Parked>,
    /// Nobody else is known to have moved them since.
    pub is_sure: bool,
}

impl Progress {
    /// For projections of these names.
    pub fn new(projections: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            applied: watch::Sender::new(0),
            by_projection: projections.into_iter().map(|name| (name, watch::Sender::new(0))).collect(),
            known: Mutex::default(),
        }
    }

    /// What is known of the checkpoints.
    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far all of them are.
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// How far one projection is; `None` when there is none of that name.
    pub fn applied_to(&self, projection: &str) -> Option<watch::Receiver<u64>> {
        self.by_projection.get(projection).map(watch::Sender::subscribe)
    }

    /// Says how far the projections are. Those who wait are woken up by news only.
    pub fn publish(&self, positions: impl IntoIterator<Item = (&'static str, u64)>) {
        let mut least = None;
        for (projection, position) in positions {
            least = Some(least.map_or(position, |least: u64| least.min(position)));
            if let Some(sender) = self.by_projection.get(projection) {
                tell(sender, position);
            }
        }
        least.into_iter().for_each(|position| tell(&self.applied, position));
    }
}

fn tell(sender: &watch::Sender<u64>, position: u64) {
    sender.send_if_modified(|known| std::mem::replace(known, position) != position);
}
