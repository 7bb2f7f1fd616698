//! The conformance kit of the work queue: every promise of the port, as a check.
//!
//! An adapter's test calls [`run`] with a way to make a fresh queue. The checks let time pass by waiting:
//! an in-memory queue is tried in a runtime whose time is paused, where that takes none.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a conformance kit fails by panicking")]

use crate::ports::{
    event_log::StreamId,
    work_queue::{Delivery, Receipt, Work, WorkQueue},
};
use domain::{
    flow::{Fence, Stage, WorkId, work_id},
    value::DubbingId,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// A lease in the checks.
const LEASE: Duration = Duration::from_secs(2);
/// A bit less, and a bit more: whatever comes between may take so long.
const ALMOST: Duration = Duration::from_millis(1_500);
/// Past the end of a lease that was just taken.
const PAST: Duration = Duration::from_millis(2_500);
/// Bound for what shall happen.
const SOON: Duration = Duration::from_secs(20);

/// Checks every promise, each on a fresh queue. Panics at the first that is broken.
pub async fn run<Made: Future<Output = Arc<dyn WorkQueue>>>(make: impl Fn() -> Made) {
    work_is_handed_out_once_and_in_order(&*make().await).await;
    work_is_deduplicated_while_it_is_in(&*make().await).await;
    who_waits_is_woken(make().await).await;
    a_lease_that_is_not_extended_runs_out(&*make().await).await;
    a_heartbeat_extends_the_lease(&*make().await).await;
    stale_receipts_change_nothing(&*make().await).await;
    released_work_comes_back_after_its_delay(&*make().await).await;
    endless_leases_and_delays_are_taken(&*make().await).await;
    a_worker_that_gives_up_waiting_takes_nothing_along(make().await).await;
    many_workers_lose_nothing_and_share_nothing(make().await).await;
    what_crashed_workers_held_is_done_by_others(make().await).await;
}

fn work(number: u32) -> Work {
    let stream = StreamId::Dubbing(DubbingId(Uuid::from_u128(1)));
    let fence = Fence { stage: Stage::Ingest, run: 1, attempt: number };
    Work { id: work_id(&stream.to_string(), fence), stream, fence }
}

async fn pulled(queue: &dyn WorkQueue) -> Delivery {
    timeout(SOON, queue.pull(LEASE)).await.expect("there is work").unwrap()
}

async fn nothing_to_pull(queue: &dyn WorkQueue, within: Duration) {
    assert!(timeout(within, queue.pull(LEASE)).await.is_err(), "there is no work to hand out");
}

async fn work_is_handed_out_once_and_in_order(queue: &dyn WorkQueue) {
    for number in 1..=3 {
        queue.publish(work(number)).await.unwrap();
    }
    for number in 1..=3 {
        let delivery = pulled(queue).await;
        assert_eq!((delivery.work, delivery.deliveries), (work(number), 1));
        queue.complete(delivery.receipt).await.unwrap();
    }
    nothing_to_pull(queue, PAST).await;
}

async fn work_is_deduplicated_while_it_is_in(queue: &dyn WorkQueue) {
    queue.publish(work(1)).await.unwrap();
    queue.publish(work(1)).await.unwrap();
    let delivery = pulled(queue).await;
    queue.publish(work(1)).await.unwrap();
    nothing_to_pull(queue, Duration::from_millis(100)).await;
    queue.release(delivery.receipt, LEASE).await.unwrap();
    queue.publish(work(1)).await.unwrap();
    nothing_to_pull(queue, Duration::from_millis(100)).await;
    let again = pulled(queue).await;
    assert_eq!(again.deliveries, 2);
    queue.complete(again.receipt).await.unwrap();
    nothing_to_pull(queue, PAST).await;
}

async fn who_waits_is_woken(queue: Arc<dyn WorkQueue>) {
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { pulled(&*queue).await.work.id })
        })
        .collect();
    tokio::task::yield_now().await;
    for number in 1..=3 {
        queue.publish(work(number)).await.unwrap();
    }
    let mut seen = BTreeSet::new();
    for worker in waiting {
        seen.insert(worker.await.unwrap());
    }
    assert_eq!(seen.len(), 3, "each got work of its own");
}

async fn a_lease_that_is_not_extended_runs_out(queue: &dyn WorkQueue) {
    queue.publish(work(1)).await.unwrap();
    let first = pulled(queue).await;
    nothing_to_pull(queue, ALMOST).await;
    let second = pulled(queue).await;
    assert_eq!((&second.work, second.deliveries), (&first.work, 2));
    assert_ne!(second.receipt, first.receipt);
    assert!(!queue.heartbeat(first.receipt, LEASE).await.unwrap(), "the first lease has run out");
    assert!(queue.heartbeat(second.receipt, LEASE).await.unwrap());
}

async fn a_heartbeat_extends_the_lease(queue: &dyn WorkQueue) {
    queue.publish(work(1)).await.unwrap();
    let delivery = pulled(queue).await;
    for _ in 0..4 {
        nothing_to_pull(queue, ALMOST).await;
        assert!(queue.heartbeat(delivery.receipt, LEASE).await.unwrap());
    }
    queue.complete(delivery.receipt).await.unwrap();
    nothing_to_pull(queue, PAST).await;
    assert!(!queue.heartbeat(delivery.receipt, LEASE).await.unwrap(), "it is done");
}

