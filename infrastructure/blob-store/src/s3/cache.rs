//! Copies of blobs on the local disk, within a budget.
//!
//! What was not used for longest goes first. A path that was handed out names a file without a guard: nobody says when
//! they are done with it. So such a copy stays for a while whatever the budget says, which makes the budget a soft one
//! for as long as more than it is in use. Whoever has a copy open when it goes reads it to its end all the same.
//! Deliberately absent: remembering over a restart what was used last. Then, what came first goes first.

use super::S3CacheLimits;
use crate::store::Files;
use application::ports::blob_store::BlobError;
use domain::value::Sha256;
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The copies of one folder.
#[derive(Debug)]
pub(super) struct Cache {
    files: Arc<Files>,
    limits: S3CacheLimits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    copies: HashMap<Sha256, Copied>,
    /// By last use, the oldest first.
    order: BTreeMap<u64, Sha256>,
    /// What they take together.
    bytes: u64,
    /// The next use.
    next: u64,
    /// Blobs that somebody works on. Their copies do not go meanwhile.
    turns: HashMap<Sha256, Line>,
}

/// Those who work on one blob: the first does, the others wait.
#[derive(Debug, Default)]
struct Line {
    lock: Arc<AsyncMutex<()>>,
    length: usize,
}

#[derive(Debug)]
struct Copied {
    bytes: u64,
    /// Its last use.
    used: u64,
    handed_out: Option<Instant>,
}

impl Cache {
    /// The copies that are there.
    pub fn load(files: Arc<Files>, limits: S3CacheLimits) -> Result<Arc<Self>, BlobError> {
        let mut state = State::default();
        for (blob, bytes) in files.all()? {
            state.add(blob, bytes);
        }
        let cache = Self { files, limits, state: Mutex::new(state) };
        cache.shrink(&mut cache.state());
        Ok(Arc::new(cache))
    }

    /// Waits until nobody else in this process works on a blob.
    pub async fn turn(self: &Arc<Self>, blob: Sha256) -> Turn {
        let lock = {
            let mut state = self.state();
            let line = state.turns.entry(blob).or_default();
            line.length += 1;
            Arc::clone(&line.lock)
        };
        // Made before waiting: whoever stops waiting leaves nothing behind either.
        let mut turn = Turn { cache: Arc::clone(self), blob, guard: None };
        turn.guard = Some(lock.lock_owned().await);
        turn
    }

    /// The path of a copy, if there is one.
    pub fn hand_out(&self, blob: &Sha256) -> Option<PathBuf> {
        let path = self.files.path(blob);
        let mut state = self.state();
        let bytes = state.copies.get(blob)?.bytes;
        state.remove(blob);
        // Somebody may tidy up folders of this name.
        if !path.exists() {
            return None;
        }
        state.add(*blob, bytes).handed_out = Some(Instant::now());
        Some(path)
    }

    /// Removes copies until the rest is within the budget, or in use.
    fn shrink(&self, state: &mut State) {
        let mut bytes = state.bytes;
        let mut going = Vec::new();
        for blob in state.order.values() {
            let Some(copy) = state.copies.get(blob).filter(|_| bytes > self.limits.bytes_max) else { break };
            let is_lent = copy.handed_out.is_some_and(|since| since.elapsed() < self.limits.handed_out_for);
            if !is_lent && !state.turns.contains_key(blob) {
                bytes -= copy.bytes;
                going.push(*blob);
            }
        }
        for blob in going {
            // What cannot be removed still takes its room.
            if self.files.remove(&blob).is_ok() {
                state.remove(&blob);
            }
        }
    }

    /// Whether nobody works on a blob.
    #[cfg(test)]
    pub fn is_at_rest(&self) -> bool {
        self.state().turns.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes note of a copy, used now.
    fn add(&mut self, blob: Sha256, bytes: u64) -> &mut Copied {
        self.remove(&blob);
        let used = self.next;
        self.next += 1;
        self.bytes += bytes;
        self.order.insert(used, blob);
        self.copies.entry(blob).insert_entry(Copied { bytes, used, handed_out: None }).into_mut()
    }

    fn remove(&mut self, blob: &Sha256) {
        if let Some(copy) = self.copies.remove(blob) {
            self.order.remove(&copy.used);
            self.bytes -= copy.bytes;
        }
    }
}

/// The right to work on a blob: one at a time.
#[derive(Debug)]
pub(super) struct Turn {
    cache: Arc<Cache>,
    blob: Sha256,
    /// `None` while it waits.
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turn {
    /// Which blob.
    pub fn blob(&self) -> Sha256 {
        self.blob
    }

    /// Makes a complete file of the local file system the copy.
    pub fn place(&self, file: &Path, bytes: u64) -> Result<(), BlobError> {
        self.cache.files.place(file, &self.blob)?;
        let mut state = self.cache.state();
        // A path that was handed out leads to this copy now.
        let handed_out = state.copies.get(&self.blob).and_then(|copy| copy.handed_out);
        state.add(self.blob, bytes).handed_out = handed_out;
        self.cache.shrink(&mut state);
        Ok(())
    }

    /// The path of the copy, if there is one.
    pub fn hand_out(&self) -> Option<PathBuf> {
        self.cache.hand_out(&self.blob)
    }

    /// Removes the copy.
    pub fn forget(&self) -> Result<(), BlobError> {
        self.cache.state().remove(&self.blob);
        self.cache.files.remove(&self.blob)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guard = None;
        let mut state = self.cache.state();
        let Some(line) = state.turns.get_mut(&self.blob) else { return };
        line.length -= 1;
        if line.length == 0 {
            state.turns.remove(&self.blob);
        }
    }
}
