//! Follows the log: for each public event, a delivery to each webhook that wants to hear of it.
//!
//! What is asked of a webhook's deliveries stands in the log, too: to tell everything once more, and to forget it. That
//! is done before the checkpoint moves past it, and done again after a crash in between, which changes nothing. Several
//! processes may follow the log: what one of them has kept the others find kept.

use super::{
    WebhookDelivery, WebhookFault,
    payload::{body, delivery_id},
};
use crate::{
    ports::{
        delivery_store::{DeliveryBatch, DeliveryStoreError, NewDelivery, Replay, Source},
        event_log::{DomainEvent, Recorded, StreamId, TenancyEvent, TenancyStream, Tenant},
        webhooks::WebhookTarget,
    },
    public_events::{PublicEvent, public},
    stop::{StopSignal, Stopping},
};
use domain::webhook::WebhookEvent;
use std::{collections::HashMap, time::Duration};
use tokio::time::timeout;

/// Events read in one go.
const PAGE: usize = 256;
/// Longest time between two looks at the log: wake-ups are hints.
const POLL: Duration = Duration::from_millis(500);

impl WebhookDelivery {
    /// Follows the log until it is told to stop.
    pub(super) async fn follow(&self, stop: &StopSignal) -> Result<(), WebhookFault> {
        let mut wakeups = self.parts.log.wakeups();
        while !stop.is_stopping() {
            wakeups.mark_unchanged();
            // Both, so that a long replay does not hold up what happens now.
            let is_news = self.take_in().await?;
            if is_news | self.take_up_replays().await? {
                continue;
            }
            let hint = async {
                tokio::select! {
                    // The channel is closed when nobody of this process appends any more: others may.
                    changed = wakeups.changed() => if changed.is_err() { std::future::pending::<()>().await },
                    () = self.bell.reactor.notified() => {}
                    () = stop.reached(Stopping::AtSafePoint) => {}
                }
            };
            // Whatever it was, or time that passed: look again.
            let _hint = timeout(POLL, hint).await;
        }
        Ok(())
    }

    /// Takes in the next page of the log. Whether there was one.
    pub(super) async fn take_in(&self) -> Result<bool, WebhookFault> {
        let from = self.parts.deliveries.checkpoint().await?;
        let page = self.parts.log.read_log(from, PAGE).await?;
        if page.scanned_to <= from {
            return Ok(false);
        }
        self.obey(&page.events).await?;
        let deliveries = self.wanted(&page.events).await?;
        self.keep(DeliveryBatch { source: Source::Log, from, to: page.scanned_to, deliveries, now: self.now() }).await
    }

    /// Does what these events ask of deliveries.
    async fn obey(&self, events: &[Recorded]) -> Result<(), WebhookFault> {
        for recorded in events {
            let (StreamId::Tenancy(TenancyStream::Webhook(id)), DomainEvent::Tenancy(TenancyEvent::Webhook(event))) =
                (&recorded.stream, &recorded.event)
            else {
                continue;
            };
            match event {
                WebhookEvent::WebhookReplayed { from } => {
                    let asked_at = recorded.position;
                    self.parts.deliveries.replay(&recorded.tenant, *id, *from, asked_at).await?;
                }
                WebhookEvent::WebhookRemoved => {
                    self.parts.deliveries.remove(*id).await?;
                    self.parts.secrets.forget(*id).await?;
                }
                // What waits is given up when it is due, if the webhook is still disabled then.
                WebhookEvent::WebhookDisabled { .. }
                | WebhookEvent::WebhookCreated(_)
                | WebhookEvent::WebhookChanged(_)
                | WebhookEvent::WebhookEnabled
                | WebhookEvent::WebhookSecretRotated => {}
            }
        }
        Ok(())
    }

    /// Takes every replay a page further. Whether there was one.
    pub(super) async fn take_up_replays(&self) -> Result<bool, WebhookFault> {
        let mut moved = false;
        for replay in self.parts.deliveries.replays().await? {
            moved |= self.take_up(&replay).await?;
        }
        Ok(moved)
    }

    async fn take_up(&self, replay: &Replay) -> Result<bool, WebhookFault> {
        let targets = self.parts.webhooks.of(&replay.tenant, replay.until).await?;
        let (source, from, now) = (Source::Replay(replay.webhook), replay.scanned_to, self.now());
        let Some(target) = targets.into_iter().find(|target| target.id == replay.webhook) else {
            // Nobody is there to be told.
            let batch = DeliveryBatch { source, from, to: replay.until, deliveries: vec![], now };
            return self.keep(batch).await;
        };
        let page = self.parts.log.read_log(from, PAGE).await?;
        let to = if page.scanned_to > from { page.scanned_to.min(replay.until) } else { replay.until };
        let events = page.events.iter().filter(|event| event.position <= to && event.tenant == replay.tenant);
        let told = events.filter_map(|recorded| Some((recorded, public(recorded)?)));
        let wanted = told.filter(|(_, event)| target.wants(event.kind));
        let deliveries = wanted.map(|(recorded, event)| delivery(&target, recorded, &event)).collect();
        self.keep(DeliveryBatch { source, from, to, deliveries, now }).await
    }

    /// The deliveries of these events, in order.
    async fn wanted(&self, events: &[Recorded]) -> Result<Vec<NewDelivery>, WebhookFault> {
        let last = events.last().map_or(0, |event| event.position);
        let mut targets: HashMap<&Tenant, Vec<WebhookTarget>> = HashMap::new();
        let mut wanted = Vec::new();
        for recorded in events {
            let Some(event) = public(recorded) else {
                continue;
            };
            if !targets.contains_key(&recorded.tenant) {
                targets.insert(&recorded.tenant, self.parts.webhooks.of(&recorded.tenant, last).await?);
            }
            let known = targets.get(&recorded.tenant).into_iter().flatten();
            let listening =
                known.filter(|target| target.since_position < recorded.position && target.wants(event.kind));
            wanted.extend(listening.map(|target| delivery(target, recorded, &event)));
        }
        Ok(wanted)
    }

    /// Keeps a batch; whether it is to be looked at again at once. What has moved meanwhile, by a replay that began
    /// anew, is taken from where it is then.
    async fn keep(&self, batch: DeliveryBatch) -> Result<bool, WebhookFault> {
        let brings = !batch.deliveries.is_empty();
        match self.parts.deliveries.enqueue(batch).await {
            Ok(()) => {}
            Err(DeliveryStoreError::Moved) => return Ok(true),
            Err(error @ (DeliveryStoreError::OutOfRoom | DeliveryStoreError::Unavailable(_))) => {
                return Err(error.into());
            }
        }
        if brings {
            self.bell.dispatcher.notify_one();
        }
        Ok(true)
    }
}

fn delivery(target: &WebhookTarget, recorded: &Recorded, event: &PublicEvent) -> NewDelivery {
    NewDelivery {
        id: delivery_id(target.id, event.id),
        webhook: target.id,
        tenant: recorded.tenant.clone(),
        event: event.id,
        kind: event.kind.name().to_owned(),
        position: event.position,
        subject: recorded.stream.subject(),
        body: body(event),
    }
}
