//! The flow by itself: jobs whose stages do nothing, so that what is left is deciding, writing, handing out and reporting.

use super::{
    Scratch,
    figures::{Figure, percentile},
    memory,
    noop::{NOOP_STAGES, handlers, start},
};
use crate::{
    cli::{bench::FlowArgs, complain},
    exit::{Exit, Failure},
    wiring::bench_flow::{MeasuredFlow, Stopwatch},
};
use application::{
    admission::{Admission, AdmissionLimits, Beginning},
    aggregates::{Aggregates, CommandMeta},
    crew::{Crew, CrewParts},
    ports::{
        clock::Ids,
        event_log::{DomainEvent, EventLog, StreamId},
    },
    process_manager::ProcessManager,
    room::Room,
    stages::handler::StageKit,
    worker::{LEASE, Worker},
};
use domain::{
    dubbing::{Dubbing, DubbingCommand, DubbingEvent},
    flow::FlowEvent,
    track::TrackEvent,
    value::DubbingId,
};
use host::{RandomIds, SystemClock};
use std::{sync::Arc, time::Duration};
use telemetry::OtelTraces;
use tokio::time::{Instant, sleep};

/// Jobs that are driven alone, one after the other.
const LONE: u64 = 50;
/// So many jobs tell whether memory stays as it is.
const MANY: u64 = 10_000;
/// Jobs by which it is seen whether twice the slots do twice the work.
const SCALED: u64 = 32;
/// How long an engine takes there, which is short for one, and how many slots one machine has.
const SLEEP: Duration = Duration::from_millis(100);
const SLOTS: usize = 8;
/// Events read in one go.
const PAGE: usize = 4_096;
/// Longest time without an end of any job.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at how many jobs have ended.
const LOOK: Duration = Duration::from_millis(1);

/// What was measured.
pub struct Measured {
    /// Figure by figure.
    pub figures: Vec<Figure>,
    /// Stage transitions a second by those of the yardstick, where there is one.
    pub ratio: Option<f64>,
}

/// Measures the flow on a log and a queue of its own.
pub async fn run(args: &FlowArgs) -> Result<Measured, Failure> {
    let scratch = Scratch::make(args.scratch.as_deref())?;
    let folder = scratch.folder("flow")?;
    let place = MeasuredFlow::make(args.backend, &folder)?;
    let limits = args.backend.limits();
    complain("measuring: the yardstick");
    let yardstick = place.yardstick().await?;
    let mut figures: Vec<Figure> = yardstick.iter().map(|(than, rate)| Figure::told(*than, *rate, "/s")).collect();
    complain("measuring: one job at a time");
    let bench = Bench { place: &place, at_once: args.at_once };
    let lone = bench.drive(LONE, 1, Duration::ZERO, args.workers).await?;
    let per_stage = lone.took.as_secs_f64() * 1_000.0 / (LONE * NOOP_STAGES) as f64;
    figures.push(Figure::below_any("a job alone: each stage", per_stage, "ms", limits.lone_ms));
    complain(&format!("measuring: {} jobs, {} at a time", args.jobs, args.at_once));
    let early = bench.drive((args.jobs / 10).max(1), args.at_once, Duration::ZERO, args.workers).await?;
    // After the events of the tenth were counted, which takes more memory than jobs do.
    let before = memory::bytes_of(std::process::id())?;
    let crowd = bench.drive(args.jobs, args.at_once, Duration::ZERO, args.workers).await?;
    // What is kept is full after about a thousand jobs: with fewer in the tenth before, it still fills.
    let growth_max = (args.jobs >= MANY).then_some(1.1);
    let seconds = crowd.took.as_secs_f64();
    let per_second = crowd.transitions as f64 / seconds;
    figures.extend([
        Figure::told("jobs finished", args.jobs as f64 / seconds, "/s"),
        Figure::told("stages finished", (args.jobs * NOOP_STAGES) as f64 / seconds, "/s"),
        Figure::at_least("stage transitions", per_second, "/s", limits.transitions),
        Figure::told("the same in the tenth before", early.transitions as f64 / early.took.as_secs_f64(), "/s"),
        Figure::told("events", crowd.events as f64 / seconds, "/s"),
        Figure::below("committed → worker has it, alone: p50", percentile(&lone.waits_ms, 50.0), "ms", limits.wait_ms),
        Figure::told("committed → worker has it, alone: p99", percentile(&lone.waits_ms, 99.0), "ms"),
        Figure::told("committed → worker has it, in the crowd: p50", percentile(&crowd.waits_ms, 50.0), "ms"),
        Figure::told("memory before them", before as f64 / f64::from(1 << 20), "MiB"),
        Figure::below_any("memory at their end, of that", crowd.memory as f64 / before as f64, "×", growth_max),
    ]);
    complain("measuring: engines that take their time, on one machine's slots and on two");
    let one = bench.drive(SCALED, args.at_once, SLEEP, SLOTS).await?.took.as_secs_f64();
    let two = bench.drive(SCALED, args.at_once, SLEEP, SLOTS * 2).await?.took.as_secs_f64();
    figures.push(Figure::at_least("throughput of twice the slots, of once", one / two, "×", 1.8));
    place.check().await?;
    Ok(Measured { figures, ratio: yardstick.map(|(_, rate)| per_second / rate) })
}

