//! Deliveries in memory.

use crate::ports::{
    delivery_store::{
        ATTEMPTS_MAX, Attempt, DEAD_MS_MAX, DELIVERED_MS_MAX, Delivery, DeliveryBatch, DeliveryQuery, DeliveryState,
        DeliveryStore, DeliveryStoreError, NewDelivery, Next, Replay, Source,
    },
    event_log::Tenant,
};
use async_trait::async_trait;
use domain::value::{Timestamp, WebhookId};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// A delivery store without a disk. It keeps every promise of the port but durability.
#[derive(Debug, Default)]
pub struct MemoryDeliveryStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    checkpoint: u64,
    deliveries: BTreeMap<Uuid, Delivery>,
    replays: BTreeMap<WebhookId, Replay>,
}

impl MemoryDeliveryStore {
    /// Nothing kept yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Moves the source, unless it is elsewhere.
    fn advance(&mut self, batch: &DeliveryBatch) -> Result<(), DeliveryStoreError> {
        let place = match batch.source {
            Source::Log => Some(&mut self.checkpoint),
            Source::Replay(webhook) => self.replays.get_mut(&webhook).map(|replay| &mut replay.scanned_to),
        };
        let place = place.filter(|place| **place == batch.from).ok_or(DeliveryStoreError::Moved)?;
        *place = batch.to;
        self.replays.retain(|_, replay| replay.scanned_to < replay.until);
        Ok(())
    }

    fn keep(&mut self, new: NewDelivery, now: Timestamp, again: bool) {
        match self.deliveries.get_mut(&new.id) {
            None => {
                let (state, failures, attempts) = (DeliveryState::Waiting, 0, vec![]);
                let (waiting_since, not_before, ended_at) = (now, now, None);
                let delivery = Delivery { what: new, state, failures, waiting_since, not_before, ended_at, attempts };
                self.deliveries.insert(delivery.what.id, delivery);
            }
            Some(known) if again && known.state != DeliveryState::Waiting => wait_again(known, now),
            Some(_) => {}
        }
    }

    fn forget_old(&mut self, now: Timestamp) {
        self.deliveries.retain(|_, delivery| {
            let kept_ms = match delivery.state {
                DeliveryState::Waiting => u64::MAX,
                DeliveryState::Delivered => DELIVERED_MS_MAX,
                DeliveryState::Dead => DEAD_MS_MAX,
            };
            delivery.ended_at.is_none_or(|ended| now.since_ms(ended) < kept_ms)
        });
    }

    /// Of each line the first that waits, unless a replay is still to bring something earlier.
    fn heads(&self) -> impl Iterator<Item = &Delivery> {
        let mut heads: BTreeMap<(WebhookId, Uuid), &Delivery> = BTreeMap::new();
        for one in self.deliveries.values().filter(|one| one.state == DeliveryState::Waiting) {
            let head = heads.entry((one.what.webhook, one.what.subject)).or_insert(one);
            if one.what.position < head.what.position {
                *head = one;
            }
        }
        let is_told = |one: &&Delivery| {
            self.replays.get(&one.what.webhook).is_none_or(|replay| one.what.position <= replay.scanned_to)
        };
        heads.into_values().filter(is_told)
    }
}

fn wait_again(delivery: &mut Delivery, now: Timestamp) {
    delivery.state = DeliveryState::Waiting;
    (delivery.failures, delivery.waiting_since, delivery.not_before, delivery.ended_at) = (0, now, now, None);
}

fn end(delivery: &mut Delivery, state: DeliveryState, at: Timestamp) {
    (delivery.state, delivery.ended_at) = (state, Some(at));
}

fn note(delivery: &mut Delivery, attempt: &Attempt) {
    delivery.attempts.push(attempt.clone());
    let surplus = delivery.attempts.len().saturating_sub(ATTEMPTS_MAX);
    delivery.attempts.drain(..surplus);
}

#[async_trait]
impl DeliveryStore for MemoryDeliveryStore {
    async fn checkpoint(&self) -> Result<u64, DeliveryStoreError> {
        Ok(self.state().checkpoint)
    }

    async fn enqueue(&self, batch: DeliveryBatch) -> Result<(), DeliveryStoreError> {
        let mut state = self.state();
        state.advance(&batch)?;
        let again = matches!(batch.source, Source::Replay(_));
        batch.deliveries.into_iter().for_each(|delivery| state.keep(delivery, batch.now, again));
        state.forget_old(batch.now);
        Ok(())
    }

