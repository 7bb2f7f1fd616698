//! Measures of a made-up history, and the page that lists them.

use super::*;
use application::{
    admission::AdmissionLimits,
    aggregates::Aggregates,
    measured::{CallOutcome, EngineCalls},
    ports::{
        event_log::{Recorded, StreamId},
        work_queue::{Claim, Work},
    },
    process_manager::ProcessManager,
    room::RoomLimits,
    testing::{RecordedLog, story::Story},
};
use domain::{
    flow::{Failure, Fence, StageSummary, WorkId},
    value::DubbingId,
};
use std::collections::BTreeSet;
use uuid::Uuid;
use work_queue_memory::MemoryWorkQueue;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");

/// What is measured, over a history that may grow.
struct Rig {
    log: Arc<RecordedLog>,
    queue: Arc<dyn WorkQueue>,
    applied: watch::Sender<u64>,
    calls: CallMeasures,
    metrics: Metrics,
    measures: Measures,
}

impl Rig {
    /// Counts from this position on.
    fn over(history: Vec<Recorded>, position: u64) -> Self {
        let log = Arc::new(RecordedLog::new(history));
        let queue: Arc<dyn WorkQueue> = Arc::new(MemoryWorkQueue::new());
        let manager = ProcessManager {
            under: None,
            aggregates: Arc::new(Aggregates::new(log.clone())),
            queue: queue.clone(),
            clock: Arc::new(host::SystemClock),
        };
        let limits = AdmissionLimits { active_max: 1, queued_max: 1, retry_after: Duration::from_secs(1) };
        let (applied, seen) = watch::channel(position);
        let (calls, metrics) = (CallMeasures::default(), Metrics::default());
        let sources = Sources {
            log: log.clone(),
            queue: queue.clone(),
            room: Room::new(RoomLimits { memory_bytes: Some(1 << 30), ..RoomLimits::default() }),
            slots: 3,
            admission: Admission::new(Arc::new(manager), limits),
            meter: Arc::default(),
            calls: calls.clone(),
            applied: seen,
            parked: Arc::new(|| 3),
        };
        let measures = Measures::new(sources, &metrics, position);
        Self { log, queue, applied, calls, metrics, measures }
    }

    /// All of it, as it is scraped.
    async fn text(&self) -> String {
        self.measures.look().await.expect("the log can be read");
        self.metrics.open_metrics().expect("a text")
    }
}

/// Events of a flow; the first one has this position.
fn history(first: u64, flow: impl IntoIterator<Item = FlowEvent>) -> Vec<Recorded> {
    let story = Story::of_events(1, 1, 1);
    let model = story.events().first().expect("an event");
    let numbered = flow.into_iter().zip(first..);
    numbered
        .map(|(event, position)| Recorded {
            position,
            event: DomainEvent::Dubbing(DubbingEvent::Flow(event)),
            ..model.clone()
        })
        .collect()
}

fn fence(stage: Stage, attempt: u32) -> Fence {
    Fence { stage, run: 1, attempt }
}

fn completed(stage: Stage, wall_ms: u64, made: u32, reused: u32) -> FlowEvent {
    let summary = StageSummary { wall_ms, made, reused, ..StageSummary::default() };
    FlowEvent::StageCompleted { fence: fence(stage, 1), summary }
}

fn failed(stage: Stage, attempt: u32) -> FlowEvent {
    let failure = Failure { code: "engine-failed".to_owned(), message: "it failed".to_owned(), permanent: false };
    FlowEvent::StageFailed { fence: fence(stage, attempt), failure }
}

#[track_caller]
fn check(text: &str, sample: &str) {
    assert!(text.lines().any(|line| line == format!("dragoman_{sample}")), "{sample} in\n{text}");
}

