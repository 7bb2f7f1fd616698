//! Buckets of one limit. `governor` counts (the generic cell rate algorithm); here is what bounds its memory.

use super::{RateKey, RatePolicy, Standing};
use governor::{
    Quota, clock::Clock, middleware::StateInformationMiddleware, nanos::Nanos, state::keyed::DashMapStateStore,
};
use std::{
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    time::Duration,
};
use tokio::time::Instant;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);
/// Buckets of one limit that have names of their own. About 100 bytes each.
const NAMED_MAX: usize = 100_000;
/// While more ask than that, all share so many.
const SHARED: u64 = 1_024;
/// Every so many requests it is looked how many buckets there are.
const LOOK_EVERY: u32 = 256;
/// Full buckets, which are as good as none, are thrown away as often; while there are too many, every second.
const SWEEP_EVERY_MS: u64 = 60_000;
const SWEEP_FULL_EVERY_MS: u64 = 1_000;

type Governor = governor::RateLimiter<RateKey, DashMapStateStore<RateKey>, Ticking, StateInformationMiddleware>;

/// Buckets of one limit.
pub(super) struct Buckets {
    policy: RatePolicy,
    quota: NonZeroU32,
    /// After so long a unit comes back.
    interval: Duration,
    governor: Governor,
    hasher: RandomState,
    asked: AtomicU32,
    is_full: AtomicBool,
    swept_ms: AtomicU64,
}

/// Time since the start that only goes forwards: a clock that is set back would close every bucket.
#[derive(Clone, Copy, Debug)]
struct Ticking(Instant);

impl Clock for Ticking {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

impl Buckets {
    /// For so much a minute, of which so many seconds' worth at once, at least one; `None` for no limit.
    pub fn new(policy: RatePolicy, per_minute: u32, burst_seconds: u32) -> Option<Self> {
        let interval = MINUTE.checked_div(per_minute)?.max(Duration::from_nanos(1));
        let burst = u64::from(per_minute) * u64::from(burst_seconds) / 60;
        let quota = NonZeroU32::new(u32::try_from(burst).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
        let clock = Ticking(Instant::now());
        let governor =
            governor::RateLimiter::dashmap_with_clock(Quota::with_period(interval)?.allow_burst(quota), clock);
        Some(Self {
            policy,
            quota,
            interval,
            governor: governor.with_middleware(),
            hasher: RandomState::new(),
            asked: AtomicU32::new(0),
            is_full: AtomicBool::new(false),
            swept_ms: AtomicU64::new(0),
        })
    }

    /// Takes one out of the key's bucket; an error when nothing is in it.
    pub fn take(&self, key: &RateKey) -> Result<Standing, Standing> {
        self.tidy();
        match self.governor.check_key(&self.bucket(key)) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let owed = self.interval.saturating_mul(self.quota.get().saturating_sub(remaining));
                Ok(self.standing(remaining, if remaining == 0 { self.interval } else { owed }))
            }
            Err(until) => Err(self.standing(0, until.wait_time_from(self.governor.clock().now()))),
        }
    }

    /// The key's own bucket, or one that it shares with others while there are too many.
    fn bucket(&self, key: &RateKey) -> RateKey {
        if self.is_full.load(Ordering::Relaxed) {
            RateKey::Account(Uuid::from_u128(u128::from(self.hasher.hash_one(key) % SHARED)))
        } else {
            *key
        }
    }

