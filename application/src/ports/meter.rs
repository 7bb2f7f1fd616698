//! How long engines were at work: the measure of Dragoman's own overhead.
//!
//! The wall time of a run minus [`EngineMeter::busy`] is what Dragoman itself costs. Engines that run side by side
//! count once. It does not measure processor time, and it does not tell engines apart.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Measures the wall time in which at least one engine runs, in this process or in a child.
#[derive(Debug, Default)]
pub struct EngineMeter {
    tally: Mutex<Tally>,
}

impl EngineMeter {
    /// Notes that an engine began to work; it works until the guard is dropped.
    #[must_use = "the engine counts as running only as long as the guard lives"]
    pub fn enter(self: &Arc<Self>) -> MeterGuard {
        self.tally().begin(Instant::now());
        MeterGuard { meter: Arc::clone(self) }
    }

    /// Wall time with at least one engine at work, up to now.
    pub fn busy(&self) -> Duration {
        self.tally().busy(Instant::now())
    }

    /// The tally is plain numbers and valid at every moment, so a panic elsewhere does not spoil it.
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One engine at work. Dropping it ends that.
#[derive(Debug)]
pub struct MeterGuard {
    meter: Arc<EngineMeter>,
}

impl Drop for MeterGuard {
    fn drop(&mut self) {
        self.meter.tally().end(Instant::now());
    }
}

/// The arithmetic, with the clock as an argument.
#[derive(Debug, Default)]
struct Tally {
    /// Engines at work.
    active: usize,
    /// When the first of them began; `None` while nothing runs.
    since: Option<Instant>,
    /// The sum of the stretches that are over.
    past: Duration,
}

impl Tally {
    fn begin(&mut self, now: Instant) {
        self.active += 1;
        self.since.get_or_insert(now);
    }

    fn end(&mut self, now: Instant) {
        self.active = self.active.saturating_sub(1);
        if self.active == 0 {
            self.past = self.busy(now);
            self.since = None;
        }
    }

    fn busy(&self, now: Instant) -> Duration {
        self.past + self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps are `+` (an engine begins) and `-` (one ends), each at a second.
    fn check(steps: &[(u64, char)], asked_at_s: u64, busy_s: u64) {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut tally = Tally::default();
        for (second, step) in steps {
            match step {
                '+' => tally.begin(at(*second)),
                _ => tally.end(at(*second)),
            }
        }
        assert_eq!(tally.busy(at(asked_at_s)), Duration::from_secs(busy_s), "{steps:?} at {asked_at_s} s");
    }

    #[test]
    fn counts_each_second_once_however_many_engines_run() {
        check(&[], 9, 0);
        check(&[(1, '+')], 4, 3);
        check(&[(1, '+'), (4, '-')], 9, 3);
        check(&[(1, '+'), (2, '+'), (4, '-')], 9, 8);
        check(&[(1, '+'), (2, '+'), (4, '-'), (6, '-')], 9, 5);
        check(&[(1, '+'), (2, '-'), (5, '+'), (7, '-')], 9, 3);
    }

    #[test]
    fn given_a_dropped_guard_when_time_goes_on_then_nothing_more_is_counted() {
        let meter = Arc::new(EngineMeter::default());
        drop(meter.enter());
        assert_eq!(meter.busy(), meter.busy());
        let running = meter.enter();
        assert!(meter.tally().since.is_some());
        drop(running);
        assert!(meter.tally().since.is_none());
    }
}
