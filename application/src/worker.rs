//! The worker: takes work from the queue, runs the stage's handler, reports to the log.
//!
//! The log is the truth: work is acknowledged to the queue only after the log has accepted its
//! outcome, and the log accepts it only for the attempt that it waits for. A worker knows no stage:
//! it looks handlers up.
//!
//! While a handler runs, its worker watches the log: as soon as the attempt is no longer wanted (paused,
//! called off, superseded) the handler is dropped and its children end with it. Facts that it has reported stay.

use crate::{
    aggregates::CommandMeta,
    flows::{flow_of, give_flow},
    gate::{GIVEN_BACK, Gate},
    ports::{
        blob_store::BlobError,
        child::ChildMemory,
        clock::Clock,
        engine::EngineError,
        event_log::StreamId,
        trace::{TraceContext, Traces},
        work_queue::{Delivery, Work, WorkQueue},
    },
    room::Room,
    stages::{
        handler::{Attempt, Done, DubbingJob, DubbingStage, StageError, StageKit, TrackJob, TrackStage},
        scratch::Scratch,
    },
    stop::{StopSignal, Stopping},
};
use domain::{
    dubbing::{Dubbing, DubbingCommand},
    flow::{Failure, Fence, FlowCommand, Stage, StageSummary},
    track::{Track, TrackCommand},
    value::Timestamp,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tracing::{Instrument, Span, field};

/// How long a worker may be silent before its work is handed to another.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often it says that it is alive while a lease runs.
pub const HEARTBEATS: u32 = 3;
/// Longest time between two looks at whether the attempt is still wanted: wake-ups are hints.
const POLL: Duration = Duration::from_millis(500);
/// Shortest time between two such looks: a busy log wakes everybody at each append. What was called off goes on for as
/// long at most.
const LOOK_GAP: Duration = Duration::from_millis(100);
/// First pause before another try; doubled each time, plus up to as much again at random.
pub const BACK_OFF_MS: u64 = 500;
/// How often the pause is doubled at most.
pub const BACK_OFF_DOUBLINGS_MAX: u32 = 6;

/// Who does which stage.
#[derive(Clone, Default)]
pub struct Handlers {
    handlers: BTreeMap<Stage, Handler>,
}

#[derive(Clone)]
enum Handler {
    Dubbing(Arc<dyn DubbingStage>),
    Track(Arc<dyn TrackStage>),
}

impl Handlers {
    /// Registers the handler of a stage of the dubbing.
    #[must_use]
    pub fn dubbing(mut self, stage: Stage, handler: impl DubbingStage + 'static) -> Self {
        self.handlers.insert(stage, Handler::Dubbing(Arc::new(handler)));
        self
    }

    /// Registers the handler of a stage of a track.
    #[must_use]
    pub fn track(mut self, stage: Stage, handler: impl TrackStage + 'static) -> Self {
        self.handlers.insert(stage, Handler::Track(Arc::new(handler)));
        self
    }

    /// The stages that somebody does.
    pub fn stages(&self) -> impl Iterator<Item = Stage> + '_ {
        self.handlers.keys().copied()
    }
}

/// Takes work and does it, one at a time; start several for several at a time.
#[derive(Clone)]
pub struct Worker {
    /// Where work comes from.
    pub queue: Arc<dyn WorkQueue>,
    /// Who does it.
    pub handlers: Handlers,
    /// What handlers work with.
    pub kit: StageKit,
    /// For measuring and for retry times.
    pub clock: Arc<dyn Clock>,
    /// How long it may be silent before its work is handed to another; [`LEASE`] unless somebody wants it otherwise.
    pub lease: Duration,
    /// Ties attempts to the traces of those who asked for them.
    pub traces: Arc<dyn Traces>,
    /// What there is room for at a time.
    pub room: Room,
}

/// What became of a command of an attempt.
enum Verdict {
    Accepted,
    Superseded,
}

/// How an attempt ended, as its span tells it.
enum Ended {
    /// Completed or skipped.
    Done,
    /// Nobody waited for it any more.
    Superseded,
    /// An earlier handing-out of the same work was not finished.
    Lost,
    /// Given back.
    Released,
    /// Failed, which its span tells already.
    Failed,
}

