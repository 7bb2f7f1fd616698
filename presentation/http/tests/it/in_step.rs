//! A log on which the first two who want to write do so at the same time, whatever each has read before.

use application::ports::event_log::{
    Append, AppendError, Appended, EventLog, LogPage, LogVerification, ReadError, Recorded, StreamId, Tenant,
};
use async_trait::async_trait;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use tokio::sync::{Barrier, watch};
use uuid::Uuid;

pub struct InStep {
    inner: Arc<dyn EventLog>,
    both: Barrier,
    appends: AtomicU32,
}

impl InStep {
    pub fn new(inner: Arc<dyn EventLog>) -> Self {
        Self { inner, both: Barrier::new(2), appends: AtomicU32::new(0) }
    }
}

#[async_trait]
impl EventLog for InStep {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        if self.appends.fetch_add(1, Ordering::SeqCst) < 2 {
            self.both.wait().await;
        }
        self.inner.append(append).await
    }

    async fn read_stream(&self, stream: &StreamId, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.inner.read_stream(stream, from, limit).await
    }

    async fn read_log(&self, after: u64, limit: usize) -> Result<LogPage, ReadError> {
        self.inner.read_log(after, limit).await
    }

    async fn find_outcome(
        &self,
        tenant: &Tenant,
        command: Uuid,
        stream: &StreamId,
    ) -> Result<Option<Appended>, ReadError> {
        self.inner.find_outcome(tenant, command, stream).await
    }

    async fn head(&self) -> Result<u64, ReadError> {
        self.inner.head().await
    }

    fn wakeups(&self) -> watch::Receiver<u64> {
        self.inner.wakeups()
    }

    async fn verify(&self) -> Result<LogVerification, ReadError> {
        self.inner.verify().await
    }
}