#[tokio::test]
async fn stages_are_counted_from_the_log_each_event_once() {
    let before = history(1, [completed(Stage::Mix, 9_000, 9, 9)]);
    let rig = Rig::over(before, 1);
    assert!(!rig.text().await.contains("stage_runs_total{"), "what was before the start is not counted");
    rig.log.push(history(
        2,
        [
            completed(Stage::Mix, 2_500, 3, 1),
            failed(Stage::Mix, 1),
            failed(Stage::Mix, 2),
            FlowEvent::StageLost { fence: fence(Stage::Mux, 1) },
            FlowEvent::StageReleased { fence: fence(Stage::Mux, 2) },
        ],
    ));
    for _ in 0..2 {
        let text = rig.text().await;
        check(&text, r#"stage_runs_total{stage="mix",outcome="completed"} 1"#);
        check(&text, r#"stage_runs_total{stage="mix",outcome="failed"} 2"#);
        check(&text, r#"stage_runs_total{stage="mux",outcome="lost"} 1"#);
        check(&text, r#"stage_runs_total{stage="mux",outcome="released"} 1"#);
        check(&text, r#"stage_duration_seconds_sum{stage="mix"} 2.5"#);
        check(&text, r#"stage_duration_seconds_count{stage="mix"} 1"#);
        check(&text, r#"stage_results_total{stage="mix",from="made"} 3"#);
        check(&text, r#"stage_results_total{stage="mix",from="reused"} 1"#);
        check(&text, "log_position 6");
        check(&text, "log_checked_position 6");
        check(&text, "projection_parked_keys 3");
        check(&text, "projection_lag_events 5");
    }
    rig.applied.send_replace(6);
    check(&rig.text().await, "projection_lag_events 0");
}

#[tokio::test]
async fn calls_of_engines_are_told_by_stage_engine_and_end() {
    let rig = Rig::over(vec![], 0);
    for (outcome, ms) in [(CallOutcome::Done, 250), (CallOutcome::Done, 500), (CallOutcome::Failed, 40)] {
        rig.calls.ended("synthesise", "espeak-ng", outcome, Duration::from_millis(ms));
    }
    let text = rig.text().await;
    let labels = r#"stage="synthesise",engine="espeak-ng",outcome="done""#;
    check(&text, &format!("engine_call_duration_seconds_count{{{labels}}} 2"));
    check(&text, &format!("engine_call_duration_seconds_sum{{{labels}}} 0.75"));
    check(&text, &format!("engine_call_duration_seconds_bucket{{le=\"0.3\",{labels}}} 1"));
    let labels = labels.replace("done", "failed");
    check(&text, &format!("engine_call_duration_seconds_count{{{labels}}} 1"));
}

#[tokio::test]
async fn the_queue_is_told_by_stage() {
    let rig = Rig::over(vec![], 0);
    for number in 1..=3 {
        let (id, dubbing) = (WorkId(Uuid::from_u128(number)), DubbingId(Uuid::from_u128(number)));
        let work =
            Work { id, stream: StreamId::Dubbing(dubbing), fence: fence(Stage::Ingest, 1), claim: Claim::default() };
        rig.queue.publish(work).await.expect("room");
    }
    rig.queue.pull(Duration::from_secs(30)).await.expect("work");
    let text = rig.text().await;
    check(&text, r#"queue_depth{stage="ingest",state="ready"} 2"#);
    check(&text, r#"queue_depth{stage="ingest",state="leased"} 1"#);
    check(&text, r#"queue_depth{stage="mix",state="ready"} 0"#);
    check(&text, r#"dubbings{state="active"} 0"#);
}

/// Names that a page lists, in the first cell of a row.
fn listed(page: &str) -> BTreeSet<String> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `dragoman_")?.split_once('`'));
    cells.map(|(name, _)| format!("dragoman_{}", name.trim_end_matches("_total"))).collect()
}

#[tokio::test]
async fn the_page_for_operators_lists_every_measure() {
    let rig = Rig::over(vec![], 0);
    rig.log.push(history(1, [completed(Stage::Mix, 1, 1, 1)]));
    rig.calls.ended("mix", "ducking", CallOutcome::Done, Duration::ZERO);
    let text = rig.text().await;
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let mut told: BTreeSet<String> = types.map(|(name, _)| name.to_owned()).collect();
    // It has no line as long as nobody has asked for anything.
    told.insert("dragoman_http_request_duration_seconds".to_owned());
    let page = std::fs::read_to_string(PAGE).expect("the page");
    assert_eq!(listed(&page), told);
}
