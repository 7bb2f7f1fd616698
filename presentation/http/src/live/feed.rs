//! What one listener hears: history first, as fast as it takes it, then what happens, each event exactly once.

use super::{
    Frame, Live, Place, Wanted,
    filter::After,
    pages::{PageOf, Pages},
};
use application::{aggregates::Aggregates, ports::event_log::ReadError};
use domain::value::DubbingId;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, timeout_at},
};

/// After this long without an event, the listener is told that the connection lives.
const QUIET: Duration = Duration::from_secs(15);
/// How close history must have come before a place in the ring is taken.
const CLOSE: u64 = 256;

/// The events for one listener, from where it begins.
pub(crate) struct Feed {
    live: Live,
    wanted: Wanted,
    cursor: u64,
    step: Step,
    quiet_at: Instant,
}

/// How far it has come.
enum Step {
    /// History is read up to a position; a place in the ring is taken once that is close to the log's end.
    Behind(Box<Behind>),
    /// It hears what happens.
    Listening(Receiver<Arc<Frame>>),
}

struct Behind {
    pages: Pages,
    /// Read, and not told yet.
    read: VecDeque<Arc<Frame>>,
    /// There is nothing else up to here.
    scanned_to: u64,
    until: u64,
    place: Option<Place>,
}

/// What a listener hears next.
pub(crate) enum Next {
    /// An event.
    Event(Arc<Frame>),
    /// Nothing has happened for a while.
    Quiet,
    /// It was too slow: events have passed that it did not hear.
    Slow,
    /// The server stops, or the log cannot be read.
    Stopped,
}

impl Feed {
    /// From where on a listener hears what it wants. `Err(head)` when `after` is beyond the end of the log.
    pub(crate) async fn open(
        live: Live,
        aggregates: &Arc<Aggregates>,
        wanted: Wanted,
        after: After,
    ) -> Result<Result<Self, u64>, ReadError> {
        let until = live.published().await?;
        let cursor = match after {
            After::Now => until,
            After::Position(position) => position,
        };
        if cursor > until {
            let head = live.log().head().await?;
            if cursor > head {
                return Ok(Err(head));
            }
        }
        let pages = match wanted.dubbing {
            Some(dubbing) => Pages::of_dubbing(Arc::clone(aggregates), DubbingId(dubbing)),
            None => Pages::All,
        };
        let behind = Behind { pages, read: VecDeque::new(), scanned_to: cursor, until, place: None };
        let step = Step::Behind(Box::new(behind));
        Ok(Ok(Self { live, wanted, cursor, step, quiet_at: Instant::now() + QUIET }))
    }

    /// Everything up to here was told or is not wanted: who comes again and goes on from here misses nothing.
    pub(crate) fn place(&self) -> u64 {
        self.cursor
    }

    /// What comes next. Nothing is lost when this is dropped before its end.
    pub(crate) async fn next(&mut self) -> Next {
        let next = self.wait().await;
        self.quiet_at = Instant::now() + QUIET;
        next
    }

    async fn wait(&mut self) -> Next {
        loop {
            let frame = match &mut self.step {
                Step::Behind(behind) => match behind.next(&self.live).await {
                    Ok(Some(frame)) => frame,
                    Ok(None) => match behind.place.take() {
                        Some(place) => {
                            self.cursor = self.cursor.max(behind.scanned_to);
                            self.step = Step::Listening(place.receiver);
                            continue;
                        }
                        None => return Next::Stopped,
                    },
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(error, "a stream of events ends: the log cannot be read");
                        return Next::Stopped;
                    }
                },
                Step::Listening(receiver) => match timeout_at(self.quiet_at, receiver.recv()).await {
                    Err(_) => return Next::Quiet,
                    Ok(Ok(frame)) => frame,
                    Ok(Err(RecvError::Lagged(_))) => return Next::Slow,
                    Ok(Err(RecvError::Closed)) => return Next::Stopped,
                },
            };
            if frame.position > self.cursor {
                self.cursor = frame.position;
                if self.wanted.holds(&frame) {
                    return Next::Event(frame);
                }
            }
        }
    }
}

impl Behind {
    /// The next piece of history; `None` once there is a place in the ring and all that came before it was told, or
    /// when the server stops.
    async fn next(&mut self, live: &Live) -> Result<Option<Arc<Frame>>, ReadError> {
        loop {
            if let Some(frame) = self.read.pop_front() {
                return Ok(Some(frame));
            }
            if live.is_stopping() {
                self.place = None;
                return Ok(None);
            }
            if self.scanned_to < self.until {
                // Closed with the server only.
                let _permit = live.0.replays.acquire().await;
                let PageOf { frames, scanned_to } = self.pages.read(live.log(), self.scanned_to, self.until).await?;
                (self.read, self.scanned_to) = (frames, scanned_to);
                continue;
            }
            if self.place.is_some() {
                return Ok(None);
            }
            self.come_closer(live).await?;
        }
    }

    /// Sets the next aim: the end of the ring as it is now, and a place in it once that is near.
    async fn come_closer(&mut self, live: &Live) -> Result<(), ReadError> {
        let published = live.published().await?;
        if published.saturating_sub(self.scanned_to) > CLOSE {
            self.until = published;
            return Ok(());
        }
        let Some(place) = live.listen().await? else {
            return Ok(());
        };
        self.until = place.after;
        self.place = Some(place);
        Ok(())
    }
}
