//! The work queue of one process, in memory: by urgency, fair between tenants, with leases.
//!
//! It loses everything with the process, on purpose: what is owed stands in the log, and the process
//! manager publishes it again. Its size is bounded by what the log says is owed: one entry per
//! requested stage.

use application::{
    fair_line::{FairLine, Place},
    ports::work_queue::{Delivery, Depth, Door, Pass, QueueError, Receipt, Work, WorkQueue},
};
use async_trait::async_trait;
use domain::flow::{Stage, WorkId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

#[cfg(test)]
mod tests;

/// The queue.
#[derive(Debug, Default)]
pub struct MemoryWorkQueue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<WorkId, Entry>,
    ready: FairLine<WorkId>,
    /// Ages in the line, by counting.
    next_age: u64,
    next_delivery: u64,
    /// Who asked last refused some work, and took none.
    is_refused: bool,
    /// The age up to which all were told of work that somebody has refused.
    told: u64,
}

#[derive(Debug)]
struct Entry {
    work: Work,
    deliveries: u32,
    standing: Standing,
}

#[derive(Debug)]
enum Standing {
    /// Waits in the line, at this age.
    Ready(u64),
    /// Not before this moment.
    Delayed(Instant),
    /// Handed out under this receipt's number until this moment.
    Leased(u64, Instant),
}

