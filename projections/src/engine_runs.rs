//! Engine runs: one row per attempt at a stage. Which engines took how long, and what came of it.

use crate::{
    projection::{Beside, Projection, Touched},
    row::{job_of, language_of, number, or_blank, set},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId},
    read_store::{Row, RowKey, Table},
};
use domain::{
    dubbing::DubbingEvent,
    flow::{Fence, FlowEvent, SKIPPED_BY_OPERATOR},
    track::TrackEvent,
    value::Producer,
};
use serde_json::json;

/// One row per stream, stage, run and attempt.
///
/// `state` is one of `requested`, `started`, `completed`, `failed`, `lost`, `released` (given back unfinished),
/// `skipped`. `language` is empty for stages of the dubbing. `engines` holds names and versions, `earshot 1.2, pocketsphinx 5.0`.
pub static TABLE: Table = Table {
    name: "engine_runs",
    key: &["stream", "stage", "run", "attempt"],
    columns: &[
        "stream",
        "stage",
        "run",
        "attempt",
        "tenant",
        "job_id",
        "language",
        "state",
        "engines",
        "requested_at",
        "started_at",
        "ended_at",
        "retry_at",
        "wall_ms",
        "made",
        "reused",
        "error_code",
    ],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct EngineRuns;

impl Projection for EngineRuns {
    fn name(&self) -> &'static str {
        "engine_runs"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        let Some(fence) = flow_event(event).and_then(fence) else {
            return Touched::none();
        };
        let stream = event.stream.to_string();
        Touched::one(vec![json!(stream), json!(fence.stage.name()), json!(fence.run), json!(fence.attempt)])
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        stream.dubbing().map(|_| vec![json!(stream.to_string())])
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, _: &Beside<'_>) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        set(&mut row, "tenant", event.tenant.0.as_str());
        set(&mut row, "job_id", job_of(&event.stream));
        set(&mut row, "language", language_of(&event.stream));
        if let Some(happened) = flow_event(event) {
            flow(&mut row, event, happened);
        }
        Some(row)
    }
}

fn flow_event(event: &Recorded) -> Option<&FlowEvent> {
    match &event.event {
        DomainEvent::Dubbing(DubbingEvent::Flow(happened)) | DomainEvent::Track(TrackEvent::Flow(happened)) => {
            Some(happened)
        }
        DomainEvent::Dubbing(_) | DomainEvent::Track(_) => None,
        DomainEvent::Asset(_) | DomainEvent::Project(_) | DomainEvent::Glossary(_) | DomainEvent::Tenancy(_) => None,
    }
}

/// The attempt that an event is about; `None` when it is about none in particular.
fn fence(happened: &FlowEvent) -> Option<Fence> {
    match happened {
        // The attempt ended before that, as its row says.
        FlowEvent::StageSkipped { engine, .. } if engine == SKIPPED_BY_OPERATOR => None,
        FlowEvent::StageRequested { fence, .. }
        | FlowEvent::StageStarted { fence }
        | FlowEvent::StageCompleted { fence, .. }
        | FlowEvent::StageFailed { fence, .. }
        | FlowEvent::StageLost { fence }
        | FlowEvent::StageReleased { fence }
        | FlowEvent::StageRetryScheduled { fence, .. }
        | FlowEvent::StageSkipped { fence, .. } => Some(*fence),
        FlowEvent::StageParked { .. }
        | FlowEvent::StageInherited { .. }
        | FlowEvent::StageReopened { .. }
        | FlowEvent::StageUndone { .. }
        | FlowEvent::FlowPaused { .. }
        | FlowEvent::FlowResumed
        | FlowEvent::FlowCompensated => None,
    }
}

fn flow(row: &mut Row, event: &Recorded, happened: &FlowEvent) {
    let now = event.recorded_at.to_string();
    match happened {
        FlowEvent::StageRequested { .. } => {
            set(row, "state", "requested");
            set(row, "requested_at", now);
        }
        FlowEvent::StageStarted { .. } => {
            set(row, "state", "started");
            set(row, "started_at", now);
        }
        FlowEvent::StageCompleted { summary, .. } => {
            end(row, "completed", now);
            set(row, "engines", engines(&summary.producers));
            set(row, "wall_ms", number(summary.wall_ms));
            set(row, "made", summary.made);
            set(row, "reused", summary.reused);
        }
        FlowEvent::StageFailed { failure, .. } => {
            end(row, "failed", now);
            set(row, "error_code", failure.code.as_str());
        }
        FlowEvent::StageLost { .. } => end(row, "lost", now),
        FlowEvent::StageReleased { .. } => end(row, "released", now),
        FlowEvent::StageSkipped { engine, .. } => {
            end(row, "skipped", now);
            set(row, "engines", engine.as_str());
        }
        FlowEvent::StageRetryScheduled { at, .. } => set(row, "retry_at", at.to_string()),
        FlowEvent::StageParked { .. }
        | FlowEvent::StageInherited { .. }
        | FlowEvent::StageReopened { .. }
        | FlowEvent::StageUndone { .. }
        | FlowEvent::FlowPaused { .. }
        | FlowEvent::FlowResumed
        | FlowEvent::FlowCompensated => {}
    }
}

fn end(row: &mut Row, state: &'static str, now: String) {
    set(row, "state", state);
    set(row, "ended_at", now);
}

fn engines(producers: &[Producer]) -> String {
    producers.iter().map(|producer| format!("{} {}", producer.engine, producer.version)).collect::<Vec<_>>().join(", ")
}