impl Worker {
    /// Works until it is told to stop, or until the future is dropped; children of engines die with what is
    /// dropped. Told to stop, it takes nothing new, and gives back what is under way at its next safe point
    /// or at once. An error means that the log, the queue or the disk could not be used.
    pub async fn run(&self, stop: &StopSignal) -> Result<(), StageError> {
        let mut gate = Gate::default();
        loop {
            let (delivery, pass) = tokio::select! {
                biased;
                () = stop.reached(Stopping::AtSafePoint) => return Ok(()),
                pulled = self.queue.pull_through(&self.room, self.lease) => pulled?,
            };
            let receipt = delivery.receipt;
            if !gate.is_open(&self.kit.aggregates, delivery.work.fence.stage).await? {
                self.queue.release(receipt, GIVEN_BACK).await?;
                continue;
            }
            self.attempt(&delivery, stop).await?;
            drop(pass);
            self.queue.complete(receipt).await?;
        }
    }

    /// An attempt as logs and traces see it: whatever is said and recorded between its start and its report stands
    /// in one span.
    async fn attempt(&self, delivery: &Delivery, stop: &StopSignal) -> Result<(), StageError> {
        let (span, stage) = (self.span(&delivery.work), delivery.work.fence.stage);
        let (_at_work, memory) = (self.room.at_work(stage), Arc::new(ChildMemory::default()));
        let attempt = self.try_once(delivery, stop).instrument(span.clone());
        let ended = Arc::clone(&memory).of_children_in(attempt).await;
        let outcome = ended.as_ref().map_or("failed", Ended::name);
        span.record("outcome", outcome);
        self.room.ended(stage, outcome, memory.bytes());
        ended.map(|_| ()).inspect_err(|error| self.traces.fail(&span, &describe(error).code))
    }

    async fn try_once(&self, delivery: &Delivery, stop: &StopSignal) -> Result<Ended, StageError> {
        let work = &delivery.work;
        let was_handed_out = delivery.deliveries > 1;
        if was_handed_out {
            // An earlier lease ran out: that attempt is lost, and the process manager asks for another. What was given
            // back before it had begun is not lost: it begins now.
            self.flow(work, FlowCommand::Lose(work.fence)).await?;
        }
        if let Verdict::Superseded = self.flow(work, FlowCommand::Start(work.fence)).await? {
            return Ok(if was_handed_out { Ended::Lost } else { Ended::Superseded });
        }
        let began = self.clock.now();
        let scratch = Scratch::of(work.id, Arc::clone(&self.kit.blobs));
        let attempt = Attempt {
            stream: work.stream.clone(),
            fence: work.fence,
            scratch: Arc::clone(&scratch),
            kit: self.kit.clone(),
            stop: stop.clone(),
            traceparent: work.claim.traceparent.clone(),
        };
        let is_concluding = AtomicBool::new(false);
        let handling = self.handle(attempt, began, &is_concluding);
        tokio::pin!(handling);
        let outcome = tokio::select! {
            outcome = &mut handling => outcome,
            lost = self.stay_alive(delivery) => { lost?; Err(StageError::Superseded) }
            // Once its end is written nobody wants it either: then the log's answer tells which of the two it was.
            unwanted = self.until_unwanted(work) => match (unwanted?, is_concluding.load(Ordering::Relaxed)) {
                ((), true) => handling.await,
                ((), false) => Err(StageError::Stopped),
            },
            () = stop.reached(Stopping::AtOnce) => Err(StageError::Stopped),
        };
        let ended = match outcome {
            Ok(()) => Ok(Ended::Done),
            Err(StageError::Superseded) => Ok(Ended::Superseded),
            // Of an attempt that was called off nothing is waited for, and this changes nothing.
            Err(StageError::Stopped) => {
                self.flow(work, FlowCommand::Release(work.fence)).await.map(|_| Ended::Released)
            }
            Err(error) => self.report_failure(work, error).await,
        };
        scratch.clear().await?;
        ended
    }

