//! A house without a disk: memory log, memory queue, and stages that do as they are told.

use application::{
    aggregates::{Aggregates, CommandMeta},
    ports::{
        blob_store::BlobStore,
        clock::{Clock, Ids},
        engine::EngineError,
        event_log::{DomainEvent, EventLog, StreamId},
        key_vault::KeyVault,
        work_queue::{Delivery, QueueError, Receipt, Work, WorkQueue},
    },
    process_manager::{Ending, ProcessManager},
    stages::handler::{Done, DubbingJob, DubbingStage, StageError, StageKit, TrackJob, TrackStage},
    testing::{MemoryKeyVault, MemoryMemoStore},
    worker::{Handlers, Worker, give_flow},
};
use async_trait::async_trait;
use blob_store::LocalBlobStore;
use domain::{
    dubbing::{Delivery as Place, Dubbing, DubbingCommand, DubbingEvent, Order, Start, TrackRequest, Transcript},
    flow::{Fence, Flow, FlowCommand, FlowEvent, Phase, Scope, Stage, StageSummary, TABLE},
    track::{Background, TrackEvent, TrackSettings},
    value::{Artefact, DubbingId, LanguageTag, Personal, Sha256, Timestamp, TrackId},
};
use event_codec::EventCodec;
use event_log_memory::MemoryEventLog;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};
use uuid::Uuid;
use work_queue_memory::MemoryWorkQueue;

/// The one job of a house.
const JOB: DubbingId = DubbingId(Uuid::from_u128(7));
/// Workers of a house.
const WORKERS: usize = 3;

/// What a stage is told to do, once.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Fail, and perhaps not the next time.
    Transient,
    /// Say that the engine is missing.
    Missing,
    /// Say that the source cannot be dubbed.
    Rejected,
    /// Never come back.
    Hang,
    /// Never come back, but report later: see `report_late`.
    Late,
}

/// Where a fault lies: a stage, of one language or of whichever comes first.
type Spot = (Option<String>, Stage);

/// What stages share: what they are told, and what they were asked.
#[derive(Default)]
struct Script {
    faults: Mutex<BTreeMap<Spot, VecDeque<Fault>>>,
    calls: Mutex<Vec<(Stage, Fence)>>,
}

/// A process with its log.
pub struct House {
    log: Arc<dyn EventLog>,
    aggregates: Arc<Aggregates>,
    queue: Arc<dyn WorkQueue>,
    clock: Arc<TokioClock>,
    ids: Arc<Counted>,
    script: Arc<Script>,
    blobs: Arc<dyn BlobStore>,
    folder: Arc<tempfile::TempDir>,
    languages: usize,
}

impl House {
    /// A house whose job is asked for in these languages.
    pub async fn begin(languages: &[&str]) -> Self {
        let vault: Arc<dyn KeyVault> = Arc::new(MemoryKeyVault::new(1));
        vault.ensure(JOB.0).unwrap_or_else(|error| panic!("{error}"));
        let clock = Arc::new(TokioClock(Instant::now()));
        let log: Arc<dyn EventLog> = Arc::new(MemoryEventLog::new(EventCodec::new("main", vault), clock.clone()));
        let folder = Arc::new(tempfile::tempdir().unwrap_or_else(|error| panic!("{error}")));
        let blobs = LocalBlobStore::open(folder.path()).unwrap_or_else(|error| panic!("{error}"));
        let house = Self {
            aggregates: Arc::new(Aggregates::new(Arc::clone(&log))),
            log,
            queue: Arc::new(MemoryWorkQueue::new()),
            clock,
            ids: Arc::default(),
            script: Arc::default(),
            blobs: Arc::new(blobs),
            folder,
            languages: languages.len(),
        };
        house.give(DubbingCommand::Start(Box::new(start(languages)))).await;
        house
    }

    /// The same log in a new process: empty queue, no workers, nothing cached.
    pub fn reborn(&self) -> Self {
        Self {
            log: Arc::clone(&self.log),
            aggregates: Arc::new(Aggregates::new(Arc::clone(&self.log))),
            queue: Arc::new(MemoryWorkQueue::new()),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            script: Arc::clone(&self.script),
            blobs: Arc::clone(&self.blobs),
            folder: Arc::clone(&self.folder),
            languages: self.languages,
        }
    }

