//! The queue keeps the promises of the port, all but those that it does not give.

use super::common::{at, settings};
use application::{ports::work_queue::WorkQueue, testing::work_queue_kit};
use scratch_nats::ScratchNats;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use work_queue_nats::NatsWorkQueue;

#[tokio::test]
async fn keeps_the_promises_of_the_port() {
    let server = ScratchNats::start().unwrap();
    let made = AtomicU32::new(0);
    work_queue_kit::run(|| async {
        let prefix = format!("dragoman.kit-{}", made.fetch_add(1, Ordering::Relaxed));
        let queue = NatsWorkQueue::connect(&at(&server.url()), settings(&prefix, work_queue_kit::LEASE)).await;
        Arc::new(queue.unwrap()) as Arc<dyn WorkQueue>
    })
    .await;
}