    /// A child of the span that asked for the work.
    fn span(&self, work: &Work) -> Span {
        let Fence { stage, run, attempt } = work.fence;
        let (stream, correlation_id) = (&work.stream, work.stream.subject());
        let span = tracing::info_span!("stage", %stage, run, attempt, %stream, %correlation_id, outcome = field::Empty);
        let parent = work.claim.traceparent.as_deref().and_then(|text| TraceContext::parse(text).ok());
        if let Some(parent) = parent {
            self.traces.adopt(&span, &parent);
        }
        span
    }

    /// Returns when nobody wants the attempt any more.
    async fn until_unwanted(&self, work: &Work) -> Result<(), StageError> {
        let mut wakeups = self.kit.aggregates.log().wakeups();
        loop {
            // It was wanted when it began, and when this looked last.
            tokio::time::sleep(LOOK_GAP).await;
            // Whether it was a wake-up, a closed channel or time that passed: look at the log again.
            let _hint = tokio::time::timeout(POLL, wakeups.changed()).await;
            if !flow_of(&self.kit.aggregates, &work.stream).await?.wants(work.fence) {
                return Ok(());
            }
        }
    }

    /// Returns when the lease could not be extended any more.
    async fn stay_alive(&self, delivery: &Delivery) -> Result<(), StageError> {
        loop {
            tokio::time::sleep(self.lease / HEARTBEATS).await;
            if !self.queue.heartbeat(delivery.receipt, self.lease).await? {
                return Ok(());
            }
        }
    }

    /// Does the work and reports its end; `is_concluding` is set when only the report is left.
    async fn handle(&self, attempt: Attempt, began: Timestamp, is_concluding: &AtomicBool) -> Result<(), StageError> {
        let (stream, fence) = (attempt.stream.clone(), attempt.fence);
        let meta = self.meta(attempt.traceparent.clone());
        let handler = self.handlers.handlers.get(&fence.stage).ok_or(StageError::Absent("a handler of this stage"))?;
        let aggregates = &self.kit.aggregates;
        // The log has just accepted the start of this attempt, decided on the stream as it is kept here.
        match (handler, &stream) {
            (Handler::Dubbing(handler), StreamId::Dubbing(id)) => {
                let dubbing = aggregates.recent(&stream).await?.state;
                let done = handler.run(&DubbingJob { id: *id, dubbing, attempt }).await?;
                is_concluding.store(true, Ordering::Relaxed);
                let (command, facts) = self.conclude(fence, done, began);
                let command = match command {
                    FlowCommand::Complete { fence, summary, .. } => DubbingCommand::Complete { fence, facts, summary },
                    command => DubbingCommand::Flow(command),
                };
                Ok(aggregates.execute::<Dubbing>(&stream, command, &meta).await.map(|_| ())?)
            }
            (Handler::Track(handler), StreamId::Track(id)) => {
                let dubbing = aggregates.dubbing(attempt.dubbing()?).await?.state;
                let loaded = aggregates.recent::<Track>(&stream).await?;
                let revision = (loaded.revision, loaded.hash);
                let job = TrackJob { id: id.clone(), dubbing, track: loaded.state, revision, attempt };
                let done = handler.run(&job).await?;
                is_concluding.store(true, Ordering::Relaxed);
                let (command, facts) = self.conclude(fence, done, began);
                let command = match command {
                    FlowCommand::Complete { fence, summary, reopen } => {
                        TrackCommand::Complete { fence, facts, summary, reopen }
                    }
                    command => TrackCommand::Flow(command),
                };
                Ok(aggregates.execute::<Track>(&stream, command, &meta).await.map(|_| ())?)
            }
            (Handler::Dubbing(_) | Handler::Track(_), _) => {
                Err(StageError::Absent("a handler of this stage for this stream"))
            }
        }
    }

    fn conclude<E>(&self, fence: Fence, done: Done<E>, began: Timestamp) -> (FlowCommand, Vec<E>) {
        if let Some((engine, reason)) = done.skipped {
            return (FlowCommand::Skip { fence, engine, reason }, done.facts);
        }
        let wall_ms = self.clock.now().since_ms(began);
        let summary = StageSummary { wall_ms, producers: done.producers, made: done.made, reused: done.reused };
        (FlowCommand::Complete { fence, summary, reopen: done.reopen }, done.facts)
    }

