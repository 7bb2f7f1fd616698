//! Whether what is said about a line goes into what is being made: it does as long as its track's first stage waits.
//!
//! Shared by the rows of tracks and of lines, which both count revisions. Deliberately absent: the counting.

use crate::row::{set, text};
use application::ports::read_store::Row;
use domain::flow::{FlowEvent, Scope, Stage, with_followers};

/// The column: `waiting`, `parked` or `begun`.
pub(crate) const COLUMN: &str = "translate_phase";

/// The track's first stage.
const FIRST: Stage = Stage::Translate;

/// Nothing has been asked for.
pub(crate) fn wait(row: &mut Row) {
    set(row, COLUMN, "waiting");
}

/// Whether what is said now goes into what is made.
pub(crate) fn is_waiting(row: &Row) -> bool {
    text(row, COLUMN) == "waiting"
}

/// Whether an event may change the column.
pub(crate) fn is_news(happened: &FlowEvent) -> bool {
    !matches!(step(happened), Step::Stay)
}

/// Folds what happened to the track's flow.
pub(crate) fn flow(row: &mut Row, happened: &FlowEvent) {
    let to = match step(happened) {
        Step::Stay => return,
        Step::To(phase) => phase,
        Step::FromParked if text(row, COLUMN) == "parked" => "waiting",
        Step::FromParked => return,
    };
    set(row, COLUMN, to);
}

enum Step {
    Stay,
    To(&'static str),
    /// It waits again if it was parked.
    FromParked,
}

fn step(happened: &FlowEvent) -> Step {
    let first = |stage: Stage, phase| if stage == FIRST { Step::To(phase) } else { Step::Stay };
    match happened {
        FlowEvent::StageRequested { fence, .. } => first(fence.stage, "begun"),
        FlowEvent::StageInherited { stage, .. } => first(*stage, "begun"),
        FlowEvent::StageLost { fence } | FlowEvent::StageReleased { fence } => first(fence.stage, "waiting"),
        FlowEvent::StageParked { stage, .. } => first(*stage, "parked"),
        FlowEvent::StageReopened { stage } if with_followers(Scope::Track, *stage).contains(&FIRST) => {
            Step::To("waiting")
        }
        FlowEvent::FlowResumed => Step::FromParked,
        // It had been asked for before.
        FlowEvent::StageStarted { .. }
        | FlowEvent::StageCompleted { .. }
        | FlowEvent::StageFailed { .. }
        | FlowEvent::StageRetryScheduled { .. }
        | FlowEvent::StageSkipped { .. }
        | FlowEvent::StageReopened { .. }
        | FlowEvent::StageUndone { .. }
        | FlowEvent::FlowPaused { .. }
        | FlowEvent::FlowCompensated => Step::Stay,
    }
}