impl MemoryWorkQueue {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// No code runs under the lock that could leave the state half-changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl WorkQueue for MemoryWorkQueue {
    async fn publish(&self, work: Work) -> Result<(), QueueError> {
        let mut state = self.state();
        if state.entries.contains_key(&work.id) {
            return Ok(());
        }
        let age = state.line_up(&work);
        state.entries.insert(work.id, Entry { work, deliveries: 0, standing: Standing::Ready(age) });
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    async fn pull_through(&self, door: &dyn Door, lease: Duration) -> Result<(Delivery, Pass), QueueError> {
        let mut door_changes = door.changes();
        loop {
            let changed = self.changed.notified();
            let (next, is_for_others) = self.state().take_or_leave(door, lease);
            if is_for_others {
                self.changed.notify_waiters();
            }
            let moment = match next {
                Next::Work(delivery, pass) => {
                    // There may be more, and each notification wakes one worker.
                    self.changed.notify_one();
                    return Ok((delivery, pass));
                }
                Next::NotBefore(moment) => moment,
                Next::Nothing => {
                    tokio::select! {
                        () = changed => {}
                        () = door_changes.next() => {}
                    }
                    continue;
                }
            };
            tokio::select! {
                _either = tokio::time::timeout_at(moment, changed) => {}
                () = door_changes.next() => {}
            }
        }
    }

    async fn heartbeat(&self, receipt: Receipt, lease: Duration) -> Result<bool, QueueError> {
        let mut state = self.state();
        Ok(match state.held(receipt) {
            Some(until) => {
                *until = after(lease);
                true
            }
            None => false,
        })
    }

    async fn complete(&self, receipt: Receipt) -> Result<(), QueueError> {
        let mut state = self.state();
        if state.held(receipt).is_some() {
            state.entries.remove(&receipt.work);
        }
        Ok(())
    }

    async fn release(&self, receipt: Receipt, delay: Duration) -> Result<(), QueueError> {
        let mut state = self.state();
        if state.held(receipt).is_some()
            && let Some(entry) = state.entries.get_mut(&receipt.work)
        {
            entry.standing = Standing::Delayed(after(delay));
        }
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    async fn discard(&self, work: WorkId) -> Result<(), QueueError> {
        let mut state = self.state();
        if let Some(Entry { work, standing: Standing::Ready(age), .. }) = state.entries.remove(&work) {
            state.ready.remove(&place(&work, age));
        }
        Ok(())
    }

    async fn holds(&self, work: WorkId) -> Result<bool, QueueError> {
        Ok(self.state().entries.contains_key(&work))
    }

    async fn depth(&self) -> Result<BTreeMap<Stage, Depth>, QueueError> {
        let mut state = self.state();
        state.wake(Instant::now());
        let mut depths = BTreeMap::<Stage, Depth>::new();
        for entry in state.entries.values() {
            let depth = depths.entry(entry.work.fence.stage).or_default();
            match entry.standing {
                Standing::Ready(_) => depth.ready += 1,
                Standing::Delayed(_) => depth.delayed += 1,
                Standing::Leased(..) => depth.leased += 1,
            }
        }
        Ok(depths)
    }
}

/// What a worker that asks for work gets.
enum Next {
    Work(Delivery, Pass),
    /// Nothing now; ask again at this moment.
    NotBefore(Instant),
    Nothing,
}

impl State {
    /// Takes work; or leaves some to others, whom nobody has told of it: they may have another door.
    fn take_or_leave(&mut self, door: &dyn Door, lease: Duration) -> (Next, bool) {
        self.is_refused = false;
        let next = self.take(door, lease);
        let is_for_others = self.is_refused && self.told != self.next_age;
        if is_for_others {
            self.told = self.next_age;
        }
        (next, is_for_others)
    }

    fn take(&mut self, door: &dyn Door, lease: Duration) -> Next {
        let now = Instant::now();
        self.wake(now);
        let (entries, mut refused) = (&self.entries, BTreeSet::new());
        let admit = |id: &WorkId| {
            let stage = entries.get(id)?.work.fence.stage;
            // Asked once: there may be thousands of one stage.
            let pass = if refused.contains(&stage) { None } else { door.admit(stage) };
            if pass.is_none() {
                refused.insert(stage);
            }
            pass
        };
        if let Some((id, pass)) = self.ready.pop_admitted(admit) {
            let delivery = self.next_delivery;
            self.next_delivery += 1;
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.deliveries += 1;
                entry.standing = Standing::Leased(delivery, after(lease));
                let receipt = Receipt { work: id, delivery };
                let delivery = Delivery { work: entry.work.clone(), receipt, deliveries: entry.deliveries };
                return Next::Work(delivery, pass);
            }
        }
        self.is_refused = !refused.is_empty();
        let moments = self.entries.values().filter_map(|entry| match entry.standing {
            Standing::Ready(_) => None,
            Standing::Delayed(at) | Standing::Leased(_, at) => Some(at),
        });
        moments.min().map_or(Next::Nothing, Next::NotBefore)
    }

    /// Makes ready what was delayed until now, or leased until now, in the order of these moments.
    fn wake(&mut self, now: Instant) {
        let due = self.entries.iter().filter_map(|(id, entry)| match entry.standing {
            Standing::Delayed(at) | Standing::Leased(_, at) if at <= now => Some((at, *id)),
            Standing::Ready(_) | Standing::Delayed(_) | Standing::Leased(..) => None,
        });
        let mut due: Vec<(Instant, WorkId)> = due.collect();
        due.sort_unstable();
        for (_, id) in due {
            let Some(work) = self.entries.get(&id).map(|entry| entry.work.clone()) else {
                continue;
            };
            let age = self.line_up(&work);
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.standing = Standing::Ready(age);
            }
        }
    }

    /// Goes to the end of the line; returns its age there.
    fn line_up(&mut self, work: &Work) -> u64 {
        let age = self.next_age;
        self.next_age += 1;
        self.ready.push(place(work, age), work.id);
        age
    }

    /// The end of the lease that a receipt still holds.
    fn held(&mut self, receipt: Receipt) -> Option<&mut Instant> {
        match &mut self.entries.get_mut(&receipt.work)?.standing {
            Standing::Leased(delivery, until) if *delivery == receipt.delivery && *until > Instant::now() => {
                Some(until)
            }
            Standing::Leased(..) | Standing::Ready(_) | Standing::Delayed(_) => None,
        }
    }
}

fn place(work: &Work, age: u64) -> Place {
    Place { priority: work.claim.priority, tenant: work.claim.tenant.clone(), age }
}

/// The moment after a time; far away when it lies beyond what a clock can show.
fn after(time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now + FAR)
}
