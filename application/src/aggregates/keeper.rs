//! Snapshots of long streams: when one is taken, and whether one that was taken still fits.
//!
//! A snapshot is an aid. Whatever goes wrong with one is logged, and the state is folded from the log.

use super::{Aggregate, Loaded};
use crate::{
    causes::with_causes,
    ports::{
        event_log::{Recorded, StreamId},
        snapshots::{Snapshot, SnapshotError, Snapshots},
    },
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// A state that is so many events beyond its newest snapshot gets another one.
pub const SNAPSHOT_EVERY: u64 = 256;
/// Snapshots that are taken at the same time. While there are so many, no other one is begun: the stream's next event
/// gives another opportunity.
const TAKEN_AT_ONCE_MAX: usize = 2;
/// A state of more bytes is not kept.
const STATE_BYTES_MAX: usize = 64 << 20;
/// How long a load waits for a snapshot before it does without.
const LOAD_MAX: Duration = Duration::from_secs(2);
/// How long one may take to be saved.
const SAVE_MAX: Duration = Duration::from_secs(30);

/// Takes snapshots and finds them again.
pub struct Keeper {
    store: Arc<dyn Snapshots>,
    room: Arc<Semaphore>,
}

impl Keeper {
    /// Over these snapshots.
    pub fn new(store: Arc<dyn Snapshots>) -> Self {
        Self { store, room: Arc::new(Semaphore::new(TAKEN_AT_ONCE_MAX)) }
    }

    /// The state that was kept of a stream; whether the log agrees is yet to be seen.
    pub async fn recall<A: Aggregate>(&self, stream: &StreamId) -> Option<Loaded<A>> {
        let found = in_time(LOAD_MAX, self.store.load(stream, A::STATE_VERSION)).await;
        let snapshot = match found {
            Ok(snapshot) => snapshot?,
            Err(error) => {
                tracing::warn!(%stream, error = with_causes(&error), "a snapshot could not be loaded");
                return None;
            }
        };
        let Snapshot { revision, hash, tenant, traceparent, state } = snapshot;
        let state = spawn_blocking(move || serde_json::from_slice(&state)).await;
        let Ok(Ok(state)) = state else {
            tracing::warn!(%stream, revision, "a snapshot cannot be read, and is passed over");
            return None;
        };
        let state = Arc::new(state);
        Some(Loaded { state, revision, hash, tenant: Some(tenant), traceparent, kept: revision })
    }

    /// Takes a snapshot in the background, if the newest one is far behind.
    pub fn keep<A: Aggregate>(&self, stream: &StreamId, loaded: &mut Loaded<A>) {
        let Some(tenant) = loaded.tenant.clone().filter(|_| loaded.revision >= loaded.kept + SNAPSHOT_EVERY) else {
            return;
        };
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            return;
        };
        loaded.kept = loaded.revision;
        let (store, stream, state) = (Arc::clone(&self.store), stream.clone(), Arc::clone(&loaded.state));
        let (revision, hash, traceparent) = (loaded.revision, loaded.hash, loaded.traceparent.clone());
        tokio::spawn(async move {
            let _place = place;
            let Some(state) = written(state).await else {
                tracing::warn!(%stream, revision, "a state cannot be kept");
                return;
            };
            let snapshot = Snapshot { revision, hash, tenant, traceparent, state };
            if let Err(error) = in_time(SAVE_MAX, store.save(&stream, A::STATE_VERSION, &snapshot)).await {
                tracing::warn!(%stream, revision, error = with_causes(&error), "a snapshot could not be saved");
            }
        });
    }
}

async fn in_time<T>(
    limit: Duration,
    asked: impl Future<Output = Result<T, SnapshotError>>,
) -> Result<T, SnapshotError> {
    timeout(limit, asked).await.unwrap_or_else(|late| Err(SnapshotError(Box::new(late))))
}

/// The state as bytes; `None` when there are too many.
async fn written<A: Aggregate>(state: Arc<A>) -> Option<Vec<u8>> {
    let bytes = spawn_blocking(move || serde_json::to_vec(&*state)).await;
    bytes.ok()?.ok().filter(|bytes| bytes.len() <= STATE_BYTES_MAX)
}

/// The events after a state that was kept; `None` when the log has another event, or none, where it was taken. The page
/// begins with that event.
pub fn after<'a, A>(kept: &Loaded<A>, page: &'a [Recorded]) -> Option<&'a [Recorded]> {
    let (at, after) = page.split_first()?;
    (at.revision == kept.revision && at.hash == kept.hash).then_some(after)
}
