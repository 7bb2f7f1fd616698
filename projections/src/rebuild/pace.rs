//! How fast it goes, and how long it will take.

use std::time::Duration;
use tokio::time::Instant;

/// How far a read model is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Events folded since it began.
    pub done: u64,
    /// Position reached.
    pub position: u64,
    /// Position to be reached.
    pub end: u64,
    /// Events per second since it began; 0 when that cannot be said yet.
    pub per_second: f64,
    /// Until the end, if it goes on like that.
    pub left: Option<Duration>,
    /// It is there.
    pub is_done: bool,
}

/// Watches a runner.
pub(super) struct Watch {
    from: u64,
    end: u64,
    began: Instant,
}

impl Watch {
    /// Now, on the way from one position to another.
    pub fn begin(from: u64, end: u64) -> Self {
        Self { from, end, began: Instant::now() }
    }

    /// How far it is; `None` when nothing has happened yet.
    pub fn pace(&self, position: u64) -> Option<Pace> {
        (position > self.from).then(|| pace(self.from, position, self.end, self.began.elapsed()))
    }

    /// That it is there.
    pub fn end(&self, position: u64) -> Pace {
        let pace = pace(self.from.min(position), position, self.end.max(position), self.began.elapsed());
        Pace { left: Some(Duration::ZERO), is_done: true, ..pace }
    }
}

fn pace(from: u64, position: u64, end: u64, elapsed: Duration) -> Pace {
    let (done, seconds) = (position - from, elapsed.as_secs_f64());
    let per_second = if seconds > 0.0 { done as f64 / seconds } else { 0.0 };
    let left = (per_second > 0.0).then(|| end.saturating_sub(position) as f64 / per_second);
    let left = left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Pace { done, position, end, per_second, left, is_done: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_left_at_the_pace_so_far() {
        let check = |position, seconds: u64, per_second: f64, left: Option<u64>| {
            let pace = pace(1_000, position, 5_000, Duration::from_secs(seconds));
            assert_eq!((pace.per_second, pace.left), (per_second, left.map(Duration::from_secs)), "{pace:?}");
        };
        check(1_000, 0, 0.0, None);
        check(1_000, 3, 0.0, None);
        check(2_000, 10, 100.0, Some(30));
        check(5_000, 4, 1_000.0, Some(0));
        check(6_000, 5, 1_000.0, Some(0));
    }
}
