//! The line of lanes: which of them may have work, and whose turn it is to be asked.
//!
//! It keeps the order that the port promises: urgent work first, stages in turn, and nobody starves, by the bound of
//! [`application::fair_line`]. That line itself will not do: here only the answer tells whether there was anybody to be
//! served. A lane goes into it when the server tells of work, and now and then anyhow, since such a word may be lost and
//! a lease that runs out has none.

use crate::lane::Lane;
use application::fair_line::PASSED_OVER_MAX;
use domain::dubbing::Priority;
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The lanes of the work that this process takes.
#[derive(Debug)]
pub(crate) struct Line {
    lanes: Vec<Lane>,
    every: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    levels: BTreeMap<Priority, Level>,
    /// How many may be asked for from a lane while others are being asked for.
    more: HashMap<Lane, u64>,
    next_sweep: Instant,
    /// Those that have not been asked since all went into it. Only after them all go into it again: else, where asking
    /// takes long, the urgent ones would be asked for ever, and the others never.
    unasked: HashSet<Lane>,
}

/// The lanes of one priority.
#[derive(Debug, Default)]
struct Level {
    /// How often more urgent work was handed out while somebody may have waited here.
    passed_over: u32,
    turns: VecDeque<Lane>,
}

impl Line {
    /// Of these lanes, all of which go into it this often, and now.
    pub fn new(lanes: Vec<Lane>, every: Duration) -> Self {
        let (levels, more, unasked) = (BTreeMap::new(), HashMap::new(), HashSet::new());
        let state = State { levels, more, next_sweep: Instant::now(), unasked };
        Self { lanes, every, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All lanes.
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// A lane may have work; `false` when it is not one of these.
    pub fn push(&self, lane: Lane) -> bool {
        let is_ours = self.lanes.contains(&lane);
        if is_ours {
            self.state().push(lane);
        }
        is_ours
    }

    /// Takes the lane whose turn it is to be asked, and whether it is the last; or says when to look again. A lane in which
    /// there is known to be more stays in the line.
    pub fn pop(&self) -> Result<(Lane, bool), Instant> {
        let mut state = self.state();
        let now = Instant::now();
        if state.next_sweep <= now && state.unasked.is_empty() {
            state.next_sweep = now + self.every;
            state.unasked.extend(&self.lanes);
            for lane in &self.lanes {
                state.push(*lane);
            }
        }
        let lane = state.pop().ok_or(state.next_sweep)?;
        state.unasked.remove(&lane);
        if let Some(more) = state.more.get_mut(&lane).filter(|more| **more > 0) {
            *more -= 1;
            state.push(lane);
        }
        Ok((lane, state.levels.values().all(|level| level.turns.is_empty())))
    }

    /// There was nothing in a lane.
    pub fn found_empty(&self, lane: Lane) {
        self.state().more.remove(&lane);
    }

    /// Work of this lane was handed out, and so much was left there.
    pub fn served(&self, lane: Lane, left: u64) {
        let mut state = self.state();
        state.more.insert(lane, left);
        for (priority, level) in &mut state.levels {
            if *priority == lane.priority {
                level.passed_over = 0;
            } else if *priority < lane.priority && !level.turns.is_empty() {
                level.passed_over += 1;
            }
        }
    }
}

impl State {
    fn push(&mut self, lane: Lane) {
        let turns = &mut self.levels.entry(lane.priority).or_default().turns;
        if !turns.contains(&lane) {
            turns.push_back(lane);
        }
    }

    /// From the most urgent priority that was passed over too often, else from the most urgent.
    fn pop(&mut self) -> Option<Lane> {
        let mut waiting = self.levels.values_mut().rev().filter(|level| !level.turns.is_empty());
        let first = waiting.next()?;
        let level = if first.passed_over >= PASSED_OVER_MAX {
            first
        } else {
            waiting.find(|level| level.passed_over >= PASSED_OVER_MAX).unwrap_or(first)
        };
        let lane = level.turns.pop_front();
        if level.turns.is_empty() {
            level.passed_over = 0;
        }
        lane
    }
}
