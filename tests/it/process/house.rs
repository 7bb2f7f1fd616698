//! A house without a disk: memory log, memory queue, and stages that do as they are told.

use super::{
    machine::{Counted, TokioClock},
    queues::{HoldBack, Twice},
    request::{language, requests, start},
    told::{Fault, Script, Told, lock},
    traces::Noted,
};
use application::{
    admission::{Admission, AdmissionLimits, Beginning},
    aggregates::{Aggregates, CommandMeta},
    cluster::Holdings,
    commands::control_dubbing::ControlDubbing,
    crew::{Crew, CrewParts},
    flows::give_flow,
    ports::{
        blob_store::BlobStore,
        clock::Ids,
        cluster::{Cluster, Lease},
        event_log::{DomainEvent, EventLog, StreamId, Tenant},
        work_queue::WorkQueue,
    },
    process_manager::{Ending, ProcessManager},
    room::Room,
    stages::handler::{StageError, StageKit},
    stop::{Stopper, Stopping},
    testing::{MemoryKeyVault, MemoryMemoStore},
    worker::{Handlers, LEASE, Worker},
};
use blob_store::LocalBlobStore;
use domain::{
    dubbing::{Dubbing, DubbingCommand, DubbingEvent, Phase as Life},
    flow::{Cell, Flow, FlowCommand, FlowEvent, Phase, Scope, Stage, StageSummary, TABLE},
    track::{Track, TrackEvent},
    value::{Artefact, DubbingId, TrackId},
};
use event_codec::EventCodec;
use event_log_memory::MemoryEventLog;
use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::task::JoinSet;
use uuid::Uuid;
use work_queue_memory::MemoryWorkQueue;

/// The one job of a house.
pub const JOB: DubbingId = DubbingId(Uuid::from_u128(7));
/// Workers of a house.
const WORKERS: usize = 3;

/// A process with its log.
pub struct House {
    log: Arc<dyn EventLog>,
    cluster: Arc<dyn Cluster>,
    aggregates: Arc<Aggregates>,
    queue: Arc<dyn WorkQueue>,
    clock: Arc<TokioClock>,
    ids: Arc<Counted>,
    script: Arc<Script>,
    handlers: Option<Handlers>,
    blobs: Arc<dyn BlobStore>,
    folder: Arc<tempfile::TempDir>,
    languages: usize,
    stopper: Arc<Stopper>,
    traces: Arc<Noted>,
    room: Room,
}

impl House {
    /// A house whose job is asked for in these languages.
    pub async fn begin(languages: &[&str]) -> Self {
        let vault = Arc::new(MemoryKeyVault::new(1));
        let clock = Arc::new(TokioClock::default());
        let cluster = Arc::new(MemoryEventLog::new(EventCodec::new("main", vault), clock.clone()));
        let log: Arc<dyn EventLog> = cluster.clone();
        let folder = Arc::new(tempfile::tempdir().unwrap_or_else(|error| panic!("{error}")));
        let blobs = LocalBlobStore::open(folder.path()).unwrap_or_else(|error| panic!("{error}"));
        let house = Self {
            aggregates: Arc::new(Aggregates::new(Arc::clone(&log))),
            log,
            cluster,
            queue: Arc::new(MemoryWorkQueue::new()),
            clock,
            ids: Arc::default(),
            script: Arc::default(),
            handlers: None,
            blobs: Arc::new(blobs),
            folder,
            languages: languages.len(),
            stopper: Arc::default(),
            traces: Arc::default(),
            room: Room::unbounded(),
        };
        house.give(DubbingCommand::Start(Box::new(start(languages)))).await;
        house
    }

    /// The same log in a new process, behind something that may fail.
    pub fn behind(&self, log: Arc<dyn EventLog>) -> Self {
        Self { aggregates: Arc::new(Aggregates::new(Arc::clone(&log))), log, ..self.reborn() }
    }

    /// The log.
    pub fn log(&self) -> Arc<dyn EventLog> {
        Arc::clone(&self.log)
    }

    /// What is kept.
    pub fn blobs(&self) -> Arc<dyn BlobStore> {
        Arc::clone(&self.blobs)
    }

    /// Asks for another dubbing, in Spanish.
    pub async fn begin_another(&self, id: DubbingId) {
        self.give_to(id, DubbingCommand::Start(Box::new(start(&["es"])))).await;
    }

    /// Admission over this house.
    pub fn admission(&self, active_max: usize, queued_max: usize) -> Arc<Admission> {
        let limits = AdmissionLimits { active_max, queued_max, retry_after: Duration::from_secs(7) };
        Admission::new(Arc::new(self.manager()), limits)
    }

    /// Admission over what a node holds of this house.
    pub fn admission_among(&self, holdings: Holdings) -> Arc<Admission> {
        let limits = AdmissionLimits { active_max: 100, queued_max: 100, retry_after: Duration::from_secs(7) };
        Admission::among_others(Arc::new(self.manager()), limits, holdings)
    }

