//! The flow that is measured: its log and queue, with the servers that they need, and how long work waits.

use super::{LOG, bench::MeasuredLog};
use crate::{cli::bench::Backend, exit::Failure};
use application::{
    ports::{
        blob_store::BlobStore,
        event_log::{
            Append, AppendError, Appended, Capabilities, DomainEvent, EventLog, LogPage, LogVerification, ReadError,
            Recorded, StreamId, Tenant,
        },
        memo_store::MemoStore,
        work_queue::{Delivery, Depth, Door, Pass, QueueCapabilities, QueueError, Receipt, Work, WorkQueue},
    },
    worker::LEASE,
};
use async_trait::async_trait;
use blob_store::LocalBlobStore;
use domain::{
    dubbing::DubbingEvent,
    flow::{FlowEvent, Stage, WorkId},
    track::TrackEvent,
};
use event_codec::EventCodec;
use key_vault::FileKeyVault;
use read_store::SqliteMemoStore;
use scratch_nats::ScratchNats;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use work_queue_memory::MemoryWorkQueue;
use work_queue_nats::{NatsWorkQueue, Servers, Settings, Storage, WorkerClass};

/// Who publish at the same time, and for how long, where that is measured by itself.
const PUBLISHERS: usize = 64;
const MEASURED_FOR: Duration = Duration::from_secs(2);

/// A log and a queue by which the flow is measured, with the servers that they need.
pub struct MeasuredFlow {
    log: MeasuredLog,
    nats: Option<ScratchNats>,
    folder: PathBuf,
}

impl MeasuredFlow {
    /// Makes both in this folder, on servers of its own where they need some.
    pub fn make(backend: Backend, folder: &Path) -> Result<Self, Failure> {
        let log = MeasuredLog::make(backend, folder, None)?;
        let nats = match backend {
            Backend::Postgres => Some(ScratchNats::start().map_err(|error| Failure::internal(&error))?),
            Backend::Sqlite | Backend::Memory => None,
        };
        Ok(Self { log, nats, folder: folder.to_owned() })
    }

    /// What the flow is compared with, and how often a second that can be done; nothing in memory.
    pub async fn yardstick(&self) -> Result<Option<(&'static str, f64)>, Failure> {
        if let Some(nats) = &self.nats {
            let rate = work_queue_nats::bare_publishes(&nats.url(), PUBLISHERS, MEASURED_FOR).await;
            return Ok(Some(("bare publishes into JetStream", rate.map_err(|error| Failure::internal(&*error))?)));
        }
        let append = crate::bench::log::append(0, 0);
        let Some(yardstick) = self.log.yardstick(append)? else { return Ok(None) };
        Ok(Some(("plain inserts of 50 rows: rows", yardstick.plain_inserts(50, MEASURED_FOR).await?)))
    }

    /// The log.
    pub async fn log(&self) -> Result<Arc<dyn EventLog>, Failure> {
        self.log.open_with(EventCodec::new(LOG, self.vault()?)).await
    }

    /// Each job has a key, which is on disk before its first event.
    fn vault(&self) -> Result<Arc<FileKeyVault>, Failure> {
        let vault = FileKeyVault::open(self.folder.join("keys")).map_err(|error| Failure::internal(&error))?;
        Ok(Arc::new(vault))
    }

    /// A queue with nothing in it.
    pub async fn queue(&self) -> Result<Arc<dyn WorkQueue>, Failure> {
        let Some(nats) = &self.nats else { return Ok(Arc::new(MemoryWorkQueue::new())) };
        let settings = Settings {
            prefix: "bench".to_owned(),
            installation: uuid::Uuid::from_u128(1),
            lease: LEASE,
            replicas: 1,
            bytes_max: 256 << 20,
            storage: Storage::File,
            gpu_stages: BTreeSet::new(),
            stages: Stage::all().collect(),
            classes: BTreeSet::from(WorkerClass::ALL),
        };
        let servers = Servers { urls: vec![nats.url()], ..Servers::default() };
        let queue = NatsWorkQueue::connect(&servers, settings).await;
        Ok(Arc::new(queue.map_err(|error| Failure::internal(&error))?))
    }

    /// Where stages find media.
    pub fn blobs(&self) -> Result<Arc<dyn BlobStore>, Failure> {
        Ok(Arc::new(LocalBlobStore::open(&self.folder)?))
    }

    /// Where stages find what was made before.
    pub async fn memos(&self) -> Result<Arc<dyn MemoStore>, Failure> {
        let memos = SqliteMemoStore::open(&self.folder.join("memos.db"), self.vault()?).await;
        Ok(Arc::new(memos.map_err(|error| Failure::internal(&error))?))
    }

