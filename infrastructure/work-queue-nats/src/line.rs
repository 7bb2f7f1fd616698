//! The line of lanes: which of them may have work, and whose turn it is to be asked.
//!
//! It keeps the order that the port promises: urgent work first, stages in turn, and nobody starves, by the bound of
//! [`application::fair_line`]. That line itself will not do: here only the answer tells whether there was anybody to be
//! served. A lane goes into it when the server tells of work, and now and then anyhow, since such a word may be lost and
//! a lease that runs out has none.

use crate::lane::Lane;
use application::fair_line::PASSED_OVER_MAX;
use domain::{dubbing::Priority, flow::Stage};
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

    /// Takes the lane whose turn it is to be asked, of those whose stage is admitted, whether it is the last, and what was
    /// admitted with; or says when to look again. A lane in which there is known to be more stays in the line, and so does one
    /// that was refused.
    pub fn pop<P>(&self, admit: impl Fn(Stage) -> Option<P>) -> Result<(Lane, bool, P), Instant> {
        let mut state = self.state();
        let now = Instant::now();
        if state.next_sweep <= now && state.unasked.is_empty() {
            state.next_sweep = now + self.every;
            state.unasked.extend(&self.lanes);
            for lane in &self.lanes {
                state.push(*lane);
            }
        }
        let (lane, admitted) = state.pop(admit).ok_or(state.next_sweep)?;
        state.unasked.remove(&lane);
        if let Some(more) = state.more.get_mut(&lane).filter(|more| **more > 0) {
            *more -= 1;
            state.push(lane);
        }
        Ok((lane, state.levels.values().all(|level| level.turns.is_empty()), admitted))
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

    /// From the most urgent priority that was passed over too often, else from the most urgent; from the others where all
    /// of that one are refused.
    fn pop<P>(&mut self, admit: impl Fn(Stage) -> Option<P>) -> Option<(Lane, P)> {
        let mut order: Vec<Priority> = self
            .levels
            .iter()
            .rev()
            .filter(|(_, level)| !level.turns.is_empty())
            .map(|(priority, _)| *priority)
            .collect();
        let is_starving =
            |priority: &Priority| self.levels.get(priority).is_some_and(|level| level.passed_over >= PASSED_OVER_MAX);
        if let Some(starving) = order.iter().position(is_starving) {
            order[..=starving].rotate_right(1);
        }
        let mut refused = HashSet::new();
        let mut ask = |lane: &Lane| {
            let pass = if refused.contains(&lane.stage) { None } else { admit(lane.stage) };
            if pass.is_none() {
                refused.insert(lane.stage);
            }
            pass
        };
        let found = order.into_iter().find_map(|priority| {
            let level = self.levels.get_mut(&priority)?;
            let (place, pass) = level.turns.iter().enumerate().find_map(|(place, lane)| Some((place, ask(lane)?)))?;
            let lane = level.turns.remove(place)?;
            if level.turns.is_empty() {
                level.passed_over = 0;
            }
            Some((lane, pass))
        });
        if !refused.is_empty() {
            // They were thought of: the others need not wait for them to go into the line anew.
            self.unasked.retain(|lane| !refused.contains(&lane.stage));
        }
        found
    }
}
