//! A clock that is set by hand.

use crate::ports::clock::Clock;
use domain::value::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that stands still until it is set.
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicU64::new(now.unix_ms()))
    }

    /// Sets it, forwards or backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.unix_ms(), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// Stands at 2026-01-31T08:00:00Z.
    fn default() -> Self {
        Self::new(Timestamp::from_unix_ms(1_769_846_400_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}
