//! States that were folded lately, so that the next load reads only what came after.

use super::Loaded;
use crate::ports::event_log::StreamId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// States kept of each kind. The least lately used half goes when there are more.
const KEPT_MAX: usize = 1_024;

/// States of one kind of aggregate.
#[derive(Debug)]
pub struct Cache<S> {
    kept: Mutex<Kept<S>>,
}

#[derive(Debug)]
struct Kept<S> {
    states: HashMap<StreamId, (Loaded<S>, u64)>,
    /// Counts uses: the higher, the later.
    uses: u64,
}

impl<S> Default for Cache<S> {
    fn default() -> Self {
        Self { kept: Mutex::new(Kept { states: HashMap::new(), uses: 0 }) }
    }
}

impl<S: Clone> Cache<S> {
    /// A state that was put here.
    pub(super) fn get(&self, stream: &StreamId) -> Option<Loaded<S>> {
        let mut kept = self.kept();
        kept.uses += 1;
        let now = kept.uses;
        let (loaded, used) = kept.states.get_mut(stream)?;
        *used = now;
        Some(loaded.clone())
    }

    /// Keeps a state, unless a newer one is kept already.
    pub(super) fn put(&self, stream: &StreamId, loaded: &Loaded<S>) {
        self.kept().put(stream, loaded);
    }

    /// Keeps no state of this stream any more.
    pub(super) fn forget(&self, stream: &StreamId) {
        self.kept().states.remove(stream);
    }

    /// Changes a state that was got from here, and keeps what becomes of it. Where nobody else holds it nothing is
    /// copied, so that a change of a large state costs no more than one of a small one.
    pub(super) fn change(&self, stream: &StreamId, mut loaded: Loaded<S>, change: impl FnOnce(&mut Loaded<S>)) {
        let mut kept = self.kept();
        if kept.is_only_here_and(stream, &loaded) {
            // Nothing is kept meanwhile: should the change panic, no half of it stays.
            kept.states.remove(stream);
            change(&mut loaded);
            kept.put(stream, &loaded);
        } else {
            drop(kept);
            change(&mut loaded);
            self.put(stream, &loaded);
        }
    }

    /// What is kept is valid at every moment, so a panic elsewhere does not spoil it.
    fn kept(&self) -> MutexGuard<'_, Kept<S>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Clone> Kept<S> {
    fn put(&mut self, stream: &StreamId, loaded: &Loaded<S>) {
        self.uses += 1;
        let now = self.uses;
        if self.states.len() >= KEPT_MAX && !self.states.contains_key(stream) {
            self.forget_half();
        }
        let newest = self.states.entry(stream.clone()).or_insert_with(|| (loaded.clone(), now));
        if newest.0.revision < loaded.revision {
            *newest = (loaded.clone(), now);
        }
    }

    fn is_only_here_and(&self, stream: &StreamId, loaded: &Loaded<S>) -> bool {
        let kept = self.states.get(stream).map(|(kept, _)| &kept.state);
        kept.is_some_and(|kept| Arc::ptr_eq(kept, &loaded.state) && Arc::strong_count(kept) == 2)
    }
    fn forget_half(&mut self) {
        let mut used: Vec<u64> = self.states.values().map(|(_, used)| *used).collect();
        used.sort_unstable();
        let middle = used.get(used.len() / 2).copied().unwrap_or(0);
        self.states.retain(|_, (_, used)| *used >= middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{project::Project, value::ProjectId};
    use uuid::Uuid;

    fn stream(number: usize) -> StreamId {
        StreamId::Project(ProjectId(Uuid::from_u128(number as u128)))
    }

    fn at(revision: u64) -> Loaded<Project> {
        Loaded { revision, ..Loaded::nothing() }
    }

    #[test]
    fn an_older_state_never_replaces_a_newer_one() {
        let cache = Cache::default();
        cache.put(&stream(1), &at(5));
        cache.put(&stream(1), &at(3));
        assert_eq!(cache.get(&stream(1)).map(|loaded| loaded.revision), Some(5));
    }

    #[test]
    fn a_state_is_changed_in_place_unless_somebody_holds_it() {
        let cache = Cache::default();
        let address = |loaded: &Loaded<Project>| Arc::as_ptr(&loaded.state);
        let next = |loaded: &mut Loaded<Project>| {
            Arc::make_mut(&mut loaded.state).is_removed = true;
            loaded.revision += 1;
        };
        cache.put(&stream(1), &at(5));
        let first = cache.get(&stream(1)).map(|loaded| address(&loaded));
        cache.change(&stream(1), cache.get(&stream(1)).unwrap(), next);
        let held = cache.get(&stream(1)).unwrap();
        assert_eq!((held.revision, Some(address(&held))), (6, first));
        cache.change(&stream(1), held.clone(), next);
        let newest = cache.get(&stream(1)).unwrap();
        assert_eq!((held.revision, newest.revision), (6, 7));
        assert_ne!(address(&newest), address(&held));
        // What is kept is newer meanwhile: it stays.
        cache.change(&stream(1), at(3), next);
        assert_eq!(cache.get(&stream(1)).map(|loaded| loaded.revision), Some(7));
    }

    #[test]
    fn it_stays_bounded_and_keeps_what_is_used() {
        let cache = Cache::default();
        for number in 0..KEPT_MAX * 3 {
            cache.put(&stream(number), &at(1));
            assert!(cache.get(&stream(0)).is_some(), "what is used stays, at {number}");
            assert!(cache.kept().states.len() <= KEPT_MAX);
        }
        assert!(cache.get(&stream(1)).is_none());
    }
}
