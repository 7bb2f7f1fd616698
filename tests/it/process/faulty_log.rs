//! A log that stops answering, or fails for one stream: what a dying disk or process does.

use application::ports::event_log::{
    Append, AppendError, Appended, EventLog, LogPage, LogVerification, ReadError, Recorded, StreamId, Tenant,
};
use async_trait::async_trait;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::watch;
use uuid::Uuid;

/// The log behind, and what is wrong with it.
pub struct FaultyLog {
    inner: Arc<dyn EventLog>,
    /// Appends that are still written; after these the process is as good as dead.
    appends_left: AtomicU64,
    /// The stream that cannot be read, and how often.
    unreadable: Mutex<Option<(StreamId, u32)>>,
    reads: AtomicU64,
}

impl FaultyLog {
    /// Nothing is wrong yet.
    pub fn new(inner: Arc<dyn EventLog>) -> Self {
        Self { inner, appends_left: AtomicU64::new(u64::MAX), unreadable: Mutex::default(), reads: AtomicU64::new(0) }
    }

    /// After so many appends nothing is answered any more.
    pub fn dying_after(self, appends: u64) -> Self {
        Self { appends_left: AtomicU64::new(appends), ..self }
    }

    /// A stream cannot be read so often.
    pub fn with_unreadable(self, stream: StreamId, times: u32) -> Self {
        Self { unreadable: Mutex::new(Some((stream, times))), ..self }
    }

    /// Whether it has stopped answering.
    pub fn is_dead(&self) -> bool {
        self.appends_left.load(Ordering::SeqCst) == 0
    }

    fn fails_on(&self, stream: &StreamId) -> bool {
        match &mut *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((broken, times)) if broken == stream && *times > 0 => {
                *times -= 1;
                true
            }
            Some(_) | None => false,
        }
    }

    /// How often a stream was read.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl EventLog for FaultyLog {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
        let appended = self.inner.append(append).await;
        if appended.as_ref().is_ok_and(|appended| !appended.replayed) {
            self.appends_left.fetch_sub(1, Ordering::SeqCst);
        }
        if self.is_dead() {
            // Written, but nobody hears of it.
            std::future::pending::<()>().await;
        }
        appended
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.fails_on(stream) {
            return Err(ReadError::Unavailable("as told".into()));
        }
        self.inner.read_stream(stream, from_revision, limit).await
    }

    async fn read_log(&self, after: u64, limit: usize) -> Result<LogPage, ReadError> {
        self.inner.read_log(after, limit).await
    }

    async fn find_outcome(
        &self,
        tenant: &Tenant,
        command_id: Uuid,
        stream: &StreamId,
    ) -> Result<Option<Appended>, ReadError> {
        self.inner.find_outcome(tenant, command_id, stream).await
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
