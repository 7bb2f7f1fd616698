//! The kit of the port, and what this queue promises beyond it: the order in which leases end.

use super::*;
use application::{
    ports::{event_log::StreamId, work_queue::Claim},
    testing::work_queue_kit,
};
use domain::{
    flow::{Fence, Stage, work_id},
    value::DubbingId,
};
use std::sync::Arc;
use uuid::Uuid;

fn work(number: u32) -> Work {
    let stream = StreamId::Dubbing(DubbingId(Uuid::from_u128(1)));
    let fence = Fence { stage: Stage::Ingest, run: 1, attempt: number };
    Work { id: work_id(&stream.to_string(), fence), stream, fence, claim: Claim::default() }
}

#[tokio::test(start_paused = true)]
async fn keeps_the_promises_of_the_port() {
    work_queue_kit::run(|| async { Arc::new(MemoryWorkQueue::new()) as Arc<dyn WorkQueue> }).await;
}

#[tokio::test(start_paused = true)]
async fn leases_run_out_in_the_order_of_their_ends() {
    let queue = MemoryWorkQueue::new();
    for number in 1..=5 {
        queue.publish(work(number)).await.unwrap();
    }
    for seconds in [50, 20, 40, 10, 30] {
        queue.pull(Duration::from_secs(seconds)).await.unwrap();
    }
    let began = Instant::now();
    for (number, seconds) in [(4, 10), (2, 20), (5, 30), (3, 40), (1, 50)] {
        let delivery = queue.pull(Duration::from_secs(1_000)).await.unwrap();
        assert_eq!(delivery.work, work(number));
        // To the millisecond: Tokio's clock ticks so.
        assert_eq!((Instant::now() - began).as_millis() / 10, seconds * 100, "not before, and not long after");
    }
}

#[tokio::test(start_paused = true)]
async fn leases_that_ran_out_together_come_back_in_that_order_too() {
    let queue = MemoryWorkQueue::new();
    for number in 1..=9 {
        queue.publish(work(number)).await.unwrap();
        queue.pull(Duration::from_secs(u64::from(20 - number))).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    for number in (1..=9).rev() {
        assert_eq!(queue.pull(Duration::MAX).await.unwrap().work, work(number));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_ends_exactly_when_it_says() {
    let queue = MemoryWorkQueue::new();
    queue.publish(work(1)).await.unwrap();
    let lease = Duration::from_secs(10);
    let receipt = queue.pull(lease).await.unwrap().receipt;
    tokio::time::advance(lease - Duration::from_millis(1)).await;
    assert!(queue.heartbeat(receipt, lease).await.unwrap());
    tokio::time::advance(lease).await;
    assert!(!queue.heartbeat(receipt, lease).await.unwrap(), "run out at that very moment");
}

#[tokio::test]
async fn what_is_done_leaves_nothing_behind() {
    let queue = MemoryWorkQueue::new();
    for number in 1..=1_000 {
        queue.publish(work(number)).await.unwrap();
        let delivery = queue.pull(Duration::from_secs(60)).await.unwrap();
        queue.complete(delivery.receipt).await.unwrap();
    }
    let state = queue.state();
    assert_eq!((state.entries.len(), state.ready.len()), (0, 0));
}

/// Real threads, real time: nothing is handed out twice, nothing stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_share_nothing() {
    let queue = Arc::new(MemoryWorkQueue::new());
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move {
                let mut done = Vec::new();
                loop {
                    let delivery = queue.pull(Duration::from_secs(600)).await.unwrap();
                    queue.complete(delivery.receipt).await.unwrap();
                    // The last ones are for the workers themselves: each ends with one of them.
                    if delivery.work.fence.attempt > 2_000 {
                        return done;
                    }
                    done.push(delivery.work.fence.attempt);
                }
            })
        })
        .collect();
    for number in 1..=2_008 {
        queue.publish(work(number)).await.unwrap();
    }
    let mut done = Vec::new();
    for worker in workers {
        done.extend(worker.await.unwrap());
    }
    done.sort_unstable();
    assert_eq!(done, (1..=2_000).collect::<Vec<_>>());
}
