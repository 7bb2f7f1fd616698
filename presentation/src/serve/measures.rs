//! What `/metrics` tells besides requests: stages, engines, the queue, read models, the line of dubbings.
//!
//! Stages are counted from the log, from where it stood at the start: what is measured is what happened.

use crate::{engine_calls::CallMeasures, work};
use application::{
    admission::Admission,
    causes::with_causes,
    log_check::LogCheck,
    ports::{
        event_log::{DomainEvent, EventLog, ReadError, Recorded},
        meter::EngineMeter,
        work_queue::WorkQueue,
    },
    room::Room,
};
use domain::{
    dubbing::DubbingEvent,
    flow::{FlowEvent, Stage},
    track::TrackEvent,
};
use http_api::metrics::Metrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Mutex, watch};

/// How often gauges are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Events read in one go.
const PAGE: usize = 512;

/// Keeps the measures up to date.
#[derive(Clone)]
pub struct Measures {
    sources: Arc<Sources>,
    families: Families,
    /// Position up to which stages were counted.
    counted: Arc<AtomicU64>,
    check: Arc<Mutex<LogCheck>>,
}

/// What [`Measures`] looks at.
pub struct Sources {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// Where work waits.
    pub queue: Arc<dyn WorkQueue>,
    /// What there is room for at a time.
    pub room: Room,
    /// How much work is done at a time.
    pub slots: usize,
    /// Who is driven.
    pub admission: Arc<Admission>,
    /// How long engines were at work.
    pub meter: Arc<EngineMeter>,
    /// What they were asked.
    pub calls: CallMeasures,
    /// How far read models are.
    pub applied: watch::Receiver<u64>,
    /// How many of their keys are parked.
    pub parked: Arc<dyn Fn() -> usize + Send + Sync>,
}