    /// Fails unless the log is whole.
    pub async fn check(&self) -> Result<(), Failure> {
        match &self.log {
            MeasuredLog::Memory => Ok(()),
            log => log.check(&log.open().await?, 1).await,
        }
    }
}

/// Tells how long work waits from the commit that asks for it to the worker that has it.
#[derive(Default)]
pub struct Stopwatch {
    asked: Mutex<HashMap<WorkId, Instant>>,
    waits_ms: Mutex<Vec<f64>>,
}

impl Stopwatch {
    /// The log, with an eye on what is asked for.
    pub fn of_log(self: &Arc<Self>, log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        Arc::new(WatchedLog { log, watch: Arc::clone(self) })
    }

    /// The queue, with an eye on what is handed out.
    pub fn of_queue(self: &Arc<Self>, queue: Arc<dyn WorkQueue>) -> Arc<dyn WorkQueue> {
        Arc::new(WatchedQueue { queue, watch: Arc::clone(self) })
    }

    /// All waits so far, the shortest first.
    pub fn waits_ms(&self) -> Vec<f64> {
        let mut waits = self.waits_ms.lock().unwrap_or_else(PoisonError::into_inner).clone();
        waits.sort_by(f64::total_cmp);
        waits
    }
}

struct WatchedLog {
    log: Arc<dyn EventLog>,
    watch: Arc<Stopwatch>,
}

#[async_trait]
impl EventLog for WatchedLog {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let requested: Vec<WorkId> = append.events.iter().filter_map(requested).collect();
        let appended = self.log.append(append).await?;
        let now = Instant::now();
        let mut asked = self.watch.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.extend(requested.into_iter().map(|work| (work, now)));
        Ok(appended)
    }

    async fn read_stream(&self, stream: &StreamId, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.log.read_stream(stream, from, limit).await
    }

    async fn read_log(&self, after: u64, limit: usize) -> Result<LogPage, ReadError> {
        self.log.read_log(after, limit).await
    }

    async fn find_outcome(
        &self,
        tenant: &Tenant,
        command_id: uuid::Uuid,
        stream: &StreamId,
    ) -> Result<Option<Appended>, ReadError> {
        self.log.find_outcome(tenant, command_id, stream).await
    }

    async fn head(&self) -> Result<u64, ReadError> {
        self.log.head().await
    }

    fn wakeups(&self) -> watch::Receiver<u64> {
        self.log.wakeups()
    }

    async fn verify(&self) -> Result<LogVerification, ReadError> {
        self.log.verify().await
    }

    fn capabilities(&self) -> Capabilities {
        self.log.capabilities()
    }
}

fn requested(event: &DomainEvent) -> Option<WorkId> {
    match event {
        DomainEvent::Dubbing(DubbingEvent::Flow(FlowEvent::StageRequested { work_id, .. }))
        | DomainEvent::Track(TrackEvent::Flow(FlowEvent::StageRequested { work_id, .. })) => Some(*work_id),
        _ => None,
    }
}

struct WatchedQueue {
    queue: Arc<dyn WorkQueue>,
    watch: Arc<Stopwatch>,
}

#[async_trait]
impl WorkQueue for WatchedQueue {
    async fn publish(&self, work: Work) -> Result<(), QueueError> {
        self.queue.publish(work).await
    }

    async fn pull_through(&self, door: &dyn Door, lease: Duration) -> Result<(Delivery, Pass), QueueError> {
        let (delivery, pass) = self.queue.pull_through(door, lease).await?;
        let asked = self.watch.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&delivery.work.id);
        if let Some(asked) = asked {
            let waited = asked.elapsed().as_secs_f64() * 1_000.0;
            self.watch.waits_ms.lock().unwrap_or_else(PoisonError::into_inner).push(waited);
        }
        Ok((delivery, pass))
    }

    async fn heartbeat(&self, receipt: Receipt, lease: Duration) -> Result<bool, QueueError> {
        self.queue.heartbeat(receipt, lease).await
    }

    async fn complete(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.queue.complete(receipt).await
    }

    async fn release(&self, receipt: Receipt, delay: Duration) -> Result<(), QueueError> {
        self.queue.release(receipt, delay).await
    }

    async fn discard(&self, work: WorkId) -> Result<(), QueueError> {
        self.queue.discard(work).await
    }

    async fn holds(&self, work: WorkId) -> Result<bool, QueueError> {
        self.queue.holds(work).await
    }

    async fn depth(&self) -> Result<BTreeMap<Stage, Depth>, QueueError> {
        self.queue.depth().await
    }

    fn capabilities(&self) -> QueueCapabilities {
        self.queue.capabilities()
    }
}
