//! A log that serves events as they are given to it, for tests of those who only read.

use crate::ports::event_log::{
    Append, AppendError, Appended, EventLog, LogPage, LogVerification, ReadError, Recorded, StreamId, Tenant,
};
use async_trait::async_trait;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use uuid::Uuid;

/// A log for reading. Its events have positions 1, 2, 3 …
pub struct RecordedLog {
    events: Mutex<Vec<Recorded>>,
    wakeups: watch::Sender<u64>,
}

impl RecordedLog {
    /// A log with these events.
    pub fn new(events: Vec<Recorded>) -> Self {
        let head = events.len() as u64;
        Self { events: Mutex::new(events), wakeups: watch::Sender::new(head) }
    }

    /// Adds events, and wakes up who waits for them.
    pub fn push(&self, events: impl IntoIterator<Item = Recorded>) {
        let head = {
            let mut known = self.events();
            known.extend(events);
            known.len() as u64
        };
        self.wakeups.send_replace(head);
    }

    /// Adds events, and wakes up nobody.
    pub fn push_silently(&self, events: impl IntoIterator<Item = Recorded>) {
        self.events().extend(events);
    }

    fn events(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventLog for RecordedLog {
    async fn append(&self, _append: Append) -> Result<Appended, AppendError> {
        Err(AppendError::Unavailable("this log is for reading".into()))
    }

    async fn read_stream(&self, stream: &StreamId, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let events = self.events();
        let wanted = events.iter().filter(|event| event.stream == *stream && event.revision >= from);
        Ok(wanted.take(limit).cloned().collect())
    }

    async fn read_log(&self, after: u64, limit: usize) -> Result<LogPage, ReadError> {
        let events = self.events();
        let skipped = usize::try_from(after).unwrap_or(usize::MAX);
        let page: Vec<Recorded> = events.iter().skip(skipped).take(limit).cloned().collect();
        let scanned_to = page.last().map_or(after, |event| event.position);
        Ok(LogPage { events: page, scanned_to, head: events.len() as u64 })
    }

    async fn find_outcome(&self, _: &Tenant, _: Uuid, _: &StreamId) -> Result<Option<Appended>, ReadError> {
        Ok(None)
    }

    async fn head(&self) -> Result<u64, ReadError> {
        Ok(self.events().len() as u64)
    }

    fn wakeups(&self) -> watch::Receiver<u64> {
        self.wakeups.subscribe()
    }

    async fn verify(&self) -> Result<LogVerification, ReadError> {
        Ok(LogVerification { events: self.events().len() as u64, streams: 0, faults: vec![] })
    }
}
