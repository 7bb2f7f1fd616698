//! Servers that stop, hang and forget, and workers that come too late.

use super::{
    common::{at, settings, work},
    nothing_to_pull, pulled,
};
use application::ports::work_queue::{Delivery, WorkQueue};
use domain::flow::Stage;
use scratch_nats::{ScratchNats, Stop};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};
use work_queue_nats::NatsWorkQueue;

/// Longer than what a test does to the server.
const LONG: Duration = Duration::from_secs(60);
/// Short, so that it runs out.
const SHORT: Duration = Duration::from_secs(2);
/// Longer than a call may take while the server is away.
const BOUND: Duration = Duration::from_secs(16);

async fn queue(server: &ScratchNats, lease: Duration) -> NatsWorkQueue {
    NatsWorkQueue::connect(&at(&server.url()), settings("dragoman", lease)).await.unwrap()
}

/// Takes so much, completes it, and gives its numbers.
async fn done(queue: &NatsWorkQueue, count: usize) -> BTreeSet<u32> {
    let mut numbers = BTreeSet::new();
    while numbers.len() < count {
        let delivery = pulled(queue).await;
        queue.complete(delivery.receipt).await.unwrap();
        numbers.insert(delivery.work.fence.attempt);
    }
    numbers
}

#[tokio::test]
async fn an_acknowledgement_that_comes_too_late_takes_nothing_from_another() {
    let server = ScratchNats::start().unwrap();
    let (late, other) = (queue(&server, SHORT).await, queue(&server, SHORT).await);
    late.publish(work(Stage::Ingest, 1)).await.unwrap();
    let stale = pulled(&late).await;
    let taken = Instant::now();
    let current = pulled(&other).await;
    assert!(taken.elapsed() <= SHORT * 3 / 2, "handed out again after {:?}", taken.elapsed());
    assert_eq!(current.deliveries, 2);
    late.complete(stale.receipt).await.unwrap();
    assert!(!late.heartbeat(stale.receipt, SHORT).await.unwrap());
    late.release(stale.receipt, Duration::ZERO).await.unwrap();
    assert!(other.heartbeat(current.receipt, SHORT).await.unwrap(), "whoever has it keeps it");
    other.complete(current.receipt).await.unwrap();
    nothing_to_pull(&other, SHORT * 3 / 2).await;
}

