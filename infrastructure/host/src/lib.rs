//! The machine's clock, randomness and memory: the only place that asks for them.

mod memory;

pub use memory::memory_available;

use application::ports::clock::{Clock, Ids};
use domain::value::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::{Builder, Uuid};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the adapter that reads the clock")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_ms(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Ids and numbers from the machine's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn next(&self) -> Uuid {
        Builder::from_unix_timestamp_millis(SystemClock.now().unix_ms(), &random()).into_uuid()
    }

    fn below(&self, bound: u64) -> u64 {
        // The bias of the remainder is below bound / 2^64: nothing for jitter.
        if bound == 0 { 0 } else { u64::from_le_bytes(random()) % bound }
    }

    fn secret(&self) -> [u8; 32] {
        random()
    }
}

/// Random bytes. A machine that gives none cannot name anything safely: the program ends there.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        std::process::abort();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_version_7_and_sort_by_age() {
        let ids: Vec<Uuid> = (0..1_000).map(|_| RandomIds.next()).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 1_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        let early = SystemClock.now().plus_ms(10);
        while SystemClock.now() <= early {}
        assert!(ids.iter().all(|id| *id < RandomIds.next()));
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_all_of_it() {
        let drawn: BTreeSet<u64> = (0..1_000).map(|_| RandomIds.below(8)).collect();
        assert_eq!(drawn, (0..8).collect());
        assert_eq!(RandomIds.below(0), 0);
    }
}