async fn stale_receipts_change_nothing(queue: &dyn WorkQueue) {
    queue.publish(work(1)).await.unwrap();
    let late = pulled(queue).await.receipt;
    sleep(PAST).await;
    // Run out, though nobody else has it yet.
    assert!(!queue.heartbeat(late, LEASE).await.unwrap());
    queue.complete(late).await.unwrap();
    queue.release(late, Duration::ZERO).await.unwrap();
    let current = pulled(queue).await;
    assert_eq!(current.deliveries, 2);
    // Run out, and somebody else has it.
    queue.complete(late).await.unwrap();
    queue.release(late, Duration::ZERO).await.unwrap();
    assert!(!queue.heartbeat(late, LEASE).await.unwrap());
    nothing_to_pull(queue, Duration::from_millis(100)).await;
    assert!(queue.heartbeat(current.receipt, LEASE).await.unwrap());
    // Names that were never handed out.
    let unknown = Receipt { work: WorkId(Uuid::from_u128(7)), delivery: 7 };
    assert!(!queue.heartbeat(unknown, LEASE).await.unwrap());
    queue.complete(unknown).await.unwrap();
    queue.release(unknown, Duration::ZERO).await.unwrap();
    queue.complete(current.receipt).await.unwrap();
    nothing_to_pull(queue, PAST).await;
}

async fn released_work_comes_back_after_its_delay(queue: &dyn WorkQueue) {
    for number in 1..=2 {
        queue.publish(work(number)).await.unwrap();
    }
    let (slow, quick) = (pulled(queue).await, pulled(queue).await);
    queue.release(slow.receipt, LEASE).await.unwrap();
    queue.release(quick.receipt, Duration::ZERO).await.unwrap();
    let first = pulled(queue).await;
    assert_eq!((first.work, first.deliveries), (work(2), 2), "what has no delay comes first");
    queue.complete(first.receipt).await.unwrap();
    nothing_to_pull(queue, ALMOST).await;
    assert_eq!(pulled(queue).await.work, work(1));
}

async fn endless_leases_and_delays_are_taken(queue: &dyn WorkQueue) {
    for number in 1..=2 {
        queue.publish(work(number)).await.unwrap();
    }
    let held = timeout(SOON, queue.pull(Duration::MAX)).await.unwrap().unwrap();
    assert!(queue.heartbeat(held.receipt, Duration::MAX).await.unwrap());
    let put_off = timeout(SOON, queue.pull(Duration::MAX)).await.unwrap().unwrap();
    queue.release(put_off.receipt, Duration::MAX).await.unwrap();
    nothing_to_pull(queue, PAST).await;
}

/// Workers that stop waiting at any moment leave the work to the others.
async fn a_worker_that_gives_up_waiting_takes_nothing_along(queue: Arc<dyn WorkQueue>) {
    for number in 1..=20 {
        let giving_up = {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { queue.pull(LEASE).await.unwrap() })
        };
        tokio::task::yield_now().await;
        queue.publish(work(number)).await.unwrap();
        giving_up.abort();
        let delivery = match giving_up.await {
            Ok(delivery) => delivery,
            Err(_) => pulled(&*queue).await,
        };
        assert_eq!(delivery.work, work(number));
        queue.complete(delivery.receipt).await.unwrap();
    }
}

async fn many_workers_lose_nothing_and_share_nothing(queue: Arc<dyn WorkQueue>) {
    let done = Arc::new(Mutex::new(BTreeMap::<WorkId, u32>::new()));
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let (queue, done) = (Arc::clone(&queue), Arc::clone(&done));
            tokio::spawn(async move {
                while let Ok(delivery) = timeout(PAST, queue.pull(LEASE)).await {
                    let delivery = delivery.unwrap();
                    tokio::task::yield_now().await;
                    *done.lock().unwrap().entry(delivery.work.id).or_default() += 1;
                    queue.complete(delivery.receipt).await.unwrap();
                }
            })
        })
        .collect();
    for number in 1..=200 {
        queue.publish(work(number)).await.unwrap();
        if number % 7 == 0 {
            tokio::task::yield_now().await;
        }
    }
    for worker in workers {
        worker.await.unwrap();
    }
    let done = done.lock().unwrap();
    assert_eq!(done.len(), 200, "all of it was done");
    assert!(done.values().all(|times| *times == 1), "each by one worker");
}

/// Every third delivery is dropped on the floor: in the end everything is done all the same.
async fn what_crashed_workers_held_is_done_by_others(queue: Arc<dyn WorkQueue>) {
    for number in 1..=30 {
        queue.publish(work(number)).await.unwrap();
    }
    let (mut done, mut handed_out) = (BTreeSet::new(), 0_u32);
    while done.len() < 30 {
        let delivery = pulled(&*queue).await;
        handed_out += 1;
        if !handed_out.is_multiple_of(3) {
            queue.complete(delivery.receipt).await.unwrap();
            assert!(done.insert(delivery.work.id), "what was completed is not handed out again");
        }
    }
    assert!(handed_out >= 40);
    nothing_to_pull(&*queue, PAST).await;
}