    fn tidy(&self) {
        if self.asked.fetch_add(1, Ordering::Relaxed) % LOOK_EVERY != LOOK_EVERY - 1 {
            return;
        }
        let is_full = self.governor.len() >= NAMED_MAX;
        let now_ms = self.governor.clock().now().as_u64() / 1_000_000;
        let swept_ms = self.swept_ms.load(Ordering::Relaxed);
        let every_ms = if is_full { SWEEP_FULL_EVERY_MS } else { SWEEP_EVERY_MS };
        let is_due = now_ms.saturating_sub(swept_ms) >= every_ms;
        let is_mine = || self.swept_ms.compare_exchange(swept_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_due && is_mine() {
            self.governor.retain_recent();
            self.governor.shrink_to_fit();
        }
        self.is_full.store(self.governor.len() >= NAMED_MAX, Ordering::Relaxed);
    }

    fn standing(&self, remaining: u32, reset: Duration) -> Standing {
        Standing {
            policy: self.policy,
            quota: self.quota.get(),
            window_seconds: seconds_up(self.interval.saturating_mul(self.quota.get())),
            remaining,
            reset_seconds: seconds_up(reset),
        }
    }
}

/// Whole seconds, at least one: whoever waits for them waits long enough.
fn seconds_up(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000_000)).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn buckets(per_minute: u32, burst_seconds: u32) -> Buckets {
        Buckets::new(RatePolicy::User, per_minute, burst_seconds).expect("a limit")
    }

    fn ask_often(buckets: &Buckets, times: u32) {
        for _ in 0..times {
            let _counted = buckets.take(&key(7));
        }
    }

    fn key(number: u128) -> RateKey {
        RateKey::Account(Uuid::from_u128(number))
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_is_emptied_at_once_and_fills_evenly() {
        let buckets = buckets(60, 10);
        let standing = |remaining, reset_seconds| Standing {
            policy: RatePolicy::User,
            quota: 10,
            window_seconds: 10,
            remaining,
            reset_seconds,
        };
        for remaining in (1..10).rev() {
            assert_eq!(buckets.take(&key(1)), Ok(standing(remaining, u64::from(10 - remaining))));
        }
        assert_eq!(buckets.take(&key(1)), Ok(standing(0, 1)));
        assert_eq!(buckets.take(&key(1)), Err(standing(0, 1)));
        assert!(buckets.take(&key(2)).is_ok(), "somebody else's");
        advance(Duration::from_millis(400)).await;
        assert_eq!(buckets.take(&key(1)), Err(standing(0, 1)), "600 ms are a second when rounded up");
        advance(Duration::from_millis(600)).await;
        assert!(buckets.take(&key(1)).is_ok() && buckets.take(&key(1)).is_err());
        advance(MINUTE).await;
        assert_eq!((0..100).filter(|_| buckets.take(&key(1)).is_ok()).count(), 10, "and holds no more than that");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_as_long_as_told_is_let_in() {
        for (per_minute, burst_seconds) in [(1, 1), (7, 60), (59, 3), (1_000, 60), (u32::MAX, 3_600)] {
            let buckets = buckets(per_minute, burst_seconds);
            let quota = buckets.quota.get().min(100_000);
            for _ in 0..quota {
                let Err(standing) = buckets.take(&key(1)) else { continue };
                panic!("{per_minute}/{burst_seconds}: {standing:?}");
            }
            if let Err(standing) = buckets.take(&key(1)) {
                advance(Duration::from_secs(standing.reset_seconds)).await;
                assert!(buckets.take(&key(1)).is_ok(), "{per_minute}/{burst_seconds}");
            }
        }
        assert!(Buckets::new(RatePolicy::Key, 0, 60).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn full_buckets_are_thrown_away() {
        let buckets = buckets(60, 60);
        for number in 0..10_000 {
            assert!(buckets.take(&key(number)).is_ok());
        }
        assert_eq!(buckets.governor.len(), 10_000);
        advance(MINUTE * 2).await;
        ask_often(&buckets, LOOK_EVERY);
        assert!(buckets.governor.len() <= 2, "{}", buckets.governor.len());
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_whoever_asks_and_all_are_still_limited() {
        let buckets = buckets(60, 60);
        for number in 0..3 * NAMED_MAX as u128 {
            let _counted = buckets.take(&key(1 << 64 | number));
        }
        let most = NAMED_MAX + LOOK_EVERY as usize + SHARED as usize;
        assert!(buckets.governor.len() <= most, "{}", buckets.governor.len());
        assert!((0..100).any(|_| buckets.take(&key(5)).is_err()), "a shared bucket has an end, too");
        // Once they are gone, everybody has a bucket again.
        advance(MINUTE * 2).await;
        ask_often(&buckets, 2 * LOOK_EVERY);
        assert!(!buckets.is_full.load(Ordering::Relaxed) && buckets.take(&key(5)).is_ok());
    }
}
