//! Parked stages: one row per stage that is out of attempts, for as long as it is. What an operator has to see to.
//!
//! What was wrong, in words, and how often it was tried stand in the state of the flow.

use crate::{
    projection::{Beside, Projection, Touched, by_job_and_language},
    row::{job_of, language_of, or_blank, set},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId},
    read_store::{Row, RowKey, Table},
};
use domain::{
    dubbing::DubbingEvent,
    flow::{FlowEvent, SKIPPED_BY_OPERATOR, Stage, scope_of, with_followers},
    track::TrackEvent,
};
use serde_json::{Value, json};

/// One row per dubbing, target language and stage. `language` is empty for stages of the dubbing, `code` says why it is
/// parked, `parked_at` since when.
pub static TABLE: Table = Table {
    name: "parked_stages",
    key: &["job_id", "language", "stage"],
    columns: &["job_id", "language", "stage", "tenant", "code", "parked_at"],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParkedStages;

/// What an event means here.
enum Step<'a> {
    /// A stage is parked.
    Parked(Stage, &'a str),
    /// This stage of the stream is not parked any more.
    Passed(Stage),
    /// Neither are this stage and all that follow from it.
    Anew(Stage),
    /// Nothing of the stream is.
    GoesOn,
    /// Nothing of the dubbing is, whichever language.
    Over,
}

impl Projection for ParkedStages {
    fn name(&self) -> &'static str {
        "parked_stages"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        let of_stream = || vec![job_of(&event.stream), json!(language_of(&event.stream))];
        match step(&event.event) {
            None => Touched::none(),
            Some(Step::Parked(stage, _) | Step::Passed(stage)) => {
                Touched::one([of_stream(), vec![json!(stage.name())]].concat())
            }
            Some(Step::Anew(_) | Step::GoesOn) => Touched::beneath(of_stream()),
            Some(Step::Over) => Touched::beneath(vec![job_of(&event.stream)]),
        }
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        by_job_and_language(stream)
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, _: &Beside<'_>) -> Option<Row> {
        match step(&event.event) {
            None => row,
            Some(Step::Parked(_, code)) => {
                let mut row = or_blank(row, &TABLE, key);
                set(&mut row, "tenant", event.tenant.0.as_str());
                set(&mut row, "code", code);
                set(&mut row, "parked_at", event.recorded_at.to_string());
                Some(row)
            }
            Some(Step::Anew(first)) => row.filter(|_| !is_among(key, first)),
            Some(Step::Passed(_) | Step::GoesOn | Step::Over) => None,
        }
    }
}

/// Whether the row of a key is of this stage or of one that follows from it.
fn is_among(key: &RowKey, first: Stage) -> bool {
    let named = key.get(2).and_then(Value::as_str).and_then(|name| name.parse().ok());
    named.is_some_and(|stage: Stage| with_followers(scope_of(first), first).contains(&stage))
}

/// What an event means here; `None` when nothing.
fn step(event: &DomainEvent) -> Option<Step<'_>> {
    match event {
        DomainEvent::Dubbing(DubbingEvent::VideoGenerationFailed { .. } | DubbingEvent::VideoGenerationCancelled) => {
            Some(Step::Over)
        }
        DomainEvent::Track(TrackEvent::TrackWithdrawn) => Some(Step::GoesOn),
        DomainEvent::Dubbing(DubbingEvent::Flow(happened)) | DomainEvent::Track(TrackEvent::Flow(happened)) => {
            of_flow(happened)
        }
        DomainEvent::Dubbing(_) | DomainEvent::Track(_) => None,
        DomainEvent::Asset(_) | DomainEvent::Project(_) | DomainEvent::Glossary(_) | DomainEvent::Tenancy(_) => None,
    }
}

fn of_flow(happened: &FlowEvent) -> Option<Step<'_>> {
    match happened {
        FlowEvent::StageParked { stage, code } => Some(Step::Parked(*stage, code)),
        FlowEvent::StageSkipped { fence, engine, .. } if engine == SKIPPED_BY_OPERATOR => {
            Some(Step::Passed(fence.stage))
        }
        FlowEvent::StageReopened { stage } => Some(Step::Anew(*stage)),
        FlowEvent::FlowResumed => Some(Step::GoesOn),
        // None of these is of a stage that is parked.
        FlowEvent::StageRequested { .. }
        | FlowEvent::StageStarted { .. }
        | FlowEvent::StageCompleted { .. }
        | FlowEvent::StageInherited { .. }
        | FlowEvent::StageFailed { .. }
        | FlowEvent::StageLost { .. }
        | FlowEvent::StageReleased { .. }
        | FlowEvent::StageRetryScheduled { .. }
        | FlowEvent::StageSkipped { .. }
        | FlowEvent::StageUndone { .. }
        | FlowEvent::FlowPaused { .. }
        | FlowEvent::FlowCompensated => None,
    }
}