    async fn report_failure(&self, work: &Work, error: StageError) -> Result<Ended, StageError> {
        let Work { stream, fence, .. } = work;
        if let StageError::Append(_) | StageError::Read(_) = error {
            // The log itself fails: there is nowhere to report to. The attempt is found lost later.
            return Err(error);
        }
        let failure = describe(&error);
        let code = failure.code.clone();
        // Before the log is: whoever drove the job may be gone as soon as it stands still.
        self.traces.fail(&Span::current(), &code);
        if let (StreamId::Dubbing(_), StageError::Engine(EngineError::Rejected { message, .. })) = (stream, &error) {
            tracing::info!(code, "the source was rejected");
            let command = DubbingCommand::RejectSource { fence: *fence, code: code.clone(), message: message.clone() };
            let meta = self.meta(work.claim.traceparent.clone());
            let outcome = self.kit.aggregates.execute::<Dubbing>(stream, command, &meta).await;
            return settle(outcome.map_err(StageError::from)).map(|()| Ended::Failed);
        }
        tracing::warn!(
            code,
            permanent = failure.permanent,
            error = &error as &dyn std::error::Error,
            "an attempt failed"
        );
        let retry_at = self.clock.now().plus_ms(self.back_off_ms(fence.attempt, &error));
        let reported = self.flow(work, FlowCommand::Fail { fence: *fence, failure, retry_at }).await;
        reported.map(|_| Ended::Failed)
    }

    fn back_off_ms(&self, attempt: u32, error: &StageError) -> u64 {
        if let StageError::Engine(EngineError::Transient { retry_after: Some(after), .. }) = error {
            return u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        }
        let base = BACK_OFF_MS << attempt.saturating_sub(1).min(BACK_OFF_DOUBLINGS_MAX);
        base + self.kit.ids.below(base)
    }

    /// A command to the flow of whichever aggregate the work's stream belongs to.
    async fn flow(&self, work: &Work, command: FlowCommand) -> Result<Verdict, StageError> {
        let meta = self.meta(work.claim.traceparent.clone());
        let outcome = give_flow(&self.kit.aggregates, &work.stream, command, &meta).await;
        match outcome {
            Ok(()) => Ok(Verdict::Accepted),
            Err(StageError::Superseded | StageError::Refused(_)) => Ok(Verdict::Superseded),
            Err(error) => Err(error),
        }
    }

    /// A command of a worker, in the trace of the work.
    fn meta(&self, traceparent: Option<String>) -> CommandMeta {
        CommandMeta::fresh("worker", self.kit.ids.next()).traced(traceparent)
    }
}

impl Ended {
    fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Superseded => "superseded",
            Self::Lost => "lost",
            Self::Released => "released",
            Self::Failed => "failed",
        }
    }
}

fn settle<T>(outcome: Result<T, StageError>) -> Result<(), StageError> {
    match outcome {
        Ok(_) | Err(StageError::Superseded | StageError::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The failure as it goes into the log: a stable code, a sentence, whether trying again is pointless.
fn describe(error: &StageError) -> Failure {
    let (code, permanent) = match error {
        StageError::Engine(EngineError::Missing { .. }) => ("engine-missing", true),
        StageError::Engine(EngineError::Rejected { code, .. }) => (*code, true),
        StageError::Engine(EngineError::Exhausted { .. }) | StageError::Blob(BlobError::OutOfRoom) => {
            ("disk-full", true)
        }
        StageError::Engine(EngineError::Transient { .. }) => ("engine-failed", false),
        StageError::Blob(_) => ("blob-store", false),
        StageError::Memo(_) => ("memo-store", false),
        StageError::Queue(_) => ("work-queue", false),
        StageError::Absent(_) => ("input-missing", true),
        StageError::Erased => ("erased", true),
        StageError::Refused(_) | StageError::Superseded | StageError::Stopped => ("refused", false),
        StageError::Append(_) | StageError::Read(_) => ("event-log", false),
    };
    Failure { code: code.to_owned(), message: error.to_string(), permanent }
}