#[derive(Clone)]
struct Families {
    runs: Family<Outcome, Counter>,
    seconds: Family<OfStage, Histogram, fn() -> Histogram>,
    results: Family<Made, Counter>,
    engine_seconds: Counter<f64, AtomicU64>,
    queue: Family<Waiting, Gauge>,
    dubbings: Family<Standing, Gauge>,
    position: Gauge,
    checked: Gauge,
    faults: Counter,
    lag: Gauge,
    parked: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStage {
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    stage: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Made {
    stage: &'static str,
    from: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Waiting {
    stage: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Standing {
    state: &'static str,
}

impl Measures {
    /// Registers everything; counts from `position` on.
    pub fn new(sources: Sources, metrics: &Metrics, position: u64) -> Self {
        let families = Families::new();
        let of = families.clone();
        metrics.register(|registry| {
            registry.register("stage_runs", "Attempts at stages that ended, by how", of.runs);
            registry.register("stage_duration_seconds", "Wall time of completed attempts", of.seconds);
            registry.register("stage_results", "Results of completed stages, made or taken over", of.results);
            let calls = sources.calls.seconds();
            registry.register("engine_call_duration_seconds", "Calls of engines, by how they ended", calls);
            registry.register("engine_busy_seconds", "Wall time with at least one engine at work", of.engine_seconds);
            registry.register("queue_depth", "Work in the queue", of.queue);
            registry.register("dubbings", "Dubbings that are driven or wait for it", of.dubbings);
            registry.register("log_position", "The last position of the event log", of.position);
            registry.register("log_checked_position", "Position up to which the log was checked", of.checked);
            registry.register("log_faults", "Holes, and events that do not follow what is before them", of.faults);
            registry.register("projection_lag_events", "Events that read models do not hold yet", of.lag);
            registry.register("projection_parked_keys", "Keys of read models that an event broke", of.parked);
        });
        work::measures::register(metrics, &sources.room, sources.slots);
        let check = Arc::new(Mutex::new(LogCheck::after(position, &*sources.log)));
        Self { sources: Arc::new(sources), families, counted: Arc::new(AtomicU64::new(position)), check }
    }

    /// Keeps on until something fails, and says what.
    pub async fn run(&self) -> String {
        loop {
            if let Err(error) = self.look().await {
                return with_causes(&error);
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn look(&self) -> Result<(), ReadError> {
        let head = self.count().await?;
        let families = &self.families;
        families.position.set(signed(head));
        families.parked.set(signed((self.sources.parked)() as u64));
        families.lag.set(signed(head.saturating_sub(*self.sources.applied.borrow())));
        let busy = self.sources.meter.busy().as_secs_f64();
        families.engine_seconds.inc_by((busy - families.engine_seconds.get()).max(0.0));
        let depth = self.sources.admission.depth();
        let states = [
            ("active", depth.active),
            ("waiting", depth.waiting),
            ("backing-off", depth.backing_off),
            ("reserved", depth.reserved),
        ];
        for (state, count) in states {
            families.dubbings.get_or_create(&Standing { state }).set(signed(count as u64));
        }
        // The queue of one process cannot fail; another one may, and its measures are then as they were.
        if let Ok(depths) = self.sources.queue.depth().await {
            for row in &domain::flow::TABLE {
                let depth = depths.get(&row.stage).copied().unwrap_or_default();
                let stage = row.stage.name();
                for (state, count) in [("ready", depth.ready), ("delayed", depth.delayed), ("leased", depth.leased)] {
                    families.queue.get_or_create(&Waiting { stage, state }).set(signed(count as u64));
                }
            }
        }
        Ok(())
    }

    /// Counts what has happened since; gives the last position.
    async fn count(&self) -> Result<u64, ReadError> {
        loop {
            let page = self.sources.log.read_log(self.counted.load(Ordering::Relaxed), PAGE).await?;
            self.check(&page.events).await?;
            page.events.iter().filter_map(flow_of).for_each(|event| self.families.count(event));
            self.counted.store(page.scanned_to, Ordering::Relaxed);
            if page.events.len() < PAGE {
                return Ok(page.head);
            }
        }
    }
}

impl Measures {
    /// Whether what was appended follows what was there.
    async fn check(&self, events: &[Recorded]) -> Result<(), ReadError> {
        let mut check = self.check.lock().await;
        for fault in check.look(&*self.sources.log, events).await? {
            tracing::error!(fault, "the event log is damaged; `dragoman log verify` says more");
            self.families.faults.inc();
        }
        self.families.checked.set(signed(check.position()));
        Ok(())
    }
}

impl Families {
    fn new() -> Self {
        Self {
            runs: Family::default(),
            seconds: Family::new_with_constructor(buckets),
            results: Family::default(),
            engine_seconds: Counter::default(),
            queue: Family::default(),
            dubbings: Family::default(),
            position: Gauge::default(),
            checked: Gauge::default(),
            faults: Counter::default(),
            lag: Gauge::default(),
            parked: Gauge::default(),
        }
    }

    fn count(&self, event: &FlowEvent) {
        let ended = |stage: Stage, outcome| {
            self.runs.get_or_create(&Outcome { stage: stage.name(), outcome }).inc();
        };
        match event {
            FlowEvent::StageCompleted { fence, summary } => {
                ended(fence.stage, "completed");
                let stage = fence.stage.name();
                self.seconds.get_or_create(&OfStage { stage }).observe(summary.wall_ms as f64 / 1_000.0);
                self.results.get_or_create(&Made { stage, from: "made" }).inc_by(summary.made.into());
                self.results.get_or_create(&Made { stage, from: "reused" }).inc_by(summary.reused.into());
            }
            FlowEvent::StageFailed { fence, .. } => ended(fence.stage, "failed"),
            FlowEvent::StageLost { fence } => ended(fence.stage, "lost"),
            FlowEvent::StageReleased { fence } => ended(fence.stage, "released"),
            FlowEvent::StageSkipped { fence, .. } => ended(fence.stage, "skipped"),
            FlowEvent::StageParked { stage, .. } => ended(*stage, "parked"),
            FlowEvent::StageRequested { .. }
            | FlowEvent::StageStarted { .. }
            | FlowEvent::StageInherited { .. }
            | FlowEvent::StageRetryScheduled { .. }
            | FlowEvent::StageReopened { .. }
            | FlowEvent::StageUndone { .. }
            | FlowEvent::FlowPaused { .. }
            | FlowEvent::FlowResumed
            | FlowEvent::FlowCompensated => {}
        }
    }
}

fn flow_of(event: &Recorded) -> Option<&FlowEvent> {
    match &event.event {
        DomainEvent::Dubbing(DubbingEvent::Flow(flow)) | DomainEvent::Track(TrackEvent::Flow(flow)) => Some(flow),
        DomainEvent::Dubbing(_) | DomainEvent::Track(_) => None,
        DomainEvent::Asset(_) | DomainEvent::Project(_) | DomainEvent::Glossary(_) | DomainEvent::Tenancy(_) => None,
    }
}

/// From a tenth of a second to an hour and a half.
fn buckets() -> Histogram {
    Histogram::new([0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 90.0, 300.0, 900.0, 1_800.0, 5_400.0])
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
