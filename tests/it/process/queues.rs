//! Queues that misbehave: one says everything twice, one loses what it is told.

use super::told::lock;
use application::ports::work_queue::{Delivery, Depth, Door, Pass, QueueError, Receipt, Work, WorkQueue};
use async_trait::async_trait;
use domain::flow::{Stage, WorkId};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
    time::Duration,
};
use work_queue_memory::MemoryWorkQueue;

/// Hands out every piece of work a second time, under a receipt of its own.
#[derive(Default)]
pub struct Twice {
    inner: MemoryWorkQueue,
    again: Mutex<VecDeque<Delivery>>,
}

#[async_trait]
impl WorkQueue for Twice {
    async fn publish(&self, work: Work) -> Result<(), QueueError> {
        self.inner.publish(work).await
    }

    async fn pull_through(&self, door: &dyn Door, lease: Duration) -> Result<(Delivery, Pass), QueueError> {
        if let Some(copy) = lock(&self.again).pop_front() {
            return Ok((copy, Pass::free()));
        }
        let (delivery, pass) = self.inner.pull_through(door, lease).await?;
        let receipt = Receipt { delivery: u64::MAX, ..delivery.receipt };
        lock(&self.again).push_back(Delivery { receipt, ..delivery.clone() });
        Ok((delivery, pass))
    }

    async fn heartbeat(&self, receipt: Receipt, lease: Duration) -> Result<bool, QueueError> {
        self.inner.heartbeat(receipt, lease).await
    }

    async fn complete(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.inner.complete(receipt).await
    }

    async fn release(&self, receipt: Receipt, delay: Duration) -> Result<(), QueueError> {
        self.inner.release(receipt, delay).await
    }

    async fn discard(&self, work: WorkId) -> Result<(), QueueError> {
        self.inner.discard(work).await
    }

    async fn holds(&self, work: WorkId) -> Result<bool, QueueError> {
        self.inner.holds(work).await
    }

    async fn depth(&self) -> Result<BTreeMap<Stage, Depth>, QueueError> {
        self.inner.depth().await
    }
}

/// Loses the work of one stage before it reaches anybody.
pub struct HoldBack {
    inner: MemoryWorkQueue,
    stage: Stage,
}

impl HoldBack {
    /// Of this stage.
    pub fn new(stage: Stage) -> Self {
        Self { inner: MemoryWorkQueue::new(), stage }
    }
}

#[async_trait]
impl WorkQueue for HoldBack {
    async fn publish(&self, work: Work) -> Result<(), QueueError> {
        if work.fence.stage == self.stage { Ok(()) } else { self.inner.publish(work).await }
    }

    async fn pull_through(&self, door: &dyn Door, lease: Duration) -> Result<(Delivery, Pass), QueueError> {
        self.inner.pull_through(door, lease).await
    }

    async fn heartbeat(&self, receipt: Receipt, lease: Duration) -> Result<bool, QueueError> {
        self.inner.heartbeat(receipt, lease).await
    }

    async fn complete(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.inner.complete(receipt).await
    }

    async fn release(&self, receipt: Receipt, delay: Duration) -> Result<(), QueueError> {
        self.inner.release(receipt, delay).await
    }

    async fn discard(&self, work: WorkId) -> Result<(), QueueError> {
        self.inner.discard(work).await
    }

    async fn holds(&self, work: WorkId) -> Result<bool, QueueError> {
        self.inner.holds(work).await
    }

    async fn depth(&self) -> Result<BTreeMap<Stage, Depth>, QueueError> {
        self.inner.depth().await
    }
}