    /// Hands out every piece of work twice.
    pub fn with_every_message_twice(mut self) -> Self {
        self.queue = Arc::new(Twice { inner: MemoryWorkQueue::new(), again: Mutex::default() });
        self
    }

    /// How many languages were asked for at the beginning.
    pub fn languages(&self) -> usize {
        self.languages
    }

    /// Tells a stage, in whatever language, what to do on its next calls.
    pub fn break_stage(&self, stage: Stage, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.script.faults).entry((None, stage)).or_default().extend(faults);
    }

    /// Tells a stage of one language what to do on its next calls.
    pub fn break_stage_of(&self, language: &str, stage: Stage, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.script.faults).entry((Some(language.to_owned()), stage)).or_default().extend(faults);
    }

    /// How often a stage was called.
    pub fn calls(&self, stage: Stage) -> usize {
        lock(&self.script.calls).iter().filter(|(called, _)| *called == stage).count()
    }

    /// Drives the job with workers until it is settled or parked.
    pub async fn drive(&self) -> Ending {
        let mut workers = self.workers();
        let manager = self.manager();
        tokio::select! {
            ending = manager.drive(JOB) => ending.unwrap_or_else(|error| panic!("{error}")),
            Some(ended) = workers.join_next() => panic!("a worker ended: {ended:?}"),
            () = tokio::time::sleep(Duration::from_secs(600)) => panic!("nothing moves any more"),
        }
    }

    /// Drives the job until a stage is called, then drops everything: the process is dead.
    pub async fn drive_until_called(&self, stage: Stage) {
        let mut workers = self.workers();
        let manager = self.manager();
        let called = async {
            while self.calls(stage) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            ending = manager.drive(JOB) => panic!("{ending:?} before {stage} was called"),
            Some(ended) = workers.join_next() => panic!("a worker ended: {ended:?}"),
            () = called => {}
        }
    }

    /// Goes on until a stage stands in the log as requested, and is not dispatched to any worker.
    pub async fn step_without_workers_until_requested(&self, stage: Stage) {
        let held = Arc::new(HoldBack { inner: MemoryWorkQueue::new(), stage });
        let house = House { queue: held, ..self.reborn() };
        let mut workers = house.workers();
        let manager = house.manager();
        let requested = async {
            while !matches!(house.phase(stage).await, Phase::Requested(_)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            ending = manager.drive(JOB) => panic!("{ending:?} before {stage} was requested"),
            Some(ended) = workers.join_next() => panic!("a worker ended: {ended:?}"),
            () = requested => {}
        }
    }

    /// What a new owner of the data folder does first.
    pub async fn recover(&self) {
        self.manager().recover(JOB).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// What an operator does when something was mended.
    pub async fn resume(&self) {
        self.manager().resume(JOB, &*self.ids).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Asks for more languages.
    pub async fn ask_for(&self, languages: &[&str]) {
        self.give(DubbingCommand::RequestTracks { tracks: requests(languages), delivery: None }).await;
    }

    /// Gives the dubbing a command.
    pub async fn give(&self, command: DubbingCommand) {
        let meta = CommandMeta::fresh("test", self.ids.next());
        let given = self.aggregates.execute::<Dubbing>(&StreamId::Dubbing(JOB), command, &meta).await;
        given.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Reports the completion of the first attempt at a stage; whether it was accepted.
    pub async fn report_late(&self, stage: Stage) -> bool {
        let first = lock(&self.script.calls).iter().find(|(called, _)| *called == stage).copied();
        let (_, fence) = first.unwrap_or_else(|| panic!("{stage} was never called"));
        let command = FlowCommand::Complete { fence, summary: StageSummary::default(), reopen: None };
        let meta = CommandMeta::fresh("worker", self.ids.next());
        let stream = stream_of(stage);
        give_flow(&self.aggregates, &stream, command, &meta).await.is_ok()
    }

    /// The dubbing as it is.
    pub async fn dubbing(&self) -> Dubbing {
        let loaded = self.aggregates.dubbing(JOB).await.unwrap_or_else(|error| panic!("{error}"));
        Dubbing::clone(&loaded.state)
    }

    /// Where a stage stands (in Spanish, when it is a track's).
    pub async fn phase(&self, stage: Stage) -> Phase {
        self.flow(stage).await.phase(stage)
    }

    /// How often a stage was lost.
    pub async fn losses(&self, stage: Stage) -> u32 {
        self.flow(stage).await.cell(stage).losses
    }

    /// The code of a stage's last failure.
    pub async fn failure_code(&self, stage: Stage) -> Option<String> {
        self.flow(stage).await.failures.get(&stage).map(|failure| failure.code.clone())
    }

    /// Position of the last event.
    pub async fn head(&self) -> u64 {
        self.log.head().await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// What `verify` finds wrong with the log.
    pub async fn faults_of_log(&self) -> Vec<String> {
        self.log.verify().await.unwrap_or_else(|error| panic!("{error}")).faults
    }

    /// Stream, stage and run of everything that was completed or skipped.
    pub async fn completions(&self) -> Vec<(String, Stage, u32)> {
        let page = self.log.read_log(0, 10_000).await.unwrap_or_else(|error| panic!("{error}"));
        let done = page.events.iter().filter_map(|recorded| {
            let flow = match &recorded.event {
                DomainEvent::Dubbing(DubbingEvent::Flow(flow)) | DomainEvent::Track(TrackEvent::Flow(flow)) => flow,
                DomainEvent::Dubbing(_) | DomainEvent::Track(_) => return None,
                DomainEvent::Asset(_) | DomainEvent::Project(_) | DomainEvent::Glossary(_) => return None,
            };
            match flow {
                FlowEvent::StageCompleted { fence, .. } | FlowEvent::StageSkipped { fence, .. } => {
                    Some((recorded.stream.to_string(), fence.stage, fence.run))
                }
                _ => None,
            }
        });
        done.collect()
    }

    async fn flow(&self, stage: Stage) -> Flow {
        let id = match stream_of(stage) {
            StreamId::Dubbing(_) => return self.dubbing().await.flow,
            StreamId::Track(id) => id,
            other => panic!("{other} has no flow"),
        };
        let loaded = self.aggregates.track(&id).await.unwrap_or_else(|error| panic!("{error}"));
        loaded.state.flow.clone()
    }

    fn manager(&self) -> ProcessManager {
        ProcessManager {
            aggregates: Arc::clone(&self.aggregates),
            queue: Arc::clone(&self.queue),
            clock: self.clock.clone(),
        }
    }

    fn workers(&self) -> JoinSet<Result<(), StageError>> {
        let kit = StageKit {
            aggregates: Arc::clone(&self.aggregates),
            blobs: Arc::clone(&self.blobs),
            memos: Arc::new(MemoryMemoStore::new(Arc::new(MemoryKeyVault::new(1)))),
            ids: self.ids.clone(),
            cores: 2,
        };
        let handlers = TABLE.iter().fold(Handlers::default(), |handlers, row| {
            let told = Told { stage: row.stage, script: Arc::clone(&self.script) };
            match row.scope {
                Scope::Dubbing => handlers.dubbing(row.stage, told),
                Scope::Track => handlers.track(row.stage, told),
            }
        });
        let worker = Worker { queue: Arc::clone(&self.queue), handlers, kit, clock: self.clock.clone() };
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            let worker = worker.clone();
            workers.spawn(async move { worker.run().await });
        }
        workers
    }
}

/// A stage that does as it is told.
struct Told {
    stage: Stage,
    script: Arc<Script>,
}

impl Told {
    async fn obey<E>(&self, language: Option<&LanguageTag>, fence: Fence) -> Result<Done<E>, StageError> {
        lock(&self.script.calls).push((self.stage, fence));
        let own = (language.map(LanguageTag::to_string), self.stage);
        let fault = {
            let mut faults = lock(&self.script.faults);
            let of_language = faults.get_mut(&own).and_then(VecDeque::pop_front);
            of_language.or_else(|| faults.get_mut(&(None, self.stage)).and_then(VecDeque::pop_front))
        };
        let failed = |error| Err(StageError::Engine(error));
        match fault {
            None => Ok(Done::made(vec![], vec![])),
            Some(Fault::Transient) => {
                let detail = "as told".to_owned();
                failed(EngineError::Transient { operation: "test", detail, retry_after: None })
            }
            Some(Fault::Missing) => {
                failed(EngineError::Missing { engine: "test".to_owned(), package: "test".to_owned() })
            }
            Some(Fault::Rejected) => {
                failed(EngineError::Rejected { code: "no-speech", message: "nobody speaks".to_owned() })
            }
            Some(Fault::Hang | Fault::Late) => std::future::pending().await,
        }
    }
}

#[async_trait]
impl DubbingStage for Told {
    async fn run(&self, job: &DubbingJob) -> Result<Done<DubbingEvent>, StageError> {
        self.obey(None, job.attempt.fence).await
    }
}

#[async_trait]
impl TrackStage for Told {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        self.obey(Some(&job.id.language), job.attempt.fence).await
    }
}

/// Hands out every piece of work a second time, under a receipt of its own.
struct Twice {
    inner: MemoryWorkQueue,
    again: Mutex<VecDeque<Delivery>>,
}

#[async_trait]
impl WorkQueue for Twice {
    async fn publish(&self, work: Work) -> Result<(), QueueError> {
        self.inner.publish(work).await
    }

    async fn pull(&self, lease: Duration) -> Result<Delivery, QueueError> {
        if let Some(copy) = lock(&self.again).pop_front() {
            return Ok(copy);
        }
        let delivery = self.inner.pull(lease).await?;
        let receipt = Receipt { delivery: u64::MAX, ..delivery.receipt };
        lock(&self.again).push_back(Delivery { receipt, ..delivery.clone() });
        Ok(delivery)
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
}

/// Loses the work of one stage before it reaches anybody.
struct HoldBack {
    inner: MemoryWorkQueue,
    stage: Stage,
}

#[async_trait]
impl WorkQueue for HoldBack {
    async fn publish(&self, work: Work) -> Result<(), QueueError> {
        if work.fence.stage == self.stage { Ok(()) } else { self.inner.publish(work).await }
    }

    async fn pull(&self, lease: Duration) -> Result<Delivery, QueueError> {
        self.inner.pull(lease).await
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
}

/// Time as the runtime counts it, so that a paused runtime's time passes at once.
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timestamp::from_unix_ms(1_700_000_000_000 + passed)
    }
}

/// Ids by counting.
#[derive(Default)]
struct Counted(AtomicU64);

impl Ids for Counted {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + (1 << 64))
    }

    fn below(&self, bound: u64) -> u64 {
        bound / 2
    }
}

