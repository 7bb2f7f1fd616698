//! Webhooks: what happens is told to whom it concerns, over HTTP, signed, in order, at least once.
//!
//! The reactor follows the log and keeps a delivery for each webhook that wants to hear of an event; the dispatcher
//! sends what is due and keeps what came of it. All that is known stands in the log and in the delivery store, so that
//! both may die at any moment: a delivery is then sent once more, with the same id and the same body. Deliberately
//! absent: which webhooks there are (`ports::webhooks`), and how anything is sent (`ports::outbound`).

pub mod desk;
mod dispatcher;
mod flights;
pub mod payload;
mod reactor;
pub mod schedule;
pub mod schema;
pub mod secrets;
mod sender;
pub mod signature;
#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;

use crate::{
    ports::{
        clock::{Clock, Ids},
        delivery_store::{Attempt, DeliveryStore, DeliveryStoreError},
        event_log::{EventLog, ReadError},
        outbound::{Outbound, Reach},
        webhooks::{WebhookSecrets, WebhookTarget, Webhooks, WebhooksError},
    },
    stop::StopSignal,
};
use std::{sync::Arc, time::Duration};
use thiserror::Error;
use tokio::sync::Notify;

/// What the delivery of webhooks works with.
pub struct WebhookParts {
    /// Where events are.
    pub log: Arc<dyn EventLog>,
    /// What waits, and what was delivered.
    pub deliveries: Arc<dyn DeliveryStore>,
    /// Who wants to hear of what.
    pub webhooks: Arc<dyn Webhooks>,
    /// What deliveries are signed with.
    pub secrets: Arc<dyn WebhookSecrets>,
    /// How they are sent.
    pub outbound: Arc<dyn Outbound>,
    /// When.
    pub clock: Arc<dyn Clock>,
    /// Chance, for pauses.
    pub ids: Arc<dyn Ids>,
    /// How much at once, and where to.
    pub limits: WebhookLimits,
}

/// How much is sent at once, and where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookLimits {
    /// Which addresses webhooks may have.
    pub reach: Reach,
    /// Deliveries on their way at the same time.
    pub in_flight_max: usize,
    /// Of these, to one webhook: a receiver that does not answer holds up itself only.
    pub in_flight_per_webhook_max: usize,
    /// How long a receiver may take.
    pub timeout: Duration,
}

impl Default for WebhookLimits {
    /// Public addresses, 16 at once, 4 of these to one webhook, 15 seconds.
    fn default() -> Self {
        let (in_flight_max, in_flight_per_webhook_max) = (16, 4);
        Self { reach: Reach::Public, in_flight_max, in_flight_per_webhook_max, timeout: Duration::from_secs(15) }
    }
}

/// The delivery of webhooks. One at a time may run in a process for a delivery store.
#[derive(Clone)]
pub struct WebhookDelivery {
    parts: Arc<WebhookParts>,
    /// Rung when there may be something to send, or a replay has begun.
    bell: Arc<Bell>,
}

/// Hints that make things quicker; everything is also looked at from time to time.
#[derive(Default)]
struct Bell {
    reactor: Notify,
    dispatcher: Notify,
}

impl WebhookDelivery {
    /// With these parts.
    pub fn new(parts: WebhookParts) -> Self {
        Self { parts: Arc::new(parts), bell: Arc::default() }
    }

    /// Follows the log and sends until it is told to stop, or something fails for which it is to begin anew. Told to
    /// stop, it waits for what is on its way; dropped, it leaves that to be sent again.
    pub async fn run(&self, stop: &StopSignal) -> Result<(), WebhookFault> {
        tokio::try_join!(self.follow(stop), self.dispatch(stop)).map(drop)
    }

    /// Says that there may be something to do at once: a redelivery or a replay was asked for.
    pub fn ring(&self) {
        self.bell.reactor.notify_one();
        self.bell.dispatcher.notify_one();
    }

    /// Sends a delivery that is no event, now and once, and tells what came of it. Nothing is kept.
    pub async fn test(&self, target: &WebhookTarget) -> Result<Attempt, WebhooksError> {
        let body = payload::test_body(target.id, self.parts.clock.now());
        let sent = sender::send(&self.parts, target, &self.parts.ids.next().to_string(), &body).await?;
        Ok(sent.attempt)
    }
}

/// Why the delivery of webhooks cannot go on.
#[derive(Debug, Error)]
pub enum WebhookFault {
    /// The log could not be read.
    #[error("the log could not be followed for webhooks")]
    Log(#[from] ReadError),
    /// Deliveries could not be kept or looked up.
    #[error("deliveries to webhooks could not be kept or looked up")]
    Deliveries(#[from] DeliveryStoreError),
    /// Webhooks could not be looked up.
    #[error("webhooks could not be looked up")]
    Webhooks(#[from] WebhooksError),
}
