//! THE PAGE: the whole flow. Which stages there are, what each waits for, what is owed next.
//!
//! One [`Flow`] is embedded in the state of each dubbing and each track. No engine names, no clock
//! and no I/O here. What is deliberately absent: how a stage does its work (application) and who
//! asks for it when (the process manager, which names no stage).

mod decide;
mod event;
mod stage;
#[cfg(test)]
mod tests;
mod work;

use crate::value::Timestamp;
pub use decide::{FAILURES_MAX, FlowCommand, FlowRejection, LOSSES_MAX, decide};
pub use event::{Failure, FlowEvent, StageSummary};
pub use stage::{Stage, UnknownStage};
use std::collections::BTreeMap;
pub use work::{Fence, WorkId, work_id};

use Scope::{Dubbing, Track};
use Stage::*;
use Undo::{Nothing, Release, Withdraw};

/// One row: a stage, what it waits for, where it runs, how it is undone.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The stage.
    pub stage: Stage,
    /// Stages that must be done before. Those of the other scope hold once the track has started.
    pub after: &'static [Stage],
    /// Once a dubbing, or once a track.
    pub scope: Scope,
    /// What undoing it means.
    pub undo: Undo,
    /// Whether it also waits until all tracks are settled.
    pub waits_for_tracks: bool,
}

/// The flow, in the order in which a reader meets the stages.
pub const TABLE: [Row; 15] = [
    row(Ingest, &[], Dubbing, Release),
    row(Separate, &[Ingest], Dubbing, Release),
    row(Transcribe, &[Separate], Dubbing, Nothing),
    row(Translate, &[Transcribe], Track, Nothing),
    row(AssignVoices, &[Translate], Track, Nothing),
    row(Synthesise, &[AssignVoices], Track, Release),
    row(Fit, &[Synthesise], Track, Nothing),
    row(SyncLips, &[Fit], Track, Release),
    row(Mix, &[Fit, Separate], Track, Release),
    row(Mark, &[Mix], Track, Release),
    row(Mux, &[Mark, SyncLips], Track, Release),
    row(Assess, &[Mux], Track, Nothing),
    row(Sign, &[Assess], Track, Release),
    row(Publish, &[Sign], Track, Withdraw),
    Row { stage: Clean, after: &[Transcribe], scope: Dubbing, undo: Nothing, waits_for_tracks: true },
];

const fn row(stage: Stage, after: &'static [Stage], scope: Scope, undo: Undo) -> Row {
    Row { stage, after, scope, undo, waits_for_tracks: false }
}

/// Where a stage's facts and flow are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// In the stream of the dubbing.
    #[default]
    Dubbing,
    /// In the stream of the track.
    Track,
}

/// What undoing a finished stage means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// There is nothing to undo.
    Nothing,
    /// Its references are released; the collector removes blobs later.
    Release,
    /// The result is withdrawn.
    Withdraw,
}

/// What the flow of one stream has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// No new work while paused.
    pub paused: bool,
    /// All tracks are settled (dubbings only).
    pub tracks_settled: bool,
    /// Finished stages are being undone.
    pub undoing: bool,
    /// The flow has come to an end and owes nothing.
    pub ended: bool,
}

/// One stage of one flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// What is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask for this stage now.
    Run(Stage),
    /// Ask for this stage again at this moment.
    Retry(Stage, Timestamp),
    /// Undo this finished stage.
    Undo(Stage),
    /// Everything is done (or undone): say so.
    Finish,
}

/// The rows of one scope, in order.
pub fn rows(scope: Scope) -> impl DoubleEndedIterator<Item = &'static Row> {
    TABLE.iter().filter(move |row| row.scope == scope)
}

/// What is owed now. The state is the to-do list: after a crash this is simply asked again.
pub fn next_actions(flow: &Flow) -> Vec<Action> {
    if flow.ended || (flow.paused && !flow.undoing) {
        return Vec::new();
    }
    if flow.undoing {
        let undo = rows(flow.scope).rev().find(|row| row.undo != Nothing && flow.phase(row.stage) == Phase::Done);
        return vec![undo.map_or(Action::Finish, |row| Action::Undo(row.stage))];
    }
    if rows(flow.scope).all(|row| flow.is_done(row.stage)) {
        return vec![Action::Finish];
    }
    rows(flow.scope).filter(|row| flow.is_ready(row)).filter_map(|row| flow.owed(row.stage)).collect()
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

    /// Whether a worker's results are still waited for.
    pub fn awaits(&self, fence: Fence) -> bool {
        let cell = self.cell(fence.stage);
        matches!(cell.phase, Phase::Started(_)) && (cell.run, cell.attempt) == (fence.run, fence.attempt)
    }

    fn is_ready(&self, row: &Row) -> bool {
        let in_scope = |stage: &&Stage| rows(self.scope).any(|row| row.stage == **stage);
        row.after.iter().filter(in_scope).all(|stage| self.is_done(*stage))
            && (!row.waits_for_tracks || self.tracks_settled)
    }

    fn owed(&self, stage: Stage) -> Option<Action> {
        match self.phase(stage) {
            Phase::Waiting => Some(Action::Run(stage)),
            Phase::RetryAt(at) => Some(Action::Retry(stage, at)),
            Phase::Requested(_) | Phase::Started(_) | Phase::Done | Phase::Skipped => None,
            Phase::Parked | Phase::Undone => None,
        }
    }
}
