//! A line in which many wait: by urgency, then fair between tenants, then by age.
//!
//! The work queue and the admission of dubbings use the same rules. Deliberately absent: time, waking
//! and everything about what waits.

use crate::ports::event_log::Tenant;
use domain::dubbing::Priority;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// How often the head of a priority may be passed over in favour of more urgent ones. Whoever waits
/// behind `n` others of the same priority (and a fair share of other tenants') is therefore served
/// after at most `(n + 1) * (PASSED_OVER_MAX + 1)` that are more urgent: low priority waits, but not for ever.
pub const PASSED_OVER_MAX: u32 = 7;

/// Whose turn it is among those that wait.
#[derive(Clone, Debug)]
pub struct FairLine<T> {
    /// By priority; a level without anyone in it does not stand here.
    levels: BTreeMap<Priority, Level<T>>,
    waiting: usize,
}

/// A place in a line, by which one that waits can be taken out again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// How urgent it is.
    pub priority: Priority,
    /// Whose it is.
    pub tenant: Tenant,
    /// Its age among its tenant's: lower is older. One tenant's may not have the same twice.
    pub age: u64,
}

/// Those of one priority.
#[derive(Clone, Debug)]
struct Level<T> {
    /// How often more urgent ones went first while somebody waited here.
    passed_over: u32,
    /// Tenants that have something here, whose turn it is first.
    turns: VecDeque<Tenant>,
    /// What they have, oldest first; never empty.
    waiting: HashMap<Tenant, BTreeMap<u64, T>>,
}

impl<T> FairLine<T> {
    /// A line in which nobody waits.
    pub fn new() -> Self {
        Self { levels: BTreeMap::new(), waiting: 0 }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Goes to the end of the line, or to the place of its age among its tenant's own.
    pub fn push(&mut self, place: Place, item: T) {
        let level = self.levels.entry(place.priority).or_insert_with(Level::new);
        if !level.waiting.contains_key(&place.tenant) {
            level.turns.push_back(place.tenant.clone());
        }
        if level.waiting.entry(place.tenant).or_default().insert(place.age, item).is_none() {
            self.waiting += 1;
        }
    }

    /// Takes whoever's turn it is.
    pub fn pop(&mut self) -> Option<T> {
        self.pop_admitted(|_| Some(())).map(|(item, ())| item)
    }

    /// Takes the first of those who are admitted, in the order of turns, with what they were admitted with. Who is refused
    /// keeps their place.
    pub fn pop_admitted<P>(&mut self, mut admit: impl FnMut(&T) -> Option<P>) -> Option<(T, P)> {
        let first = self.next_priority()?;
        let others: Vec<Priority> = self.levels.keys().rev().copied().filter(|priority| *priority != first).collect();
        for priority in [first].into_iter().chain(others) {
            let Some(found) = self.levels.get_mut(&priority).and_then(|level| level.pop(&mut admit)) else { continue };
            for (_, level) in self.levels.range_mut(..priority) {
                level.passed_over += 1;
            }
            self.forget_if_empty(priority);
            self.waiting -= 1;
            return Some(found);
        }
        None
    }

    /// Takes one out of the line; `None` when it does not wait any more.
    pub fn remove(&mut self, place: &Place) -> Option<T> {
        let level = self.levels.get_mut(&place.priority)?;
        let own = level.waiting.get_mut(&place.tenant)?;
        let item = own.remove(&place.age)?;
        if own.is_empty() {
            level.waiting.remove(&place.tenant);
            level.turns.retain(|tenant| *tenant != place.tenant);
        }
        self.forget_if_empty(place.priority);
        self.waiting -= 1;
        Some(item)
    }

    /// The most urgent priority that was passed over too often, else the most urgent.
    fn next_priority(&self) -> Option<Priority> {
        let starving = self.levels.iter().rev().find(|(_, level)| level.passed_over >= PASSED_OVER_MAX);
        starving.or_else(|| self.levels.last_key_value()).map(|(priority, _)| *priority)
    }

    fn forget_if_empty(&mut self, priority: Priority) {
        if self.levels.get(&priority).is_some_and(|level| level.waiting.is_empty()) {
            self.levels.remove(&priority);
        }
    }
}

impl<T> Default for FairLine<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Level<T> {
    fn new() -> Self {
        Self { passed_over: 0, turns: VecDeque::new(), waiting: HashMap::new() }
    }

    /// The oldest that is admitted of the tenant whose turn it is, who then goes to the end.
    fn pop<P>(&mut self, mut admit: impl FnMut(&T) -> Option<P>) -> Option<(T, P)> {
        let (turn, age, admitted) = self.turns.iter().enumerate().find_map(|(turn, tenant)| {
            let mut own = self.waiting.get(tenant)?.iter();
            own.find_map(|(age, item)| admit(item).map(|admitted| (turn, *age, admitted)))
        })?;
        let tenant = self.turns.remove(turn)?;
        let own = self.waiting.get_mut(&tenant)?;
        let item = own.remove(&age)?;
        if own.is_empty() {
            self.waiting.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        self.passed_over = 0;
        Some((item, admitted))
    }
}

#[cfg(test)]
mod tests;
