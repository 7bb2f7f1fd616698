//! What is remembered, and no more than there is room for.

use super::{DECAY_MS, FREE_FAILURES, WAIT_MS_MAX, WAIT_MS_MIN};
use domain::value::Timestamp;
use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// Entries of one memory; there are three. The least lately used half goes when there are more.
pub(super) const ENTRIES_MAX: usize = 32_768;
/// More failures in a row than make the longest wait are not counted: half of them is to make a shorter one.
const FAILURES_MAX: u32 = FREE_FAILURES + 11;
/// Attempts that are made side by side may be told in another order, so much apart at most.
const SKEW_MS_MAX: u64 = 1_000;

/// Something that can be forgotten.
pub(super) trait Entry: Default {
    /// Whether it says nothing any more.
    fn is_over(&self, now: Timestamp) -> bool;
}

/// Entries by key.
#[derive(Clone, Debug)]
pub(super) struct Memory<K, E> {
    entries: HashMap<K, (E, u64)>,
    /// Counts uses: the higher, the later.
    uses: u64,
}

impl<K, E> Default for Memory<K, E> {
    fn default() -> Self {
        Self { entries: HashMap::new(), uses: 0 }
    }
}

impl<K: Eq + Hash, E: Entry> Memory<K, E> {
    pub(super) fn get(&mut self, key: &K) -> Option<&mut E> {
        self.uses += 1;
        let (entry, used) = self.entries.get_mut(key)?;
        *used = self.uses;
        Some(entry)
    }

    /// What is there, or something new.
    pub(super) fn entry(&mut self, key: K, now: Timestamp) -> &mut E {
        if self.entries.len() >= ENTRIES_MAX && !self.entries.contains_key(&key) {
            self.make_room(now);
        }
        self.uses += 1;
        let (entry, used) = self.entries.entry(key).or_default();
        *used = self.uses;
        entry
    }

    pub(super) fn forget(&mut self, key: &K) {
        self.entries.remove(key);
    }

    /// Forgets what is over; when that is not half of it, what is used least besides.
    fn make_room(&mut self, now: Timestamp) {
        self.entries.retain(|_, (entry, _)| !entry.is_over(now));
        if self.entries.len() <= ENTRIES_MAX / 2 {
            return;
        }
        let mut used: Vec<u64> = self.entries.values().map(|(_, used)| *used).collect();
        used.sort_unstable();
        let middle = used.get(used.len() / 2).copied().unwrap_or(0);
        self.entries.retain(|_, (_, used)| *used >= middle);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Failures in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    failures: u32,
    last: Option<Timestamp>,
}

impl Run {
    pub(super) fn count(&mut self, now: Timestamp) {
        self.failures = (self.left(now) + 1).min(FAILURES_MAX);
        self.ended(now);
    }

    pub(super) fn ended(&mut self, now: Timestamp) {
        self.last = Some(now);
    }

    /// Half of them for each time without one.
    fn left(&self, now: Timestamp) -> u32 {
        let quiet_ms = self.last.map_or(0, |last| now.since_ms(last));
        let halvings = u32::try_from(quiet_ms / DECAY_MS).unwrap_or(u32::MAX);
        self.failures.checked_shr(halvings).unwrap_or(0)
    }

    /// What is left of the wait for those that are left.
    pub(super) fn wait_ms(&self, now: Timestamp) -> u64 {
        let Some(doublings) = self.left(now).checked_sub(FREE_FAILURES + 1) else { return 0 };
        let wait_ms = 1_u64.checked_shl(doublings).and_then(|times| times.checked_mul(WAIT_MS_MIN));
        self.rest_ms(wait_ms.unwrap_or(WAIT_MS_MAX).min(WAIT_MS_MAX), now)
    }

    /// What is left of so long since the last one.
    pub(super) fn rest_ms(&self, span_ms: u64, now: Timestamp) -> u64 {
        self.last.map_or(0, |last| rest_ms(last, span_ms, now))
    }
}

impl Entry for Run {
    fn is_over(&self, now: Timestamp) -> bool {
        self.left(now) == 0
    }
}

/// The newest failures, at most `MAX`.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent<const MAX: usize> {
    /// In the order in which they were counted.
    times: VecDeque<Timestamp>,
    last: Option<Timestamp>,
}

impl<const MAX: usize> Recent<MAX> {
    pub(super) fn count(&mut self, now: Timestamp) {
        while self.times.front().is_some_and(|first| self.times.len() >= MAX || now.since_ms(*first) >= DECAY_MS) {
            self.times.pop_front();
        }
        self.times.push_back(now);
        self.ended(now);
    }

    pub(super) fn ended(&mut self, now: Timestamp) {
        self.last = Some(now);
    }

    /// One of them was none.
    pub(super) fn take_back(&mut self) {
        self.times.pop_back();
    }

    /// Whether `MAX` failures are not yet old.
    pub(super) fn is_attack(&self, now: Timestamp) -> bool {
        self.times.len() >= MAX && self.times.front().is_some_and(|first| now.since_ms(*first) < DECAY_MS)
    }

    pub(super) fn rest_ms(&self, span_ms: u64, now: Timestamp) -> u64 {
        self.last.map_or(0, |last| rest_ms(last, span_ms, now))
    }
}

impl<const MAX: usize> Entry for Recent<MAX> {
    fn is_over(&self, now: Timestamp) -> bool {
        self.times.back().is_none_or(|last| now.since_ms(*last) >= DECAY_MS)
    }
}

/// Never more than the span. A moment that has not come yet is one before the clock was set back: it says nothing.
fn rest_ms(last: Timestamp, span_ms: u64, now: Timestamp) -> u64 {
    if last.since_ms(now) > SKEW_MS_MAX {
        return 0;
    }
    last.plus_ms(span_ms).since_ms(now).min(span_ms)
}
