//! The queue on real servers, each of which a test starts for itself.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod faults;
mod lanes;
mod promises;
mod start;

use application::ports::work_queue::{Delivery, WorkQueue};
use std::time::Duration;
use tokio::time::timeout;
use work_queue_nats::NatsWorkQueue;

/// Bound for what shall happen.
const SOON: Duration = Duration::from_secs(20);

async fn pulled(queue: &NatsWorkQueue) -> Delivery {
    timeout(SOON, queue.pull(Duration::MAX)).await.expect("there is work").expect("the queue works")
}

async fn nothing_to_pull(queue: &NatsWorkQueue, within: Duration) {
    assert!(timeout(within, queue.pull(Duration::MAX)).await.is_err(), "there is no work to hand out");
}
