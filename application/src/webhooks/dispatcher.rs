//! Sends what is due, and keeps what came of it.

use super::{
    WebhookDelivery, WebhookFault, WebhookParts,
    flights::Flights,
    schedule::next_attempt,
    sender::{Sent, send},
};
use crate::{
    causes::with_causes,
    ports::{
        delivery_store::{Attempt, AttemptEnding, Delivery, Next},
        webhooks::{WebhookTarget, WebhooksError},
    },
    stop::{StopSignal, Stopping},
};
use domain::{
    value::{Timestamp, WebhookId},
    webhook::WhyDisabled,
};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;
use uuid::Uuid;

/// Longest time between two looks at what is due: pauses end without a hint.
const POLL: Duration = Duration::from_millis(500);
/// How long to wait after something of our own failed: the webhooks, their secrets, the store of deliveries.
const PAUSE: Duration = Duration::from_secs(2);

impl WebhookDelivery {
    /// Sends until it is told to stop.
    pub(super) async fn dispatch(&self, stop: &StopSignal) -> Result<(), WebhookFault> {
        let mut flights = Flights::default();
        loop {
            if !stop.is_stopping() {
                self.fill(&mut flights).await?;
            } else if flights.is_empty() {
                return Ok(());
            }
            tokio::select! {
                () = flights.landed() => {}
                () = self.bell.dispatcher.notified() => {}
                () = sleep(POLL) => {}
                () = stop.reached(Stopping::AtSafePoint), if !stop.is_stopping() => {}
                () = stop.reached(Stopping::AtOnce) => return Ok(()),
            }
        }
    }

    /// Sends off what is due, as far as there is room.
    pub(super) async fn fill(&self, flights: &mut Flights) -> Result<(), WebhookFault> {
        let limits = self.parts.limits;
        let (all, each) = (limits.in_flight_max.max(1), limits.in_flight_per_webhook_max.max(1));
        if flights.len() >= all {
            return Ok(());
        }
        // What is on its way is still due: twice as many hold enough that are not, of each webhook and of all.
        let due = self.parts.deliveries.due(self.now(), 2 * each, 2 * all).await?;
        for delivery in due {
            let fits = flights.len() < all && flights.to(delivery.what.webhook) < each;
            if fits && !flights.has_line_of(&delivery) {
                let parts = Arc::clone(&self.parts);
                let id = delivery.what.id;
                flights.start(&delivery, async move { deliver(&parts, delivery.what.webhook, id).await });
            }
        }
        Ok(())
    }

    /// What time it is.
    pub(super) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }
}

/// Sends a delivery and keeps what came of it, unless another process does. Nothing comes of it when something of our own
/// fails: it stays due.
async fn deliver(parts: &WebhookParts, webhook: WebhookId, id: Uuid) {
    let error = match parts.deliveries.claim(id, parts.clock.now()).await {
        Ok(None) => return,
        Ok(Some(delivery)) => match try_deliver(parts, &delivery).await {
            Ok(()) => return,
            Err(error) => with_causes(&error),
        },
        Err(error) => with_causes(&error),
    };
    tracing::warn!(%webhook, delivery = %id, error, "a delivery could not be begun");
    // Its place is kept meanwhile, so that it is not tried over and over.
    sleep(PAUSE).await;
}

async fn try_deliver(parts: &WebhookParts, delivery: &Delivery) -> Result<(), WebhooksError> {
    let what = &delivery.what;
    let targets = parts.webhooks.of(&what.tenant, what.position).await?;
    let Some(target) = targets.into_iter().find(|target| target.id == what.webhook) else {
        give_up_all(parts, delivery).await;
        return Ok(());
    };
    let sent = send(parts, &target, &what.id.to_string(), &what.body).await?;
    match sent.attempt.ending {
        AttemptEnding::Gone => gone(parts, delivery, &target, &sent.attempt).await,
        AttemptEnding::Delivered => {
            record(parts, delivery, &sent.attempt, Next::Delivered).await;
            Ok(())
        }
        AttemptEnding::Redirected
        | AttemptEnding::Refused
        | AttemptEnding::InvalidUrl
        | AttemptEnding::Forbidden
        | AttemptEnding::Unresolved
        | AttemptEnding::Unreachable
        | AttemptEnding::TimedOut
        | AttemptEnding::AnswerTooLarge
        | AttemptEnding::NoSecret
        | AttemptEnding::Inactive => {
            failed(parts, delivery, &sent).await;
            Ok(())
        }
    }
}

/// Another attempt, or none any more.
async fn failed(parts: &WebhookParts, delivery: &Delivery, sent: &Sent) {
    let (failures, since) = (delivery.failures.saturating_add(1), delivery.waiting_since);
    let next = match next_attempt(failures, since, parts.clock.now(), sent.asked_ms, &*parts.ids) {
        Some(at) => Next::RetryAt(at),
        None => {
            let (webhook, ending) = (delivery.what.webhook, sent.attempt.ending.code());
            tracing::warn!(%webhook, delivery = %delivery.what.id, ending, "a delivery was given up");
            Next::Dead
        }
    };
    record(parts, delivery, &sent.attempt, next).await;
}

/// The receiver does not want anything any more. First the webhook is made inactive: should that fail, the delivery
/// stays due, and hears the same again.
async fn gone(
    parts: &WebhookParts,
    delivery: &Delivery,
    target: &WebhookTarget,
    attempt: &Attempt,
) -> Result<(), WebhooksError> {
    parts.webhooks.disable(&delivery.what.tenant, target.id, WhyDisabled::Gone).await?;
    tracing::warn!(webhook = %target.id, "a webhook was made inactive: its receiver is gone");
    record(parts, delivery, attempt, Next::Dead).await;
    give_up_all(parts, delivery).await;
    Ok(())
}

/// Everything that waits for a webhook that is not active becomes a dead letter, to be replayed when it is again.
async fn give_up_all(parts: &WebhookParts, delivery: &Delivery) {
    let webhook = delivery.what.webhook;
    let why = Attempt { at: parts.clock.now(), took_ms: 0, status: None, ending: AttemptEnding::Inactive };
    match parts.deliveries.give_up(webhook, &why).await {
        Ok(given_up) => tracing::info!(%webhook, given_up, "deliveries to an inactive webhook were given up"),
        Err(error) => {
            // They stay due, and this is tried again.
            tracing::warn!(%webhook, error = with_causes(&error), "deliveries could not be given up");
            sleep(PAUSE).await;
        }
    }
}

/// Keeps what came of an attempt, however often it has to be tried: else the receiver would hear the same again and
/// again for as long as our disk is full.
async fn record(parts: &WebhookParts, delivery: &Delivery, attempt: &Attempt, next: Next) {
    while let Err(error) = parts.deliveries.outcome(delivery.what.id, attempt, next).await {
        let (webhook, error) = (delivery.what.webhook, with_causes(&error));
        tracing::warn!(%webhook, delivery = %delivery.what.id, error, "what came of a delivery could not be kept");
        sleep(PAUSE).await;
    }
}