fn stream_of(stage: Stage) -> StreamId {
    match TABLE.iter().find(|row| row.stage == stage).map(|row| row.scope) {
        Some(Scope::Track) => StreamId::Track(TrackId { dubbing: JOB, language: language("es") }),
        Some(Scope::Dubbing) | None => StreamId::Dubbing(JOB),
    }
}

fn language(tag: &str) -> LanguageTag {
    tag.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn requests(languages: &[&str]) -> Vec<TrackRequest> {
    let settings = TrackSettings {
        glossary: None,
        keep_phrases: Personal::new(vec![]),
        voices: Personal::new(BTreeMap::new()),
        background: Background::Duck,
        keep_original: false,
        embed_subtitles: false,
    };
    languages.iter().map(|tag| TrackRequest { language: language(tag), settings: settings.clone() }).collect()
}

fn start(languages: &[&str]) -> Start {
    Start {
        identity: Sha256::new([1; 32]),
        source: Artefact { sha256: Sha256::new([2; 32]), media_type: "video/mp4".to_owned(), bytes: 1 },
        name: Personal::new("talk.mp4".to_owned()),
        audio_stream: None,
        source_language: language("en"),
        language_assumed: false,
        transcript: Transcript::Recognised,
        order: Order::default(),
        delivery: Some(Place {
            folder: Personal::new("/out".to_owned()),
            stem: Personal::new("talk".to_owned()),
            sidecars: true,
            overwrite: false,
        }),
        tracks: requests(languages),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
