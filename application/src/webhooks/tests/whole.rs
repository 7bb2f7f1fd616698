//! The delivery as it runs in a process: it begins, hears of what happens, fails, stops.

use super::house::{House, ONE, Reply, locked, paused, resumed, target};
use crate::{
    ports::{
        delivery_store::{
            Attempt, Delivery, DeliveryBatch, DeliveryQuery, DeliveryState, DeliveryStore, DeliveryStoreError, Next,
            Replay,
        },
        event_log::Tenant,
    },
    stop::{StopSignal, Stopper, Stopping},
    testing::MemoryDeliveryStore,
    webhooks::{WebhookFault, flights::Flights},
};
use async_trait::async_trait;
use domain::value::{Timestamp, WebhookId};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinHandle;
use uuid::Uuid;

fn run(house: &House, stop: StopSignal) -> JoinHandle<Result<(), WebhookFault>> {
    let delivery = house.delivery.clone();
    tokio::spawn(async move { delivery.run(&stop).await })
}

async fn ended(task: JoinHandle<Result<(), WebhookFault>>) -> Result<(), WebhookFault> {
    tokio::time::timeout(Duration::from_secs(20), task).await.unwrap().unwrap()
}

#[tokio::test]
async fn it_hears_of_what_happens_and_stops_when_it_is_told_to() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.log.push([paused(1, 1)]);
    let stopper = Stopper::new();
    let task = run(&house, stopper.signal());
    house.until(|| house.told().len() == 1).await;
    house.log.push([resumed(1, 2)]);
    house.until(|| house.told().len() == 2).await;
    // Wake-ups are hints.
    house.log.push_silently([paused(1, 3)]);
    house.until(|| house.told().len() == 3).await;
    house.store.replay(&Tenant::default(), ONE, 2, u64::MAX).await.unwrap();
    house.delivery.ring();
    house.until(|| house.told().len() == 5).await;
    stopper.ask(Stopping::AtSafePoint);
    ended(task).await.unwrap();
    assert_eq!(house.delivery(ONE, 3).await.state, DeliveryState::Delivered, "what was on its way came to its end");
}

#[tokio::test]
async fn told_to_stop_at_once_it_does_not_wait_for_receivers() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.log.push([paused(1, 1)]);
    house.replies(|_| Reply::Never);
    let stopper = Stopper::new();
    let task = run(&house, stopper.signal());
    house.until(|| house.told().len() == 1).await;
    stopper.ask(Stopping::AtOnce);
    ended(task).await.unwrap();
    assert_eq!(house.delivery(ONE, 1).await.state, DeliveryState::Waiting);
}

#[tokio::test]
async fn while_webhooks_cannot_be_looked_up_nothing_is_missed_and_nothing_sent() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.log.push([paused(1, 1)]);
    *locked(&house.register.is_broken) = true;
    let error = ended(run(&house, StopSignal::never())).await.unwrap_err();
    assert!(matches!(error, WebhookFault::Webhooks(_)), "{error:?}");
    assert_eq!(house.store.checkpoint().await.unwrap(), 0);

    *locked(&house.register.is_broken) = false;
    house.take_in().await;
    *locked(&house.register.is_broken) = true;
    let mut flights = Flights::default();
    house.delivery.fill(&mut flights).await.unwrap();
    assert_eq!(flights.len(), 1);
    tokio::task::yield_now().await;
    drop(flights);
    assert_eq!((house.told().len(), house.delivery(ONE, 1).await.failures), (0, 0));

    *locked(&house.register.is_broken) = false;
    house.anew().settle().await;
    assert_eq!(house.told().len(), 1);
}

#[tokio::test]
async fn what_came_of_a_delivery_is_kept_as_soon_as_it_can_be_and_it_is_not_sent_again_meanwhile() {
    let house = House::new();
    house.hears("local", target(ONE, &[], 0));
    house.log.push([paused(1, 1)]);
    let store = Arc::new(FullDisk { store: Arc::clone(&house.store), refused: AtomicUsize::new(0) });
    let over = house.keeping_in(Arc::clone(&store) as Arc<dyn DeliveryStore>);
    over.settle().await;
    assert_eq!(store.refused.load(Ordering::SeqCst), 1);
    assert_eq!((house.told().len(), house.delivery(ONE, 1).await.state), (1, DeliveryState::Delivered));
}

/// A store whose disk is full when the first outcome is to be kept.
struct FullDisk {
    store: Arc<MemoryDeliveryStore>,
    refused: AtomicUsize,
}

type Kept<T> = Result<T, DeliveryStoreError>;

#[async_trait]
impl DeliveryStore for FullDisk {
    async fn checkpoint(&self) -> Kept<u64> {
        self.store.checkpoint().await
    }

    async fn enqueue(&self, batch: DeliveryBatch) -> Kept<()> {
        self.store.enqueue(batch).await
    }

    async fn replay(&self, tenant: &Tenant, webhook: WebhookId, from_position: u64, asked_at: u64) -> Kept<()> {
        self.store.replay(tenant, webhook, from_position, asked_at).await
    }

    async fn claim(&self, id: Uuid, now: Timestamp) -> Kept<Option<Delivery>> {
        self.store.claim(id, now).await
    }

    async fn replays(&self) -> Kept<Vec<Replay>> {
        self.store.replays().await
    }

    async fn due(&self, now: Timestamp, per_webhook_max: usize, limit: usize) -> Kept<Vec<Delivery>> {
        self.store.due(now, per_webhook_max, limit).await
    }

    async fn outcome(&self, id: Uuid, attempt: &Attempt, next: Next) -> Kept<()> {
        if self.refused.load(Ordering::SeqCst) == 0 {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(DeliveryStoreError::OutOfRoom);
        }
        self.store.outcome(id, attempt, next).await
    }

    async fn give_up(&self, webhook: WebhookId, why: &Attempt) -> Kept<u64> {
        self.store.give_up(webhook, why).await
    }

    async fn delivery(&self, webhook: WebhookId, id: Uuid) -> Kept<Option<Delivery>> {
        self.store.delivery(webhook, id).await
    }

    async fn list(&self, query: &DeliveryQuery) -> Kept<Vec<Delivery>> {
        self.store.list(query).await
    }

    async fn redeliver(&self, webhook: WebhookId, id: Uuid, now: Timestamp) -> Kept<bool> {
        self.store.redeliver(webhook, id, now).await
    }

    async fn remove(&self, webhook: WebhookId) -> Kept<u64> {
        self.store.remove(webhook).await
    }
}
