//! Who waits, who is driven, who backs off: the state of admission. Deliberately absent: the log, and driving.

use super::AdmissionDepth;
use crate::{
    fair_line::{FairLine, Place},
    ports::work_queue::Claim,
};
use domain::value::DubbingId;
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::time::Instant;

/// Pause of a dubbing that owes something though driving it has just ended, so that nothing can spin.
const PAUSE: Duration = Duration::from_millis(500);
/// First pause of a dubbing that could not be driven; doubled each time.
const BACK_OFF: Duration = Duration::from_millis(500);
/// Longest such pause.
const BACK_OFF_MAX: Duration = Duration::from_secs(60);

/// Dubbings that owe something.
#[derive(Debug, Default)]
pub struct Line {
    cases: HashMap<DubbingId, Case>,
    waiting: FairLine<DubbingId>,
    reserved: usize,
    /// Left behind by a dead owner: their attempts are void, which is to be said before they are driven.
    orphans: HashSet<DubbingId>,
}

#[derive(Debug)]
struct Case {
    standing: Standing,
    /// How often in a row it could not be driven.
    troubles: u32,
    /// Something happened to it while it was being looked at.
    is_stale: bool,
}

#[derive(Debug)]
enum Standing {
    /// Somebody is reading what it owes.
    Looked,
    Waiting,
    Active,
    BackingOff(Instant),
}

impl Line {
    /// How much is going on.
    pub fn depth(&self) -> AdmissionDepth {
        let mut depth = AdmissionDepth { reserved: self.reserved, ..AdmissionDepth::default() };
        for case in self.cases.values() {
            match case.standing {
                Standing::Active => depth.active += 1,
                Standing::Looked | Standing::Waiting => depth.waiting += 1,
                Standing::BackingOff(_) => depth.backing_off += 1,
            }
        }
        depth
    }

    /// Whether a dubbing waits, is driven or backs off.
    pub fn holds(&self, id: DubbingId) -> bool {
        self.cases.contains_key(&id)
    }

    /// A place is taken.
    pub fn reserve(&mut self) {
        self.reserved += 1;
    }

    /// And free again.
    pub fn give_back(&mut self) {
        self.reserved = self.reserved.saturating_sub(1);
    }

    /// Something happened to a dubbing. `true` when it has to be looked at now; else whoever has it hears of it.
    pub fn begin_look(&mut self, id: DubbingId) -> bool {
        match self.cases.get_mut(&id) {
            Some(case) => {
                case.is_stale = true;
                false
            }
            None => {
                self.cases.insert(id, Case { standing: Standing::Looked, troubles: 0, is_stale: false });
                true
            }
        }
    }

    /// It owes something: it waits for its turn.
    pub fn wait(&mut self, id: DubbingId, claim: Claim, age: u64) {
        let place = Place { priority: claim.priority, tenant: claim.tenant, age };
        if let Some(case) = self.cases.get_mut(&id) {
            self.waiting.push(place, id);
            case.standing = Standing::Waiting;
        }
    }

    /// It owes nothing: it is forgotten. `false` when something happened in the meantime, and it is to be looked at
    /// once more.
    pub fn forget(&mut self, id: DubbingId) -> bool {
        if let Some(case) = self.cases.get_mut(&id).filter(|case| case.is_stale) {
            case.is_stale = false;
            return false;
        }
        self.cases.remove(&id);
        true
    }

    /// It was left behind by a dead owner.
    pub fn orphan(&mut self, id: DubbingId) {
        self.orphans.insert(id);
    }

    /// Whether its attempts are still to be declared lost.
    pub fn is_orphan(&self, id: DubbingId) -> bool {
        self.orphans.contains(&id)
    }

    /// They have been.
    pub fn adopt(&mut self, id: DubbingId) {
        self.orphans.remove(&id);
    }

    /// The next one to be driven, if fewer than so many are.
    pub fn next(&mut self, active_max: usize) -> Option<DubbingId> {
        let active = self.cases.values().filter(|case| matches!(case.standing, Standing::Active)).count();
        if active >= active_max {
            return None;
        }
        loop {
            let id = self.waiting.pop()?;
            // Whoever was given away meanwhile is gone from the line, or stands elsewhere in it.
            if let Some(case) = self.cases.get_mut(&id).filter(|case| matches!(case.standing, Standing::Waiting)) {
                case.standing = Standing::Active;
                return Some(id);
            }
        }
    }

    /// Those of these are somebody else's now.
    pub fn give_away(&mut self, is_meant: impl Fn(DubbingId) -> bool) {
        self.cases.retain(|id, _| !is_meant(*id));
        self.orphans.retain(|id| !is_meant(*id));
    }

    /// Driving it came to an end: its place is free, and it is to be looked at once more.
    pub fn ended(&mut self, id: DubbingId) {
        self.cases.insert(id, Case { standing: Standing::Looked, troubles: 0, is_stale: false });
    }

    /// It owes something though driving it has just ended: it is looked at again after a short pause.
    pub fn rest(&mut self, id: DubbingId, now: Instant) {
        if let Some(case) = self.cases.get_mut(&id) {
            case.standing = Standing::BackingOff(now + PAUSE);
        }
    }

    /// It could not be driven or looked at: it pauses, the longer the more often that happens. Returns for how long.
    pub fn failed(&mut self, id: DubbingId, now: Instant) -> Duration {
        let Some(case) = self.cases.get_mut(&id) else {
            return Duration::ZERO;
        };
        let pause = BACK_OFF.saturating_mul(1 << case.troubles.min(16)).min(BACK_OFF_MAX);
        case.troubles += 1;
        case.standing = Standing::BackingOff(now + pause);
        pause
    }

    /// Those whose pause is over, to be looked at.
    pub fn rested(&mut self, now: Instant) -> Vec<DubbingId> {
        let mut rested = Vec::new();
        for (id, case) in &mut self.cases {
            if matches!(case.standing, Standing::BackingOff(until) if until <= now) {
                (case.standing, case.is_stale) = (Standing::Looked, false);
                rested.push(*id);
            }
        }
        rested
    }

    /// When the next pause is over.
    pub fn rests_until(&self) -> Option<Instant> {
        let pauses = self.cases.values().filter_map(|case| match case.standing {
            Standing::BackingOff(until) => Some(until),
            Standing::Looked | Standing::Waiting | Standing::Active => None,
        });
        pauses.min()
    }
}

#[cfg(test)]
mod tests;
