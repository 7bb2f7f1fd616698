//! The relay: follows the log, and tells on an event bus what it holds.
//!
//! Two kinds of message come of a page of the log. A *notice* for each category of streams in it, for the installation's
//! own processes: it says "look at the log, it has come as far as this", and one for a page says as much as one for each
//! event would. And each *public* event, by the schema that webhooks have, for programs of others.
//!
//! There is no checkpoint beside the bus: where to go on is read from what the bus holds, so that a bus that was lost is
//! filled again from the log's beginning, as far as the bus keeps anything, and a relay that dies anywhere leaves nothing
//! half done. Two relays at a time are harmless: the bus refuses whoever publishes upon a state that has passed.
//! Deliberately absent: any bus, and who listens.

mod messages;
#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;

use crate::{
    ports::{
        event_bus::{BusError, EventBus, Fence, Mark},
        event_log::{EventLog, ReadError},
    },
    stop::{StopSignal, Stopping},
};
use messages::messages;
use std::{error::Error, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::{sync::watch, time::timeout};

/// Events read in one go. The bus holds the messages of as many in memory.
const PAGE: usize = 512;
/// Longest time between two looks at the log: wake-ups are hints.
const POLL: Duration = Duration::from_millis(500);
/// So many looks at the log at which there was nothing new are followed by one at the bus, which may have lost something.
const LOOKS: u32 = 10;
/// How long to stand back when another relay got on, or while the bus is away.
const STAND_BACK: Duration = Duration::from_secs(1);

/// The relay of one log to one bus.
#[derive(Clone)]
pub struct Relay {
    log: Arc<dyn EventLog>,
    bus: Arc<dyn EventBus>,
    relayed: watch::Sender<u64>,
}

/// Why the relay cannot go on. Trouble with the bus is none: it is waited for.
#[derive(Debug, Error)]
pub enum RelayFault {
    /// The log could not be read.
    #[error("the log could not be followed for the event bus")]
    Log(#[from] ReadError),
}

/// What a step came upon.
#[derive(Debug, Error)]
enum Hindrance {
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Where the relay is.
struct Place {
    /// It has noticed everything up to this position.
    after: u64,
    /// Everything public up to this position was told before.
    told: u64,
    fence: Fence,
}

impl Relay {
    /// From this log to this bus.
    pub fn new(log: Arc<dyn EventLog>, bus: Arc<dyn EventBus>) -> Self {
        Self { log, bus, relayed: watch::Sender::new(0) }
    }

    /// The position up to which everything is on the bus, as far as this relay knows; goes back after a loss.
    pub fn relayed(&self) -> watch::Receiver<u64> {
        self.relayed.subscribe()
    }

    /// Follows the log until it is told to stop, or the log cannot be read.
    pub async fn run(&self, stop: &StopSignal) -> Result<(), RelayFault> {
        let mut is_away = false;
        while !stop.is_stopping() {
            match self.follow(stop, &mut is_away).await {
                Ok(()) => {}
                Err(Hindrance::Log(error)) => return Err(error.into()),
                Err(Hindrance::Bus(BusError::Moved)) => {
                    tracing::debug!("the event bus holds something else by now: the relay looks where it is");
                }
                Err(Hindrance::Bus(BusError::Unavailable(error))) => {
                    // Once for each time that it is away.
                    if !is_away {
                        tracing::warn!(error = &*error as &dyn Error, "the event bus is away; the relay waits for it");
                    }
                    is_away = true;
                }
            }
            let _asked_to_stop = timeout(STAND_BACK, stop.reached(Stopping::AtSafePoint)).await;
        }
        Ok(())
    }

    /// Follows the log from where the bus is, until it is told to stop or something is in the way.
    async fn follow(&self, stop: &StopSignal, is_away: &mut bool) -> Result<(), Hindrance> {
        let mut wakeups = self.log.wakeups();
        let mut place = self.place().await?;
        let mut looks = 0;
        while !stop.is_stopping() {
            wakeups.mark_unchanged();
            self.relayed.send_if_modified(|known| std::mem::replace(known, place.after) != place.after);
            let is_news = self.step(&mut place).await?;
            if std::mem::take(is_away) {
                tracing::info!(after = place.after, "the event bus is back, and the relay goes on");
            }
            if is_news {
                continue;
            }
            looks += 1;
            if looks % LOOKS == 0 && self.bus.held().await?.fence != place.fence {
                return Err(BusError::Moved.into());
            }
            let hint = async {
                tokio::select! {
                    // The channel is closed when nobody of this process appends any more: others may.
                    changed = wakeups.changed() => if changed.is_err() { std::future::pending::<()>().await },
                    () = stop.reached(Stopping::AtSafePoint) => {}
                }
            };
            let _hint_or_time_passed = timeout(POLL, hint).await;
        }
        Ok(())
    }

    /// Where the bus is, as far as the log knows what it holds.
    async fn place(&self) -> Result<Place, Hindrance> {
        let held = self.bus.held().await?;
        let told = self.known(held.published).await?.unwrap_or(0);
        // Without a notice nothing, or one page at most, was told before its notices.
        let after = self.known(held.noticed).await?.unwrap_or(told.saturating_sub(PAGE as u64));
        Ok(Place { after, told, fence: held.fence })
    }

    /// The position of an event, if it stands there in the log. A log that was put back to an earlier state has others in
    /// its place, and is told anew: receivers tell by ids what they have already.
    async fn known(&self, mark: Option<Mark>) -> Result<Option<u64>, ReadError> {
        let Some(mark) = mark else { return Ok(None) };
        let page = self.log.read_log(mark.position.saturating_sub(1), 1).await?;
        let is_there =
            page.events.first().is_some_and(|found| (found.position, found.event_id) == (mark.position, mark.event));
        if !is_there {
            tracing::warn!(
                position = mark.position,
                "the event bus is ahead of the log, or holds another log's events"
            );
        }
        Ok(is_there.then_some(mark.position))
    }

    /// Publishes the next page of the log. Whether there was one.
    async fn step(&self, place: &mut Place) -> Result<bool, Hindrance> {
        let page = self.log.read_log(place.after, PAGE).await?;
        if page.scanned_to <= place.after {
            return Ok(false);
        }
        // What a log holds beside events is passed over.
        if !page.events.is_empty() {
            place.fence = self.bus.publish(&place.fence, &messages(&page.events, place.told)).await?;
        }
        place.after = page.scanned_to;
        Ok(true)
    }
}
