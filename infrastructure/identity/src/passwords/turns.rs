//! Work off the threads that serve requests: so many at a time, so many in line, the rest is sent away.

use application::ports::passwords::PasswordError;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Who may work, and who may wait.
pub(super) struct Turns {
    /// Places for all that work or wait.
    places: Arc<Semaphore>,
    /// Places for those that work.
    working: Arc<Semaphore>,
}

impl Turns {
    /// At least one may work.
    pub(super) fn new(at_once: usize, waiting_max: usize) -> Self {
        let at_once = at_once.clamp(1, Semaphore::MAX_PERMITS);
        let places = at_once.saturating_add(waiting_max).min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), working: Arc::new(Semaphore::new(at_once)) }
    }

    /// What the work gives, after those that came before. Work that has begun keeps its place to its end, also when the
    /// asker goes: what is bounded is the work, not the askers.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let turn =
            Arc::clone(&self.working).acquire_owned().await.map_err(|error| PasswordError::Failed(error.into()))?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            work()
        });
        done.await.map_err(|error| PasswordError::Failed(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        time::Duration,
    };
    use tokio::time::timeout;

    const BOUND: Duration = Duration::from_secs(20);

    /// Lets others go on until the condition holds.
    async fn until(what: &str, holds: impl Fn() -> bool) {
        let waiting = async {
            while !holds() {
                tokio::task::yield_now().await;
            }
        };
        timeout(BOUND, waiting).await.unwrap_or_else(|_| panic!("{what}"));
    }

    #[tokio::test]
    async fn no_more_work_at_once_than_may_and_no_more_wait_than_may() {
        let turns = Arc::new(Turns::new(2, 3));
        let [running, most, ended] = std::array::from_fn(|_| Arc::new(AtomicUsize::new(0)));
        let (release, gate) = mpsc::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        let ask = || {
            let (turns, gate) = (Arc::clone(&turns), Arc::clone(&gate));
            let (running, most, ended) = (Arc::clone(&running), Arc::clone(&most), Arc::clone(&ended));
            tokio::spawn(async move {
                let work = move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    gate.lock().expect("gate").recv_timeout(BOUND).expect("released");
                    running.fetch_sub(1, Ordering::SeqCst);
                    ended.fetch_add(1, Ordering::SeqCst);
                };
                turns.run(work).await
            })
        };
        let asked: Vec<_> = (0..5).map(|_| ask()).collect();
        until("two work, three wait", || running.load(Ordering::SeqCst) == 2 && turns.places.available_permits() == 0)
            .await;
        for _ in 0..3 {
            assert!(matches!(ask().await.expect("task"), Err(PasswordError::Busy)));
        }
        (0..5).for_each(|_| release.send(()).expect("gate"));
        for asked in asked {
            timeout(BOUND, asked).await.expect("in time").expect("task").expect("its turn");
        }
        assert_eq!((most.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (2, 5));
        until("all places are free again", || turns.places.available_permits() == 5).await;
    }

    /// On a runtime with one thread, work that waits for that thread ends only if it is not on it.
    #[tokio::test(flavor = "current_thread")]
    async fn the_threads_that_serve_are_not_blocked() {
        let (say, heard) = mpsc::channel();
        let turns = Turns::new(1, 0);
        let work = turns.run(move || heard.recv_timeout(BOUND).is_ok());
        let speak = async { say.send(()).expect("heard") };
        assert!(tokio::join!(work, speak).0.expect("work"));
    }

    #[tokio::test]
    async fn work_whose_asker_went_keeps_its_place_until_it_ends() {
        let turns = Arc::new(Turns::new(1, 0));
        let (begun, began) = tokio::sync::oneshot::channel();
        let (release, gate) = mpsc::channel::<()>();
        let asker = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move {
                let work = move || {
                    begun.send(()).expect("begun");
                    gate.recv_timeout(BOUND).expect("released");
                };
                turns.run(work).await
            }
        });
        timeout(BOUND, began).await.expect("in time").expect("begun");
        asker.abort();
        assert!(asker.await.expect_err("aborted").is_cancelled());
        assert!(matches!(turns.run(|| ()).await, Err(PasswordError::Busy)));
        release.send(()).expect("gate");
        until("the place is free again", || turns.places.available_permits() == 1).await;
        turns.run(|| ()).await.expect("its turn");
    }
}
