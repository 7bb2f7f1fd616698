//! What is known of a flow: where each of its stages stands.

use super::{Action, Failure, Fence, Row, Scope, Stage, StageSummary, WorkId, is_in, rows};
use crate::value::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The code of a pause that a user asked for. All others are of parking.
pub const PAUSED_BY_USER: &str = "paused";
/// What stands for the engine of a stage that an operator passed over. Engines are never called so.
pub const SKIPPED_BY_OPERATOR: &str = "operator";

/// What the flow of one stream has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Whose flow it is.
    pub scope: Scope,
    /// Per stage of the scope.
    pub cells: BTreeMap<Stage, Cell>,
    /// What each finished stage took, newest run.
    pub summaries: BTreeMap<Stage, StageSummary>,
    /// The engine and the reason of each stage that was passed over.
    pub skips: BTreeMap<Stage, (String, String)>,
    /// The last failure of each stage that has not been finished since.
    pub failures: BTreeMap<Stage, Failure>,
    /// Why no new work is handed out: [`PAUSED_BY_USER`], or what parked a stage; `None` while it is handed out.
    pub paused: Option<String>,
    /// All tracks are settled (dubbings only).
    pub tracks_settled: bool,
    /// Finished stages are being undone.
    pub undoing: bool,
    /// The flow has come to an end and owes nothing.
    pub ended: bool,
}

/// One stage of one flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// How often the stage was asked for anew; the first run is 1.
    pub run: u32,
    /// Tries within the run; the first is 1.
    pub attempt: u32,
    /// Failures within the run that spent the budget.
    pub failures: u32,
    /// Attempts lost to crashes within the run.
    pub losses: u32,
    /// Where it stands.
    pub phase: Phase,
}

/// Where a stage stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Not asked for yet in this run.
    #[default]
    Waiting,
    /// Asked for: the event is the outbox of the work queue.
    Requested(WorkId),
    /// A worker is at it.
    Started(WorkId),
    /// Failed, to be tried again at this moment.
    RetryAt(Timestamp),
    /// Finished.
    Done,
    /// Passed over, and said so.
    Skipped,
    /// Out of attempts: an operator decides.
    Parked,
    /// Undone.
    Undone,
}

impl Flow {
    /// An untouched flow.
    pub fn new(scope: Scope) -> Self {
        Self { scope, ..Self::default() }
    }

    /// What is known of a stage.
    pub fn cell(&self, stage: Stage) -> Cell {
        self.cells.get(&stage).copied().unwrap_or(Cell { run: 1, ..Cell::default() })
    }

    /// Where a stage stands.
    pub fn phase(&self, stage: Stage) -> Phase {
        self.cell(stage).phase
    }

    /// Whether what comes after a stage may rely on it.
    pub fn is_done(&self, stage: Stage) -> bool {
        matches!(self.phase(stage), Phase::Done | Phase::Skipped)
    }

    /// The stages that are done, in order, but for some and whatever comes after one that is not among them. After an
    /// undone stage others still stand as done: those that left nothing to undo.
    pub fn done_without(&self, left_out: &[Stage]) -> Vec<Stage> {
        let mut done = Vec::new();
        for row in rows(self.scope) {
            let mut before = row.after.iter().filter(|stage| is_in(self.scope, **stage));
            let stands = before.all(|stage| done.contains(stage));
            if stands && self.is_done(row.stage) && !left_out.contains(&row.stage) {
                done.push(row.stage);
            }
        }
        done
    }

    /// Whether a worker's results are still waited for.
    pub fn awaits(&self, fence: Fence) -> bool {
        let cell = self.cell(fence.stage);
        matches!(cell.phase, Phase::Started(_)) && (cell.run, cell.attempt) == (fence.run, fence.attempt)
    }

    /// Whether a worker should go on with its attempt: its results are waited for, and nobody called it off or
    /// paused it since. A stage that parked elsewhere in the flow does not disturb it.
    pub fn wants(&self, fence: Fence) -> bool {
        self.awaits(fence) && !self.undoing && !self.ended && !self.is_held()
    }

    /// Whether a user paused it.
    pub fn is_held(&self) -> bool {
        self.paused.as_deref() == Some(PAUSED_BY_USER)
    }

    /// Whether a stage of it is out of attempts.
    pub fn has_parked(&self) -> bool {
        self.cells.values().any(|cell| cell.phase == Phase::Parked)
    }

    /// Whether nothing of it is left to do: all is done, or it has come to an end before that.
    pub fn is_at_rest(&self) -> bool {
        self.ended || rows(self.scope).all(|row| self.is_done(row.stage))
    }

    /// The flow for doing everything once more after it came to its end: untouched, but each stage that ever ran
    /// begins a new run, so that workers and work ids of the first time mean nothing any more.
    pub fn anew(&self) -> Self {
        let again = |cell: &Cell| Cell { run: cell.run + u32::from(cell.attempt > 0), ..Cell::default() };
        let cells = self.cells.iter().map(|(stage, cell)| (*stage, again(cell))).collect();
        Self { scope: self.scope, cells, ..Self::default() }
    }

    /// Whether all that a row waits for is done.
    pub(super) fn is_ready(&self, row: &Row) -> bool {
        let in_scope = |stage: &&Stage| rows(self.scope).any(|row| row.stage == **stage);
        row.after.iter().filter(in_scope).all(|stage| self.is_done(*stage))
            && (!row.waits_for_tracks || self.tracks_settled)
    }

    /// What is owed for a stage that is ready.
    pub(super) fn owed(&self, stage: Stage) -> Option<Action> {
        match self.phase(stage) {
            Phase::Waiting => Some(Action::Run(stage)),
            Phase::RetryAt(at) => Some(Action::Retry(stage, at)),
            Phase::Requested(_) | Phase::Started(_) | Phase::Done | Phase::Skipped => None,
            Phase::Parked | Phase::Undone => None,
        }
    }
}