    /// A crew at work, from the beginning of the log on.
    pub fn crew(&self, admission: &Arc<Admission>, unfinished: Vec<DubbingId>) -> Crew {
        self.crew_from(admission, Beginning { unfinished, after: 0 })
    }

    /// A crew at work that begins, and takes over, with this.
    pub fn crew_from(&self, admission: &Arc<Admission>, beginning: Beginning) -> Crew {
        let parts = CrewParts { admission: Arc::clone(admission), worker: self.worker(), workers: 8, beside: vec![] };
        Crew::start(parts, Arc::new(beginning)).0
    }

    /// Waits until so much is going on.
    pub async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let waiting = async {
            while !is_so().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(600), waiting).await;
        assert!(waited.is_ok(), "not in time: {what}");
    }

    /// How many stages hang.
    pub fn hanging(&self) -> u64 {
        self.script.hanging.load(Ordering::SeqCst)
    }

    /// Where a dubbing stands.
    pub async fn life_of(&self, id: DubbingId) -> Life {
        self.aggregates.dubbing(id).await.unwrap_or_else(|error| panic!("{error}")).state.phase
    }

    /// The same log in a new process: empty queue, no workers, nothing cached.
    pub fn reborn(&self) -> Self {
        Self {
            log: Arc::clone(&self.log),
            cluster: Arc::clone(&self.cluster),
            aggregates: Arc::new(Aggregates::new(Arc::clone(&self.log))),
            queue: Arc::new(MemoryWorkQueue::new()),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            script: Arc::clone(&self.script),
            handlers: self.handlers.clone(),
            blobs: Arc::clone(&self.blobs),
            folder: Arc::clone(&self.folder),
            languages: self.languages,
            stopper: Arc::default(),
            traces: Arc::default(),
            room: Room::unbounded(),
        }
    }

    /// With so much room for its workers.
    pub fn with_room(mut self, room: &Room) -> Self {
        self.room = room.clone();
        self
    }

    /// The same log and the same queue in another process.
    pub fn neighbour(&self) -> Self {
        Self { queue: Arc::clone(&self.queue), ..self.reborn() }
    }

    /// Who else shares the log.
    pub fn cluster(&self) -> Arc<dyn Cluster> {
        Arc::clone(&self.cluster)
    }

    /// Hands out every piece of work twice.
    pub fn with_every_message_twice(mut self) -> Self {
        self.queue = Arc::new(Twice::default());
        self
    }

    /// With these stages instead of such that do as they are told.
    pub fn with_handlers(mut self, handlers: Handlers) -> Self {
        self.handlers = Some(handlers);
        self
    }

    /// What is kept under a digest, as text.
    pub async fn text_of(&self, artefact: &Artefact) -> String {
        let bytes = self.blobs.get_bytes(&artefact.sha256).await.unwrap_or_else(|error| panic!("{error}"));
        String::from_utf8(bytes.unwrap_or_default()).unwrap_or_else(|error| panic!("{error}"))
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
        self.drive_under(None).await
    }

    /// The same by a node that holds this.
    pub async fn drive_under(&self, lease: Option<Lease>) -> Ending {
        let mut workers = self.workers();
        let manager = self.manager().under(lease);
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
        let held = Arc::new(HoldBack::new(stage));
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

    /// Drives the job until a stage is called, gives a command then, and drives on until it is settled, parked
    /// or paused. Whatever hung was stopped: nobody else would have come to it.
    pub async fn drive_and_when_called<F: Future<Output = ()>>(
        &self,
        stage: Stage,
        then: impl FnOnce() -> F,
    ) -> Ending {
        let mut workers = self.workers();
        let manager = self.manager();
        let called = async {
            while self.calls(stage) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            then().await;
            std::future::pending::<()>().await
        };
        let ending = tokio::select! {
            ending = manager.drive(JOB) => ending.unwrap_or_else(|error| panic!("{error}")),
            Some(ended) = workers.join_next() => panic!("a worker ended: {ended:?}"),
            () = called => unreachable!("it waits for ever"),
            () = tokio::time::sleep(Duration::from_secs(600)) => panic!("nothing moves any more"),
        };
        let freed = async {
            while self.script.hanging.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let is_freed = tokio::time::timeout(Duration::from_secs(1), freed).await.is_ok();
        assert!(is_freed, "a worker is still at {stage}");
        ending
    }

    /// Drives the job until a stage is called, then asks the workers to stop and waits until all have ended.
    pub async fn drain_when_called(&self, stage: Stage, stopping: Stopping) {
        let mut workers = self.workers();
        let manager = self.manager();
        let drained = async {
            while self.calls(stage) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            self.stopper.ask(stopping);
            while let Some(ended) = workers.join_next().await {
                assert!(matches!(ended, Ok(Ok(()))), "a worker ended: {ended:?}");
            }
        };
        tokio::select! {
            ending = manager.drive(JOB) => panic!("{ending:?} before the workers ended"),
            () = drained => {}
            () = tokio::time::sleep(Duration::from_secs(600)) => panic!("the workers do not end"),
        }
        assert_eq!(self.script.hanging.load(Ordering::SeqCst), 0, "a worker is still at {stage}");
    }

    /// The use cases that steer a dubbing.
    pub fn control(&self) -> ControlDubbing {
        ControlDubbing { aggregates: Arc::clone(&self.aggregates) }
    }

    /// A command that a user gives.
    pub fn by_user(&self) -> CommandMeta {
        CommandMeta::given(Tenant::default(), "test", self.ids.next())
    }

    /// A track as it is.
    pub async fn track(&self, tag: &str) -> Track {
        let id = TrackId { dubbing: JOB, language: language(tag) };
        let loaded = self.aggregates.track(&id).await.unwrap_or_else(|error| panic!("{error}"));
        Track::clone(&loaded.state)
    }

    /// Pauses the job.
    pub async fn pause(&self) {
        self.control().pause(JOB, &self.by_user()).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Lets the job go on that was paused.
    pub async fn go_on(&self) {
        self.control().resume(JOB, &self.by_user()).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Calls the job off.
    pub async fn cancel(&self) {
        self.control().cancel(JOB, &self.by_user()).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Calls one track off.
    pub async fn cancel_track(&self, tag: &str) {
        let id = TrackId { dubbing: JOB, language: language(tag) };
        self.control().cancel_track(&id, &self.by_user()).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// What a new owner of the data folder does first.
    pub async fn recover(&self) {
        self.manager().recover(JOB).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// What an operator does when something was mended.
    pub async fn resume(&self) {
        self.manager().resume(JOB, &*self.ids).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Has a language made anew, for the so-manieth time.
    pub async fn regenerate(&self, tag: &str, request: u32) {
        self.give(DubbingCommand::Regenerate { language: language(tag), from: None, request }).await;
    }

    /// Asks for more languages.
    pub async fn ask_for(&self, languages: &[&str]) {
        self.give(DubbingCommand::RequestTracks { tracks: requests(languages), delivery: None }).await;
    }

    /// Gives the dubbing a command.
    pub async fn give(&self, command: DubbingCommand) {
        self.give_to(JOB, command).await;
    }

    /// Gives the dubbing a command of somebody.
    pub async fn give_as(&self, command: DubbingCommand, meta: &CommandMeta) {
        let given = self.aggregates.execute::<Dubbing>(&StreamId::Dubbing(JOB), command, meta).await;
        given.unwrap_or_else(|error| panic!("{error}"));
    }

    /// What attempts said about their traces.
    pub fn traces(&self) -> &Noted {
        &self.traces
    }

    async fn give_to(&self, id: DubbingId, command: DubbingCommand) {
        let meta = CommandMeta::fresh("test", self.ids.next());
        let given = self.aggregates.execute::<Dubbing>(&StreamId::Dubbing(id), command, &meta).await;
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
                DomainEvent::Asset(_)
                | DomainEvent::Project(_)
                | DomainEvent::Glossary(_)
                | DomainEvent::Tenancy(_) => return None,
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

    /// A stage of the flow (in Spanish, when it is a track's).
    pub async fn cell(&self, stage: Stage) -> Cell {
        self.flow(stage).await.cell(stage)
    }

    /// Waits until a stage hangs.
    pub async fn until_hanging(&self) {
        while self.script.hanging.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Who drives it.
    pub fn manager(&self) -> ProcessManager {
        ProcessManager {
            under: None,
            aggregates: Arc::clone(&self.aggregates),
            queue: Arc::clone(&self.queue),
            clock: self.clock.clone(),
        }
    }

    fn workers(&self) -> JoinSet<Result<(), StageError>> {
        let worker = self.worker();
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            let worker = worker.clone();
            let stop = self.stopper.signal();
            workers.spawn(async move { worker.run(&stop).await });
        }
        workers
    }

    fn worker(&self) -> Worker {
        let kit = StageKit {
            aggregates: Arc::clone(&self.aggregates),
            blobs: Arc::clone(&self.blobs),
            memos: Arc::new(MemoryMemoStore::new(Arc::new(MemoryKeyVault::new(1)))),
            ids: self.ids.clone(),
            cores: 2,
        };
        let told = || {
            TABLE.iter().fold(Handlers::default(), |handlers, row| {
                let told = Told { stage: row.stage, script: Arc::clone(&self.script) };
                match row.scope {
                    Scope::Dubbing => handlers.dubbing(row.stage, told),
                    Scope::Track => handlers.track(row.stage, told),
                }
            })
        };
        let handlers = self.handlers.clone().unwrap_or_else(told);
        let (queue, clock, traces) = (Arc::clone(&self.queue), self.clock.clone(), self.traces.clone());
        Worker { queue, handlers, kit, clock, traces, lease: LEASE, room: self.room.clone() }
    }
}

fn stream_of(stage: Stage) -> StreamId {
    match TABLE.iter().find(|row| row.stage == stage).map(|row| row.scope) {
        Some(Scope::Track) => StreamId::Track(TrackId { dubbing: JOB, language: language("es") }),
        Some(Scope::Dubbing) | None => StreamId::Dubbing(JOB),
    }
}
