//! Live events: one reader of the log for everybody who listens.
//!
//! The reader follows the log in order of position, puts each public event into its final bytes once, and lays it into
//! a ring that all listeners share. A listener has its place in the ring and nothing else, so that a thousand of them
//! cost little more than their connections. Whoever falls behind by the whole ring is sent away: it can come again and
//! say where it stopped. The reader starts with the first listener and ends with the server.

mod feed;
mod filter;
mod frame;
mod pages;

pub(crate) use feed::{Feed, Next};
pub(crate) use filter::{After, TypeSet, Wanted};
pub(crate) use frame::Frame;

use application::ports::event_log::{EventLog, ReadError};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OnceCell, Semaphore, broadcast},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Events read in one go by the reader.
const PAGE: usize = 256;
/// Longest time between two looks at the log: wake-ups are hints.
const POLL: Duration = Duration::from_millis(500);
/// The pause after the log could not be read.
const PAUSE: Duration = Duration::from_secs(1);
/// Pages of history that are read at once, for all listeners together: they are work for the disk.
const REPLAYS_MAX: usize = 4;

/// The events as they come. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Live(Arc<Hub>);

struct Hub {
    log: Arc<dyn EventLog>,
    stop: CancellationToken,
    ring: usize,
    tail: OnceCell<Arc<Mutex<Tail>>>,
    replays: Semaphore,
}

/// The end of the log, as far as it was laid into the ring.
struct Tail {
    /// Everything up to this position was laid into the ring, for those who listened then.
    published: u64,
    /// The ring; `None` once the server is to stop.
    ring: Option<broadcast::Sender<Arc<Frame>>>,
}

/// A place in the ring, and the position behind which it begins.
struct Place {
    receiver: broadcast::Receiver<Arc<Frame>>,
    after: u64,
}

impl Live {
    /// The events of a log, until `stop`. The ring holds so many.
    pub(crate) fn new(log: Arc<dyn EventLog>, stop: CancellationToken, ring: usize) -> Self {
        let (tail, replays) = (OnceCell::new(), Semaphore::new(REPLAYS_MAX));
        Self(Arc::new(Hub { log, stop, ring: ring.max(1), tail, replays }))
    }

    /// The log underneath.
    fn log(&self) -> &Arc<dyn EventLog> {
        &self.0.log
    }

    fn is_stopping(&self) -> bool {
        self.0.stop.is_cancelled()
    }

    /// Up to where the ring was filled.
    async fn published(&self) -> Result<u64, ReadError> {
        Ok(lock(self.tail().await?).published)
    }

    /// A place in the ring: from here on nothing is missed. `None` once the server is to stop.
    async fn listen(&self) -> Result<Option<Place>, ReadError> {
        let tail = lock(self.tail().await?);
        Ok(tail.ring.as_ref().map(|ring| Place { receiver: ring.subscribe(), after: tail.published }))
    }

    async fn tail(&self) -> Result<&Arc<Mutex<Tail>>, ReadError> {
        self.0.tail.get_or_try_init(|| self.start()).await
    }

    async fn start(&self) -> Result<Arc<Mutex<Tail>>, ReadError> {
        let published = self.0.log.head().await?;
        let ring = Some(broadcast::Sender::new(self.0.ring));
        let tail = Arc::new(Mutex::new(Tail { published, ring }));
        tokio::spawn(follow(self.0.log.clone(), tail.clone(), self.0.stop.clone()));
        Ok(tail)
    }
}

/// Lays what the log gets into the ring, until the server is to stop.
async fn follow(log: Arc<dyn EventLog>, tail: Arc<Mutex<Tail>>, stop: CancellationToken) {
    let mut wakeups = log.wakeups();
    let mut was_read = true;
    while !stop.is_cancelled() {
        wakeups.mark_unchanged();
        let published = lock(&tail).published;
        let read = log.read_log(published, PAGE).await;
        let pause = match &read {
            Ok(page) if page.scanned_to > published => Duration::ZERO,
            Ok(_) => POLL,
            Err(_) => PAUSE,
        };
        match &read {
            Ok(page) => lock(&tail).publish(&page.events, page.scanned_to),
            Err(error) if was_read => {
                let error = error as &dyn std::error::Error;
                tracing::error!(error, "live events wait for the log");
            }
            Err(_) => {}
        }
        was_read = read.is_ok();
        if pause.is_zero() {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            woken = timeout(pause, wakeups.changed()) => {
                // Nobody wakes us up any more, or the log is ill: it is looked at all the same, but not without pause.
                if !was_read || matches!(woken, Ok(Err(_))) {
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
    lock(&tail).ring = None;
}

impl Tail {
    fn publish(&mut self, events: &[application::ports::event_log::Recorded], scanned_to: u64) {
        if let Some(ring) = self.ring.as_ref().filter(|ring| ring.receiver_count() > 0) {
            for frame in events.iter().filter_map(Frame::of) {
                // Without listeners nothing is kept.
                drop(ring.send(Arc::new(frame)));
            }
        }
        self.published = scanned_to;
    }
}

/// What is kept is valid at every moment, so a panic elsewhere does not spoil it.
fn lock(tail: &Arc<Mutex<Tail>>) -> MutexGuard<'_, Tail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
