//! THE PAGE: the whole flow. Which stages there are, what each waits for, what is owed next.
//!
//! One [`Flow`] is embedded in the state of each dubbing and each track. No engine names, no clock
//! and no I/O here. What is deliberately absent: how a stage does its work (application) and who
//! asks for it when (the process manager, which names no stage).

mod decide;
mod event;
mod skip;
mod stage;
mod state;
#[cfg(test)]
mod tests;
mod work;

use crate::value::Timestamp;
pub use decide::{FAILURES_MAX, FlowCommand, FlowRejection, LOSSES_MAX, decide, let_go, reopen};
pub use event::{Failure, FlowEvent, StageSummary};
pub use skip::needed_for;
pub use stage::{Stage, UnknownStage};
pub use state::{Cell, Flow, PAUSED_BY_USER, Phase, SKIPPED_BY_OPERATOR};
pub use work::{Fence, WorkId, work_id};

use Scope::{Dubbing, Track};
use Stage::*;
use Undo::{Nothing, Release, Withdraw};
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// The scope of a stage.
pub fn scope_of(stage: Stage) -> Scope {
    TABLE.iter().find(|row| row.stage == stage).map_or(Dubbing, |row| row.scope)
}

/// Whether a stage belongs to a scope.
pub fn is_in(scope: Scope, stage: Stage) -> bool {
    rows(scope).any(|row| row.stage == stage)
}

/// A stage and all of its scope that follow from it, directly or not.
pub fn with_followers(scope: Scope, first: Stage) -> Vec<Stage> {
    let mut affected = vec![first];
    for row in rows(scope) {
        if row.after.iter().any(|stage| affected.contains(stage)) {
            affected.push(row.stage);
        }
    }
    affected
}

/// What is owed now. The state is the to-do list: after a crash this is simply asked again.
pub fn next_actions(flow: &Flow) -> Vec<Action> {
    if flow.ended || (flow.paused.is_some() && !flow.undoing) {
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
