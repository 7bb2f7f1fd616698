//! Time and ids of a process.

use application::ports::clock::{Clock, Ids};
use domain::value::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;
use uuid::Uuid;

/// Time as the runtime counts it, so that a paused runtime's time passes at once.
pub struct TokioClock(Instant);

impl Default for TokioClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timestamp::from_unix_ms(1_700_000_000_000 + passed)
    }
}

/// Ids by counting.
#[derive(Default)]
pub struct Counted(AtomicU64);

impl Ids for Counted {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + (1 << 64))
    }

    fn below(&self, bound: u64) -> u64 {
        bound / 2
    }

    fn secret(&self) -> [u8; 32] {
        [7; 32]
    }
}
