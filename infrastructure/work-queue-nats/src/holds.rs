//! What this process has been handed and holds a lease on, by its own clock.
//!
//! The server takes the acknowledgement of anybody who ever had a message, though another has it by now. So a process
//! says nothing any more about what its lease has run out of. The clock also runs while the process stands still.

use application::ports::work_queue::Receipt;
use domain::flow::WorkId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::time::Instant;

/// One piece of work that was handed out here.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    /// The stream that it came from, by the word for when that was made.
    pub mark: String,
    /// Where it is acknowledged.
    pub ack: String,
    /// The subject of its message.
    pub subject: String,
    /// The number of its message in the stream.
    pub sequence: u64,
    /// When the lease runs out.
    pub until: Instant,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Holds(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: u64,
    holds: HashMap<Receipt, Hold>,
}

impl Holds {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names what was handed out. What has run out is forgotten.
    pub fn insert(&self, work: WorkId, hold: Hold) -> Receipt {
        let mut state = self.state();
        let now = Instant::now();
        state.holds.retain(|_, hold| hold.until > now);
        state.last += 1;
        let receipt = Receipt { work, delivery: state.last };
        state.holds.insert(receipt, hold);
        receipt
    }

    /// What a receipt holds, if its lease has not run out.
    pub fn get(&self, receipt: Receipt) -> Option<Hold> {
        self.state().holds.get(&receipt).filter(|hold| hold.until > Instant::now()).cloned()
    }

    /// The same, which then holds it no more.
    pub fn remove(&self, receipt: Receipt) -> Option<Hold> {
        self.state().holds.remove(&receipt).filter(|hold| hold.until > Instant::now())
    }

    /// Extends a lease, unless it has run out meanwhile; whether it did.
    pub fn extend(&self, receipt: Receipt, until: Instant) -> bool {
        match self.state().holds.get_mut(&receipt) {
            Some(hold) if hold.until > Instant::now() => {
                hold.until = until;
                true
            }
            Some(_) | None => false,
        }
    }
}