struct Bench<'a> {
    place: &'a MeasuredFlow,
    at_once: usize,
}

/// How so many jobs went.
struct Driven {
    took: Duration,
    events: u64,
    /// Changes of a stage's phase that the log has: asked for, begun, finished.
    transitions: u64,
    /// What the process occupied at their end, in bytes.
    memory: u64,
    /// From the commit of a request to the worker that has it.
    waits_ms: Vec<f64>,
}

impl Bench<'_> {
    /// Drives jobs to their end, so many at a time, by so many workers.
    async fn drive(&self, jobs: u64, at_once: usize, sleep_for: Duration, workers: usize) -> Result<Driven, Failure> {
        let watch = Arc::new(Stopwatch::default());
        let log = self.place.log().await?;
        let log: Arc<dyn EventLog> = watch.of_log(log);
        let queue = watch.of_queue(self.place.queue().await?);
        let first = log.head().await?;
        let aggregates = Arc::new(Aggregates::new(Arc::clone(&log)));
        let (ids, clock) = (Arc::new(RandomIds), Arc::new(SystemClock));
        let manager = ProcessManager {
            aggregates: Arc::clone(&aggregates),
            queue: Arc::clone(&queue),
            clock: clock.clone(),
            under: None,
        };
        let limits = AdmissionLimits { active_max: at_once, queued_max: self.at_once, retry_after: LOOK };
        let admission = Admission::new(Arc::new(manager), limits);
        let kit = StageKit {
            aggregates: Arc::clone(&aggregates),
            blobs: self.place.blobs()?,
            memos: self.place.memos().await?,
            ids: ids.clone(),
            cores: 1,
        };
        let (handlers, traces) = (handlers(sleep_for), Arc::new(OtelTraces));
        let worker = Worker { queue, handlers, kit, clock, traces, lease: LEASE, room: Room::unbounded() };
        let parts = CrewParts { admission: Arc::clone(&admission), worker, workers, beside: vec![] };
        let (crew, mut troubles) = Crew::start(parts, Arc::new(Beginning { unfinished: vec![], after: first }));
        let began = Instant::now();
        let all = async {
            for _ in 0..jobs {
                begin(&aggregates, &admission, DubbingId(ids.next())).await?;
            }
            let mut since = Instant::now();
            let mut left = usize::MAX;
            loop {
                let depth = admission.depth();
                let now = depth.active + depth.waiting + depth.backing_off + depth.reserved;
                if now == 0 {
                    return Ok(());
                }
                if now != left {
                    (left, since) = (now, Instant::now());
                } else if since.elapsed() > PATIENCE {
                    return Err(Failure::new(Exit::Internal, format!("{now} jobs do not come to their end")));
                }
                sleep(LOOK).await;
            }
        };
        tokio::select! {
            ended = all => ended?,
            Some(trouble) = troubles.recv() => return Err(Failure::internal(&trouble)),
        }
        let took = began.elapsed();
        let memory = memory::bytes_of(std::process::id())?;
        drop(crew);
        let (events, transitions, finished) = counted(&*log, first).await?;
        if finished != jobs {
            return Err(Failure::new(Exit::Internal, format!("{finished} jobs of {jobs} are finished")));
        }
        Ok(Driven { took, events, transitions, memory, waits_ms: watch.waits_ms() })
    }
}

/// Begins a job as soon as there is a place.
async fn begin(aggregates: &Aggregates, admission: &Arc<Admission>, id: DubbingId) -> Result<(), Failure> {
    let place = loop {
        match admission.reserve() {
            Ok(place) => break place,
            Err(busy) => sleep(busy.retry_after).await,
        }
    };
    let (command, meta) = (DubbingCommand::Start(Box::new(start()?)), CommandMeta::fresh("bench", id.0));
    let begun = aggregates.begin::<Dubbing>(&StreamId::Dubbing(id), command, &meta).await;
    begun.map_err(|error| Failure::internal(&error))?;
    place.fill(id).await;
    Ok(())
}

/// Events since a position, transitions among them, and jobs that were finished.
async fn counted(log: &dyn EventLog, mut after: u64) -> Result<(u64, u64, u64), Failure> {
    let (mut events, mut transitions, mut finished) = (0, 0, 0);
    loop {
        let page = log.read_log(after, PAGE).await?;
        if page.events.is_empty() {
            return Ok((events, transitions, finished));
        }
        for recorded in &page.events {
            events += 1;
            match &recorded.event {
                DomainEvent::Dubbing(DubbingEvent::Flow(flow)) | DomainEvent::Track(TrackEvent::Flow(flow)) => {
                    transitions += u64::from(is_transition(flow));
                }
                DomainEvent::Dubbing(DubbingEvent::VideoGenerationCompleted { .. }) => finished += 1,
                _ => {}
            }
        }
        after = page.scanned_to;
    }
}

fn is_transition(flow: &FlowEvent) -> bool {
    matches!(flow, FlowEvent::StageRequested { .. } | FlowEvent::StageStarted { .. } | FlowEvent::StageCompleted { .. })
}