    async fn replay(
        &self,
        tenant: &Tenant,
        webhook: WebhookId,
        from_position: u64,
        asked_at: u64,
    ) -> Result<(), DeliveryStoreError> {
        let mut state = self.state();
        if state.checkpoint >= asked_at {
            return Ok(());
        }
        let (scanned_to, until) = (from_position.saturating_sub(1), state.checkpoint);
        state.replays.insert(webhook, Replay { tenant: tenant.clone(), webhook, scanned_to, until });
        state.replays.retain(|_, replay| replay.scanned_to < replay.until);
        Ok(())
    }

    async fn replays(&self) -> Result<Vec<Replay>, DeliveryStoreError> {
        Ok(self.state().replays.values().cloned().collect())
    }

    async fn due(
        &self,
        now: Timestamp,
        per_webhook_max: usize,
        limit: usize,
    ) -> Result<Vec<Delivery>, DeliveryStoreError> {
        let state = self.state();
        let mut due: Vec<&Delivery> = state.heads().filter(|one| one.not_before <= now).collect();
        due.sort_by_key(|one| (one.not_before, one.what.position));
        let mut ranks: BTreeMap<WebhookId, usize> = BTreeMap::new();
        let mut ranked: Vec<(usize, &Delivery)> = Vec::new();
        for delivery in due {
            let rank = ranks.entry(delivery.what.webhook).or_default();
            *rank += 1;
            ranked.push((*rank, delivery));
        }
        ranked.retain(|(rank, _)| *rank <= per_webhook_max);
        ranked.sort_by_key(|(rank, _)| *rank);
        Ok(ranked.into_iter().take(limit).map(|(_, delivery)| delivery.clone()).collect())
    }

    async fn claim(&self, id: Uuid, now: Timestamp) -> Result<Option<Delivery>, DeliveryStoreError> {
        Ok(self.state().heads().find(|one| one.what.id == id && one.not_before <= now).cloned())
    }

    async fn outcome(&self, id: Uuid, attempt: &Attempt, next: Next) -> Result<(), DeliveryStoreError> {
        let mut state = self.state();
        let Some(delivery) = state.deliveries.get_mut(&id) else {
            return Ok(());
        };
        note(delivery, attempt);
        let waits = delivery.state == DeliveryState::Waiting;
        match next {
            Next::Delivered => end(delivery, DeliveryState::Delivered, attempt.at),
            Next::RetryAt(at) if waits => {
                (delivery.failures, delivery.not_before) = (delivery.failures + 1, at);
            }
            Next::Dead if waits => {
                delivery.failures += 1;
                end(delivery, DeliveryState::Dead, attempt.at);
            }
            Next::RetryAt(_) | Next::Dead => {}
        }
        Ok(())
    }

    async fn give_up(&self, webhook: WebhookId, why: &Attempt) -> Result<u64, DeliveryStoreError> {
        let mut state = self.state();
        let waiting = |one: &&mut Delivery| one.what.webhook == webhook && one.state == DeliveryState::Waiting;
        let mut given_up = 0;
        for delivery in state.deliveries.values_mut().filter(waiting) {
            note(delivery, why);
            end(delivery, DeliveryState::Dead, why.at);
            given_up += 1;
        }
        Ok(given_up)
    }

    async fn delivery(&self, webhook: WebhookId, id: Uuid) -> Result<Option<Delivery>, DeliveryStoreError> {
        let found = self.state().deliveries.get(&id).cloned();
        Ok(found.filter(|delivery| delivery.what.webhook == webhook))
    }

    async fn list(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, DeliveryStoreError> {
        let state = self.state();
        let wanted = |one: &&Delivery| {
            one.what.webhook == query.webhook
                && query.state.is_none_or(|state| one.state == state)
                && query.before.is_none_or(|before| one.what.position < before)
        };
        let mut found: Vec<Delivery> = state.deliveries.values().filter(wanted).cloned().collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.what.position));
        found.truncate(query.limit);
        Ok(found)
    }

    async fn redeliver(&self, webhook: WebhookId, id: Uuid, now: Timestamp) -> Result<bool, DeliveryStoreError> {
        let mut state = self.state();
        let found = state.deliveries.get_mut(&id).filter(|delivery| delivery.what.webhook == webhook);
        Ok(found.map(|delivery| wait_again(delivery, now)).is_some())
    }

    async fn remove(&self, webhook: WebhookId) -> Result<u64, DeliveryStoreError> {
        let mut state = self.state();
        state.replays.remove(&webhook);
        let ids: HashSet<Uuid> =
            state.deliveries.values().filter(|one| one.what.webhook == webhook).map(|one| one.what.id).collect();
        state.deliveries.retain(|id, _| !ids.contains(id));
        Ok(ids.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::delivery_store_kit;
    use std::sync::Arc;

    #[tokio::test]
    async fn keeps_the_promises_of_the_port() {
        delivery_store_kit::run(|| async { (Arc::new(MemoryDeliveryStore::new()) as Arc<dyn DeliveryStore>, ()) })
            .await;
    }
}