async fn survives_a_stop(how: Stop) {
    let server = ScratchNats::start().unwrap();
    let queue = queue(&server, LONG).await;
    for number in 1..=20 {
        queue.publish(work(Stage::Ingest, number)).await.unwrap();
    }
    let mut held: Vec<Delivery> = Vec::new();
    for _ in 0..3 {
        held.push(pulled(&queue).await);
    }
    server.stop(how).unwrap();
    // Asked for while the server is away: done when it is back.
    let published = queue.publish(work(Stage::Ingest, 21));
    let back = async {
        sleep(Duration::from_secs(3)).await;
        server.start_again().unwrap();
    };
    let (published, ()) = tokio::join!(published, back);
    published.unwrap();
    for delivery in &held {
        assert!(queue.heartbeat(delivery.receipt, LONG).await.unwrap(), "the lease goes on");
        queue.complete(delivery.receipt).await.unwrap();
    }
    assert_eq!(done(&queue, 18).await, (4..=21).collect());
    nothing_to_pull(&queue, Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_server_that_is_restarted_costs_time_only() {
    survives_a_stop(Stop::Fast).await;
}

#[tokio::test]
async fn a_server_that_crashes_costs_time_only() {
    survives_a_stop(Stop::Immediate).await;
}

/// What is owed is published again, as the log says; what is under way comes to its end, and nothing that was handed
/// out before is mistaken for what came after.
#[tokio::test]
async fn a_server_that_forgets_everything_costs_time_only() {
    let server = ScratchNats::start().unwrap();
    let (dispatcher, worker) = (queue(&server, LONG).await, queue(&server, LONG).await);
    for number in 1..=20 {
        dispatcher.publish(work(Stage::Ingest, number)).await.unwrap();
    }
    let mut held: Vec<Delivery> = Vec::new();
    for _ in 0..3 {
        held.push(pulled(&worker).await);
    }
    server.stop(Stop::Immediate).unwrap();
    server.wipe().unwrap();
    server.start_again().unwrap();
    for number in 4..=20 {
        dispatcher.publish(work(Stage::Ingest, number)).await.unwrap();
    }
    let second = pulled(&worker).await;
    assert_eq!(second.deliveries, 1);
    for delivery in &held {
        assert!(worker.heartbeat(delivery.receipt, LONG).await.unwrap(), "nobody else has it");
        worker.complete(delivery.receipt).await.unwrap();
    }
    worker.complete(second.receipt).await.unwrap();
    let rest: BTreeSet<u32> = (4..=20).filter(|number| *number != second.work.fence.attempt).collect();
    assert_eq!(done(&worker, rest.len()).await, rest);
    nothing_to_pull(&worker, Duration::from_secs(1)).await;
}

/// Nobody looks after the stream but those who use it.
#[tokio::test]
async fn what_somebody_deletes_is_made_anew() {
    let server = ScratchNats::start().unwrap();
    let queue = queue(&server, LONG).await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let delete = || client.request("$JS.API.STREAM.DELETE.dragoman-work", "".into());
    for number in 1..=3 {
        queue.publish(work(Stage::Ingest, number)).await.unwrap();
        delete().await.unwrap();
        queue.publish(work(Stage::Ingest, number)).await.unwrap();
        assert_eq!(done(&queue, 1).await, [number].into());
    }
    delete().await.unwrap();
    let waiting = async {
        let delivery = pulled(&queue).await;
        delivery.work.fence.attempt
    };
    let publishing = async {
        sleep(Duration::from_secs(1)).await;
        queue.publish(work(Stage::Ingest, 4)).await.unwrap();
    };
    assert_eq!(tokio::join!(waiting, publishing).0, 4);
}

/// A server that is away for longer than a lease lasts costs the attempt: whoever had it is told, and it is handed out
/// again.
#[tokio::test]
async fn a_lease_runs_out_while_the_server_is_away() {
    let server = ScratchNats::start().unwrap();
    let queue = queue(&server, SHORT).await;
    queue.publish(work(Stage::Ingest, 1)).await.unwrap();
    let held = pulled(&queue).await;
    server.stop(Stop::Fast).unwrap();
    while queue.heartbeat(held.receipt, SHORT).await.unwrap() {
        sleep(Duration::from_millis(50)).await;
    }
    queue.complete(held.receipt).await.unwrap();
    server.start_again().unwrap();
    let again = pulled(&queue).await;
    assert_eq!((again.work, again.deliveries), (held.work, 2));
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for_within_bounds() {
    let server = ScratchNats::start().unwrap();
    let queue = queue(&server, LONG).await;
    queue.publish(work(Stage::Ingest, 1)).await.unwrap();
    let held = pulled(&queue).await;
    server.pause();
    let (published, pulled_nothing, beat) = timeout(BOUND, async {
        tokio::join!(queue.publish(work(Stage::Ingest, 2)), queue.pull(LONG), queue.heartbeat(held.receipt, LONG))
    })
    .await
    .expect("no call hangs");
    assert!(published.is_err() && pulled_nothing.is_err());
    assert!(beat.unwrap(), "the lease that there is still runs");
    server.resume();
    queue.publish(work(Stage::Ingest, 2)).await.unwrap();
    queue.complete(held.receipt).await.unwrap();
    // What was asked for while it hung may have been done, and in nobody's hands.
    let _either = timeout(Duration::from_secs(1), queue.pull(LONG)).await;
    queue.discard(work(Stage::Ingest, 2).id).await.unwrap();
    queue.publish(work(Stage::Ingest, 3)).await.unwrap();
    assert_eq!(done(&queue, 1).await, [3].into());
}
