//! An event log on KurrentDB, through the official client.
//!
//! Each of our streams is a stream there, its name behind a prefix; positions are commit positions of `$all`. They grow
//! and are not dense, and times are in order within a stream only: [`EventLog::capabilities`] says so. Deliberately
//! absent: anything about the events' shapes (that is `event-codec`), persistent subscriptions and projections of
//! KurrentDB's own.

mod address;
mod error;
mod follow;
mod ledger;
mod link;
mod reader;
mod stored;
mod verify;
mod writer;

use address::Address;
use application::ports::{
    clock::Clock,
    event_log::{
        Append, AppendError, Appended, Capabilities, EventLog, LogPage, LogVerification, ReadError, Recorded, StreamId,
        Tenant, wake,
    },
};
use async_trait::async_trait;
pub use error::KurrentError;
use event_codec::{Content, EventCodec, Outcome};
use ledger::Ledgers;
use link::{Link, Place};
use reader::Reader;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};
use uuid::Uuid;
use writer::{APPEND_BYTES_MAX, Refusal, Writer};

/// How long an append may take, with its turn in the stream and all that it tries again.
const APPEND: Duration = Duration::from_secs(120);

/// An event log on KurrentDB.
pub struct KurrentEventLog {
    codec: EventCodec,
    link: Arc<Link>,
    reader: Reader,
    writer: Arc<Writer>,
    wakeups: watch::Sender<u64>,
    follower: JoinHandle<()>,
}

impl KurrentEventLog {
    /// Connects to the server of this connection string (`kurrentdb://` or `esdb://`, with all that the client reads
    /// from it, and `streamPrefix`), and looks whether it may read `$all` there. To be called in a Tokio runtime, which
    /// then runs the connection. Streams are named `<streamPrefix>.<stream>`; the prefix is the log's name unless said
    /// otherwise. Fails with a sentence that says what to look at; it never holds the connection string.
    pub async fn connect(url: &str, codec: EventCodec, clock: Arc<dyn Clock>) -> Result<Self, KurrentError> {
        let link = Arc::new(Link::new(Address::parse(url, codec.log())?));
        // The end of everything, not of this log: what is appended from here on is told.
        let end = match link.read_all(Place::End, 1, false, None).await {
            Ok((end, None)) => end,
            Ok((_, Some(error))) | Err(error) => return Err(link.explained(error).await),
        };
        let end = end.first().map(|event| event.position.commit);
        let reader = Reader { link: Arc::clone(&link) };
        let wakeups = watch::Sender::new(reader.head().await?);
        let follower = tokio::spawn(follow::follow(Arc::clone(&link), wakeups.clone(), end));
        let writer = Arc::new(Writer { link: Arc::clone(&link), clock, ledgers: Ledgers::default() });
        Ok(Self { codec, link, reader, writer, wakeups, follower })
    }

    /// Closes the connection. Later calls are refused; appends that are under way may be written or not, as after a
    /// crash.
    pub async fn close(&self) {
        self.follower.abort();
        self.link.close();
    }

    async fn submit(&self, append: Append) -> Result<Appended, Refusal> {
        let codec = self.codec.clone();
        // Sealing takes time, and a new key waits for the disk.
        let prepared = spawn_blocking(move || codec.prepare(append)).await.map_err(|_| KurrentError::Interrupted)?;
        let prepared = prepared.map_err(|error| Refusal::Rule(AppendError::Unavailable(error.into())))?;
        let writer = Arc::clone(&self.writer);
        let settled = timeout(APPEND, writer.append(&prepared)).await;
        settled.unwrap_or_else(|_| Err(KurrentError::Late { seconds: APPEND.as_secs() }.into()))
    }

    async fn decode(&self, rows: Vec<event_codec::Row>) -> Result<Vec<Recorded>, ReadError> {
        let codec = self.codec.clone();
        let decoded = spawn_blocking(move || rows.into_iter().map(|row| codec.decode(row)).collect());
        decoded.await.map_err(|_| unreadable(KurrentError::Interrupted))?
    }
}

impl Drop for KurrentEventLog {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

#[async_trait]
impl EventLog for KurrentEventLog {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        match self.submit(append).await {
            Ok(appended) => {
                wake(&self.wakeups, appended.position);
                Ok(appended)
            }
            Err(Refusal::Rule(error)) => Err(error),
            Err(Refusal::Fault(error)) => Err(AppendError::Unavailable(error.into())),
        }
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let rows = self.reader.stream(&stream.to_string(), from_revision, limit).await?;
        self.decode(rows).await
    }

    async fn read_log(&self, after: u64, limit: usize) -> Result<LogPage, ReadError> {
        let page = self.reader.log(after, limit).await?;
        let events = self.decode(page.rows).await?;
        Ok(LogPage { events, scanned_to: page.scanned_to, head: page.head })
    }

    async fn owner_of(&self, stream: &StreamId) -> Result<Option<(Tenant, String)>, ReadError> {
        let first = self.reader.stream(&stream.to_string(), 1, 1).await?.into_iter().next();
        Ok(first.map(|row| (Tenant(row.content.tenant), row.content.actor)))
    }

    async fn find_outcome(
        &self,
        tenant: &Tenant,
        command_id: Uuid,
        stream: &StreamId,
    ) -> Result<Option<Appended>, ReadError> {
        let stream = stream.to_string();
        let first = Content::id_of(&tenant.0, command_id, &stream, 0);
        let known = self.writer.find(&stream, &first).await.map_err(unreadable)?;
        Ok(known.as_ref().map(Outcome::replayed))
    }

    async fn head(&self) -> Result<u64, ReadError> {
        self.reader.head().await.map_err(unreadable)
    }

    fn wakeups(&self) -> watch::Receiver<u64> {
        self.wakeups.subscribe()
    }

    fn hear_of(&self, head: u64) {
        wake(&self.wakeups, head);
    }

    async fn verify(&self) -> Result<LogVerification, ReadError> {
        verify::verify(&self.link, &self.codec).await.map_err(unreadable)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            dense_positions: false,
            ordered_times: false,
            append_bytes_max: Some(APPEND_BYTES_MAX),
            fences: false,
        }
    }
}

fn unreadable(error: KurrentError) -> ReadError {
    ReadError::Unavailable(Box::new(error))
}
