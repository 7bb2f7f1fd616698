//! What a process has room for: how many attempts at each stage at a time, and how much memory together.
//!
//! A queue asks before it hands out, so that work for which there is no room here stays where others can take it. What a
//! stage needs is what was said of it, or the most that an attempt here was seen to need. Whoever holds nothing may
//! always begin one thing, however large: else it would wait for ever.
//!
//! Deliberately absent: an order among those that wait. What needs much waits for as long as smaller work fills the room;
//! a process that takes only such stages has nothing else in its way.

use crate::ports::work_queue::{Door, DoorChanges, Pass};
use domain::flow::Stage;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

#[cfg(test)]
mod tests;

/// How much room there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomLimits {
    /// Attempts at a stage at a time, where that is less than what there are workers for.
    pub by_stage: BTreeMap<Stage, usize>,
    /// Bytes that those under way may need together; without a bound when `None`.
    pub memory_bytes: Option<u64>,
    /// Bytes that an attempt at a stage needs, as far as that is known beforehand.
    pub needs: BTreeMap<Stage, u64>,
}

/// The room of a process. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: RoomLimits,
    state: Mutex<State>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    is_closed: bool,
    /// Stages whose queues are paused.
    paused: BTreeSet<Stage>,
    /// Passes that are out.
    admitted: BTreeMap<Stage, usize>,
    held_bytes: u64,
    /// The most that an attempt was seen to need.
    seen: BTreeMap<Stage, u64>,
    /// Somebody was refused since the last change.
    has_refused: bool,
    /// Stages for which there is not enough memory now.
    short: BTreeSet<Stage>,
    figures: Figures,
}

/// What goes on, to be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Nothing new is let in.
    pub is_closed: bool,
    /// Attempts under way, by stage.
    pub at_work: BTreeMap<Stage, usize>,
    /// Attempts that ended, by stage and how.
    pub ended: BTreeMap<(Stage, &'static str), u64>,
    /// How often a stage could not be begun for want of memory, until it could.
    pub waits: BTreeMap<Stage, u64>,
    /// Bytes that are held for those under way, and for those who are asking for work.
    pub held_bytes: u64,
    /// Bytes that there are for all; `None` without a bound.
    pub memory_bytes: Option<u64>,
    /// Bytes that an attempt at a stage is taken to need.
    pub needs: BTreeMap<Stage, u64>,
}

impl Room {
    /// With these bounds.
    pub fn new(limits: RoomLimits) -> Self {
        Self(Arc::new(Inner { limits, state: Mutex::default(), changes: watch::Sender::new(()) }))
    }

    /// For as much as there are workers.
    pub fn unbounded() -> Self {
        Self::new(RoomLimits::default())
    }

    /// Lets nothing new in, or something again. What is under way is not touched.
    pub fn close(&self, is_closed: bool) {
        self.0.state().is_closed = is_closed;
        self.0.changes.send_replace(());
    }

    /// Lets nothing new of these stages in, and again of all others. What is under way is not touched.
    pub fn pause(&self, stages: BTreeSet<Stage>) {
        let mut state = self.0.state();
        if state.paused != stages {
            state.paused = stages;
            drop(state);
            self.0.changes.send_replace(());
        }
    }

    /// An attempt is under way until the guard is dropped.
    #[must_use = "the attempt counts as under way only as long as the guard lives"]
    pub fn at_work(&self, stage: Stage) -> AtWork {
        *self.0.state().figures.at_work.entry(stage).or_default() += 1;
        AtWork { room: self.clone(), stage }
    }

    /// An attempt came to such an end, and its children needed so many bytes at most.
    pub fn ended(&self, stage: Stage, how: &'static str, bytes: u64) {
        let mut state = self.0.state();
        *state.figures.ended.entry((stage, how)).or_default() += 1;
        let seen = state.seen.entry(stage).or_default();
        *seen = bytes.max(*seen);
    }

