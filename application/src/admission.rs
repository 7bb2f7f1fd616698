//! Admission: decides which dubbings are driven now, and drives them.
//!
//! So many at a time; those that wait go by urgency, then fair between tenants, then by age (the rules of
//! [`crate::fair_line`]). What to drive it learns from the log: any event of a dubbing that is not being driven
//! makes it look whether that one owes anything. It names no kind of event, so that whatever may ever put a
//! dubbing in motion does. Settled, parked and paused dubbings cost nothing: they are neither held nor looked at.
//!
//! Where several nodes share in driving, each looks after the dubbings of the partitions that it holds, and gives them away
//! with those: whoever takes a partition over begins with what is unfinished in it, as after a crash.
//!
//! The line is as long as what the log owes. It is kept short at the door: whoever asks for something new, or
//! sets in motion what stood still, first takes a [`Reservation`], and is refused when there is no room. What is in
//! the log already is never refused.

mod backlog;
mod line;
mod run;

use crate::{
    cluster::{Holdings, Right},
    ports::{
        event_log::{ReadError, StreamId},
        work_queue::Claim,
    },
    process_manager::ProcessManager,
};
pub use backlog::{Backlog, BacklogError, Beginning};
use domain::value::DubbingId;
use line::Line;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use thiserror::Error;
use tokio::{sync::Notify, time::Instant};

/// How much is done at a time, and how much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// Dubbings that are driven at a time; at least one.
    pub active_max: usize,
    /// Dubbings that may wait beyond these before new ones are refused.
    pub queued_max: usize,
    /// When to ask again after a refusal.
    pub retry_after: Duration,
}

/// Decides which dubbings are driven now.
pub struct Admission {
    manager: Arc<ProcessManager>,
    limits: AdmissionLimits,
    holdings: Holdings,
    line: Mutex<Line>,
    /// Dubbings of the whole installation that are driven or wait, as far as it was told.
    everywhere: AtomicUsize,
    changed: Notify,
}

/// No more work is taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too much work is waiting; ask again in {} s", retry_after.as_secs())]
pub struct Busy {
    /// When to ask again.
    pub retry_after: Duration,
}

/// How much is going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdmissionDepth {
    /// Dubbings that are being driven.
    pub active: usize,
    /// Dubbings that wait for their turn.
    pub waiting: usize,
    /// Dubbings that could not be driven, and wait to be tried again.
    pub backing_off: usize,
    /// Requests that are just being written.
    pub reserved: usize,
}

impl Admission {
    /// With nothing to do yet, of all dubbings.
    pub fn new(manager: Arc<ProcessManager>, limits: AdmissionLimits) -> Arc<Self> {
        Self::among_others(manager, limits, Holdings::everything())
    }

    /// The same for those dubbings that this node holds.
    pub fn among_others(manager: Arc<ProcessManager>, limits: AdmissionLimits, holdings: Holdings) -> Arc<Self> {
        let limits = AdmissionLimits { active_max: limits.active_max.max(1), ..limits };
        Arc::new(Self {
            manager,
            limits,
            holdings,
            line: Mutex::default(),
            everywhere: AtomicUsize::new(0),
            changed: Notify::new(),
        })
    }

    /// Takes a place for a request that is about to be written. So many requests at once as may come: together
    /// they never get more places than there are.
    pub fn reserve(self: &Arc<Self>) -> Result<Reservation, Busy> {
        self.take_place(&mut self.line())
    }

    /// As [`Self::reserve`], for more work on a dubbing that is there: while it waits or is driven it has its place.
    pub fn reserve_for(self: &Arc<Self>, id: DubbingId) -> Result<Reservation, Busy> {
        let mut line = self.line();
        if line.holds(id) {
            return Ok(Reservation { admission: Arc::clone(self), is_counted: false });
        }
        self.take_place(&mut line)
    }

    fn take_place(self: &Arc<Self>, line: &mut Line) -> Result<Reservation, Busy> {
        let depth = line.depth();
        let here = depth.active + depth.waiting + depth.backing_off;
        let taken = here.max(self.everywhere.load(Ordering::Relaxed)) + depth.reserved;
        if taken >= self.limits.active_max + self.limits.queued_max {
            return Err(Busy { retry_after: self.limits.retry_after });
        }
        line.reserve();
        Ok(Reservation { admission: Arc::clone(self), is_counted: true })
    }

    /// Is told how many dubbings of the whole installation are driven or wait, where other nodes drive some.
    pub fn hear_of(&self, everywhere: usize) {
        self.everywhere.store(everywhere, Ordering::Relaxed);
    }

    /// How much is done at a time, and how much may wait.
    pub fn limits(&self) -> AdmissionLimits {
        self.limits
    }

    /// How much is going on.
    pub fn depth(&self) -> AdmissionDepth {
        self.line().depth()
    }

    /// Puts a dubbing in the line if it owes anything, is this node's, and is not in it or driven already.
    async fn consider(&self, id: DubbingId) {
        if self.holdings.right_to_drive(id) == Right::None {
            return;
        }
        // The mark is set first: an event that comes while the log is read is not overlooked.
        if self.line().begin_look(id) {
            self.look_and(id, |line, claim, age| line.wait(id, claim, age)).await;
        }
    }

    /// Looks at what a dubbing owes: nothing, and it is forgotten; something, and this becomes of it.
    async fn look_and(&self, id: DubbingId, then: impl FnOnce(&mut Line, Claim, u64)) {
        loop {
            let found = self.look(id).await;
            let mut line = self.line();
            match found {
                Ok(Some((claim, age))) => then(&mut line, claim, age),
                Ok(None) if line.forget(id) => {}
                Ok(None) => continue,
                Err(error) => {
                    let pause = line.failed(id, Instant::now());
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(correlation_id = %id, error, ?pause, "a dubbing cannot be read");
                }
            }
            break;
        }
        self.changed.notify_one();
    }

    /// For whom a dubbing is driven, and its age; `None` when it owes nothing.
    async fn look(&self, id: DubbingId) -> Result<Option<(Claim, u64)>, ReadError> {
        if !self.manager.is_to_be_driven(id).await? {
            return Ok(None);
        }
        let first = self.manager.aggregates.log().read_stream(&StreamId::Dubbing(id), 1, 1).await?;
        let age = first.first().map_or(0, |event| event.position);
        Ok(Some((self.manager.claim(id).await?, age)))
    }

    /// No code runs under the lock that could leave the line half-changed.
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place for a request that is being written. Dropped without having been used, it is free again.
pub struct Reservation {
    admission: Arc<Admission>,
    /// Whether it takes up room of its own.
    is_counted: bool,
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reservation")
    }
}

impl Reservation {
    /// The request is in the log: its dubbing takes the place, if it owes anything.
    pub async fn fill(self, id: DubbingId) {
        self.admission.consider(id).await;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.is_counted {
            self.admission.line().give_back();
        }
    }
}
