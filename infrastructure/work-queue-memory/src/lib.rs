//! The work queue of one process, in memory: first in, first out, with leases.
//!
//! It loses everything with the process, on purpose: what is owed stands in the log, and the process
//! manager publishes it again. Its size is bounded by what the log says is owed: one entry per
//! requested stage.

use application::ports::work_queue::{Delivery, QueueError, Receipt, Work, WorkQueue};
use async_trait::async_trait;
use domain::flow::WorkId;
use std::{
    collections::{HashMap, VecDeque},
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
    ready: VecDeque<WorkId>,
    next_delivery: u64,
}

#[derive(Debug)]
struct Entry {
    work: Work,
    deliveries: u32,
    standing: Standing,
}

#[derive(Debug)]
enum Standing {
    Ready,
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
        state.ready.push_back(work.id);
        state.entries.insert(work.id, Entry { work, deliveries: 0, standing: Standing::Ready });
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    async fn pull(&self, lease: Duration) -> Result<Delivery, QueueError> {
        loop {
            let changed = self.changed.notified();
            let next = self.state().take(lease);
            match next {
                Next::Work(delivery) => {
                    // There may be more, and each notification wakes one worker.
                    self.changed.notify_one();
                    return Ok(delivery);
                }
                Next::NotBefore(moment) => {
                    let _either = tokio::time::timeout_at(moment, changed).await;
                }
                Next::Nothing => changed.await,
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
}

/// What a worker that asks for work gets.
enum Next {
    Work(Delivery),
    /// Nothing now; ask again at this moment.
    NotBefore(Instant),
    Nothing,
}

impl State {
    fn take(&mut self, lease: Duration) -> Next {
        let now = Instant::now();
        self.wake(now);
        while let Some(id) = self.ready.pop_front() {
            let delivery = self.next_delivery;
            let Some(entry) = self.entries.get_mut(&id) else {
                continue;
            };
            self.next_delivery += 1;
            entry.deliveries += 1;
            entry.standing = Standing::Leased(delivery, after(lease));
            let receipt = Receipt { work: id, delivery };
            return Next::Work(Delivery { work: entry.work.clone(), receipt, deliveries: entry.deliveries });
        }
        let moments = self.entries.values().filter_map(|entry| match entry.standing {
            Standing::Ready => None,
            Standing::Delayed(at) | Standing::Leased(_, at) => Some(at),
        });
        moments.min().map_or(Next::Nothing, Next::NotBefore)
    }

    /// Makes ready what was delayed until now, or leased until now, in the order of these moments.
    fn wake(&mut self, now: Instant) {
        let mut due: Vec<(Instant, WorkId)> = Vec::new();
        for (id, entry) in &mut self.entries {
            match entry.standing {
                Standing::Delayed(at) | Standing::Leased(_, at) if at <= now => {
                    entry.standing = Standing::Ready;
                    due.push((at, *id));
                }
                Standing::Ready | Standing::Delayed(_) | Standing::Leased(..) => {}
            }
        }
        due.sort_unstable();
        self.ready.extend(due.into_iter().map(|(_, id)| id));
    }

    /// The end of the lease that a receipt still holds.
    fn held(&mut self, receipt: Receipt) -> Option<&mut Instant> {
        match &mut self.entries.get_mut(&receipt.work)?.standing {
            Standing::Leased(delivery, until) if *delivery == receipt.delivery && *until > Instant::now() => {
                Some(until)
            }
            Standing::Leased(..) | Standing::Ready | Standing::Delayed(_) => None,
        }
    }
}

/// The moment after a time; far away when it lies beyond what a clock can show.
fn after(time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now + FAR)
}