    /// How it is now.
    pub fn figures(&self) -> Figures {
        let (state, limits) = (self.0.state(), &self.0.limits);
        let known = limits.needs.keys().chain(state.seen.keys());
        Figures {
            is_closed: state.is_closed,
            held_bytes: state.held_bytes,
            memory_bytes: limits.memory_bytes,
            needs: known.map(|stage| (*stage, self.0.need(&state, *stage))).collect(),
            ..state.figures.clone()
        }
    }
}

impl Door for Room {
    fn admit(&self, stage: Stage) -> Option<Pass> {
        let bytes = self.0.admit(stage)?;
        Some(Pass::held(Admitted { room: self.clone(), stage, bytes }))
    }

    fn changes(&self) -> DoorChanges {
        DoorChanges::of(self.0.changes.subscribe())
    }
}

impl Inner {
    /// No code runs under the lock that could leave the state half-changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn need(&self, state: &State, stage: Stage) -> u64 {
        let known = |needs: &BTreeMap<Stage, u64>| needs.get(&stage).copied().unwrap_or(0);
        known(&self.limits.needs).max(known(&state.seen))
    }

    /// Whether attempts under way are in the way, and not only others who ask for work just now: a queue on a server finds
    /// out by asking whether there is any.
    fn is_short_by_work(&self, state: &State, bytes: u64) -> bool {
        let of_stage = |(stage, count): (&Stage, &usize)| self.need(state, *stage).saturating_mul(*count as u64);
        let under_way: u64 = state.figures.at_work.iter().map(of_stage).fold(0, u64::saturating_add);
        under_way > 0 && self.limits.memory_bytes.is_some_and(|limit| under_way.saturating_add(bytes) > limit)
    }

    /// The bytes that are held for it.
    fn admit(&self, stage: Stage) -> Option<u64> {
        let mut state = self.state();
        if state.is_closed || state.paused.contains(&stage) {
            state.has_refused = true;
            return None;
        }
        let count = state.admitted.get(&stage).copied().unwrap_or(0);
        let is_full = self.limits.by_stage.get(&stage).is_some_and(|most| count >= *most);
        let bytes = self.need(&state, stage);
        let together = state.held_bytes.saturating_add(bytes);
        let is_short = self.limits.memory_bytes.is_some_and(|limit| state.held_bytes > 0 && together > limit);
        if is_full || is_short {
            state.has_refused = true;
            let is_waiting = is_short && !is_full && self.is_short_by_work(&state, bytes);
            if is_waiting && state.short.insert(stage) {
                *state.figures.waits.entry(stage).or_default() += 1;
                let (needed, held) = (bytes >> 20, state.held_bytes >> 20);
                tracing::info!(%stage, needed, held, "no more of this stage is begun before there is memory (MiB)");
            }
            return None;
        }
        state.short.remove(&stage);
        state.held_bytes = together;
        *state.admitted.entry(stage).or_default() += 1;
        Some(bytes)
    }

    fn let_go(&self, stage: Stage, bytes: u64) {
        let mut state = self.state();
        state.held_bytes = state.held_bytes.saturating_sub(bytes);
        if let Some(count) = state.admitted.get_mut(&stage) {
            *count = count.saturating_sub(1);
        }
        let has_refused = std::mem::take(&mut state.has_refused);
        drop(state);
        if has_refused {
            self.changes.send_replace(());
        }
    }
}

/// What was let in. Dropped, it has left.
struct Admitted {
    room: Room,
    stage: Stage,
    bytes: u64,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.room.0.let_go(self.stage, self.bytes);
    }
}

/// An attempt under way. Dropped, it has ended.
#[derive(Debug)]
pub struct AtWork {
    room: Room,
    stage: Stage,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut state = self.room.0.state();
        if let Some(count) = state.figures.at_work.get_mut(&self.stage) {
            *count = count.saturating_sub(1);
        }
    }
}
