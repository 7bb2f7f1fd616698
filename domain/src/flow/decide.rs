//! What a command to a flow brings about.

use super::{
    Action, Failure, Fence, Flow, FlowEvent, PAUSED_BY_USER, Phase, Stage, StageSummary, WorkId, needed_for,
    next_actions, rows, skip, with_followers,
};
use crate::value::Timestamp;
use std::fmt;

/// Failures within a run that park a stage.
pub const FAILURES_MAX: u32 = 4;
/// Attempts lost to crashes within a run that park a stage.
pub const LOSSES_MAX: u32 = 25;

/// What can be asked of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowCommand {
    /// Ask for a stage that is owed.
    Request {
        /// The stage.
        stage: Stage,
        /// The name of the work, made by [`super::work_id`] for the next attempt.
        work_id: WorkId,
    },
    /// A worker begins.
    Start(Fence),
    /// A worker finished.
    Complete {
        /// Which attempt.
        fence: Fence,
        /// What it took.
        summary: StageSummary,
        /// A stage that must run anew because of what was found (the planner's request).
        reopen: Option<Stage>,
    },
    /// A worker says that there is nothing to do for this stage.
    Skip {
        /// Which attempt.
        fence: Fence,
        /// The engine that says so.
        engine: String,
        /// Why.
        reason: String,
    },
    /// An operator passes over a stage that is out of attempts.
    PassOver {
        /// The stage.
        stage: Stage,
        /// Why, in the operator's words.
        reason: String,
    },
    /// A worker gives up.
    Fail {
        /// Which attempt.
        fence: Fence,
        /// Why.
        failure: Failure,
        /// When to try again, if the budget allows.
        retry_at: Timestamp,
    },
    /// A worker vanished, and its lease is void.
    Lose(Fence),
    /// A worker gives its attempt back, unfinished: what it reported stays.
    Release(Fence),
    /// The stage and all that follow are needed anew.
    Reopen(Stage),
    /// Hand out no new work. A user's pause goes on top of one by parking; not the other way round.
    Pause {
        /// Stable code of the reason.
        code: String,
    },
    /// Hand out work again, whoever paused it; parked stages get a fresh budget.
    Resume,
    /// A finished stage was undone.
    Undone(Stage),
    /// All that can be undone was undone.
    Compensated,
}

/// Which rule a command to a flow broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowRejection {
    /// The attempt is not, or no longer, the one that is waited for.
    Superseded,
    /// The stage is not owed now.
    NotOwed,
    /// Only what is out of attempts can be passed over, and this stage is not.
    NotParked(Stage),
    /// The flow cannot go on without this stage.
    Needed(Stage),
}

impl fmt::Display for FlowRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlowRejection::Superseded => f.write_str("this attempt is no longer waited for"),
            FlowRejection::NotOwed => f.write_str("this stage is not owed now"),
            FlowRejection::NotParked(stage) => {
                write!(f, "{stage} is not parked; only a stage that is out of attempts can be skipped")
            }
            FlowRejection::Needed(stage) => {
                write!(f, "{stage} cannot be skipped: {}", needed_for(*stage).unwrap_or("what follows needs it"))
            }
        }
    }
}

impl std::error::Error for FlowRejection {}

/// What the command brings about.
pub fn decide(flow: &Flow, command: FlowCommand) -> Result<Vec<FlowEvent>, FlowRejection> {
    match command {
        FlowCommand::Request { stage, work_id } => request(flow, stage, work_id),
        FlowCommand::Start(fence) => start(flow, fence),
        FlowCommand::Complete { fence, summary, reopen } => {
            awaited(flow, fence)?;
            let completed = FlowEvent::StageCompleted { fence, summary };
            Ok([completed].into_iter().chain(reopen.map(|stage| FlowEvent::StageReopened { stage })).collect())
        }
        FlowCommand::Skip { fence, engine, reason } => {
            awaited(flow, fence)?;
            Ok(vec![FlowEvent::StageSkipped { fence, engine, reason }])
        }
        FlowCommand::PassOver { stage, reason } => skip::pass_over(flow, stage, reason),
        FlowCommand::Fail { fence, failure, retry_at } => fail(flow, fence, failure, retry_at),
        FlowCommand::Lose(fence) => lose(flow, fence),
        FlowCommand::Release(fence) => {
            Ok(if flow.awaits(fence) { vec![FlowEvent::StageReleased { fence }] } else { vec![] })
        }
        FlowCommand::Reopen(stage) => Ok(reopen(flow, stage)),
        FlowCommand::Pause { code } => Ok(pause(flow, code)),
        FlowCommand::Resume => Ok(if flow.paused.is_some() { vec![FlowEvent::FlowResumed] } else { vec![] }),
        FlowCommand::Undone(stage) => undone(flow, stage),
        FlowCommand::Compensated => compensated(flow),
    }
}

/// Asks for a stage and all that follow anew. What was parked among them gets a fresh budget with its new run: where
/// nothing else is parked, work is handed out again. A user's pause stays.
pub fn reopen(flow: &Flow, stage: Stage) -> Vec<FlowEvent> {
    let resumed = goes_on_without(flow, &with_followers(flow.scope, stage));
    [FlowEvent::StageReopened { stage }].into_iter().chain(resumed).collect()
}

/// Work is handed out again once these stages are parked no more, unless another one is or a user paused the flow.
pub(super) fn goes_on_without(flow: &Flow, parked_no_more: &[Stage]) -> Option<FlowEvent> {
    let is_parked = |stage: Stage| flow.phase(stage) == Phase::Parked && !parked_no_more.contains(&stage);
    let stands_still = flow.is_held() || rows(flow.scope).any(|row| is_parked(row.stage));
    (flow.paused.is_some() && !stands_still).then_some(FlowEvent::FlowResumed)
}

/// What ends a run that nobody wants any more, beside the event that says so: attempts under way are given back, and
/// nothing is paused or parked.
pub fn let_go(flow: &Flow) -> Vec<FlowEvent> {
    let under_way = flow.cells.iter().filter(|(_, cell)| matches!(cell.phase, Phase::Started(_)));
    let fences = under_way.map(|(stage, cell)| Fence { stage: *stage, run: cell.run, attempt: cell.attempt });
    let released = fences.map(|fence| FlowEvent::StageReleased { fence });
    released.chain(flow.paused.is_some().then_some(FlowEvent::FlowResumed)).collect()
}

fn pause(flow: &Flow, code: String) -> Vec<FlowEvent> {
    let is_news = flow.paused.is_none() || (code == PAUSED_BY_USER && !flow.is_held());
    if is_news { vec![FlowEvent::FlowPaused { code }] } else { vec![] }
}

fn awaited(flow: &Flow, fence: Fence) -> Result<(), FlowRejection> {
    if flow.awaits(fence) { Ok(()) } else { Err(FlowRejection::Superseded) }
}

fn request(flow: &Flow, stage: Stage, work_id: WorkId) -> Result<Vec<FlowEvent>, FlowRejection> {
    let cell = flow.cell(stage);
    if let Phase::Requested(asked) | Phase::Started(asked) = cell.phase {
        return if asked == work_id { Ok(vec![]) } else { Err(FlowRejection::NotOwed) };
    }
    let owed = |action: Action| matches!(action, Action::Run(s) | Action::Retry(s, _) if s == stage);
    if !next_actions(flow).into_iter().any(owed) {
        return Err(FlowRejection::NotOwed);
    }
    let fence = Fence { stage, run: cell.run, attempt: cell.attempt + 1 };
    Ok(vec![FlowEvent::StageRequested { fence, work_id }])
}

fn start(flow: &Flow, fence: Fence) -> Result<Vec<FlowEvent>, FlowRejection> {
    let cell = flow.cell(fence.stage);
    if (cell.run, cell.attempt) != (fence.run, fence.attempt) {
        return Err(FlowRejection::Superseded);
    }
    match cell.phase {
        Phase::Requested(_) if flow.paused.is_some() || flow.undoing || flow.ended => Err(FlowRejection::NotOwed),
        Phase::Requested(_) => Ok(vec![FlowEvent::StageStarted { fence }]),
        // Somebody is at it: the same message, delivered twice, must not make two workers.
        Phase::Started(_) => Err(FlowRejection::Superseded),
        Phase::Waiting | Phase::RetryAt(_) | Phase::Done | Phase::Skipped | Phase::Parked | Phase::Undone => {
            Err(FlowRejection::Superseded)
        }
    }
}

fn fail(flow: &Flow, fence: Fence, failure: Failure, retry_at: Timestamp) -> Result<Vec<FlowEvent>, FlowRejection> {
    awaited(flow, fence)?;
    let out_of_attempts = failure.permanent || flow.cell(fence.stage).failures + 1 >= FAILURES_MAX;
    let code = failure.code.clone();
    let mut events = vec![FlowEvent::StageFailed { fence, failure }];
    if out_of_attempts {
        park(flow, fence.stage, code, &mut events);
    } else {
        events.push(FlowEvent::StageRetryScheduled { fence, at: retry_at });
    }
    Ok(events)
}

fn lose(flow: &Flow, fence: Fence) -> Result<Vec<FlowEvent>, FlowRejection> {
    if !flow.awaits(fence) {
        return Ok(vec![]);
    }
    let mut events = vec![FlowEvent::StageLost { fence }];
    if flow.cell(fence.stage).losses + 1 >= LOSSES_MAX {
        park(flow, fence.stage, "lost-too-often".to_owned(), &mut events);
    }
    Ok(events)
}

/// Parking is part of the append that used up the budget: no crash can come between.
fn park(flow: &Flow, stage: Stage, code: String, events: &mut Vec<FlowEvent>) {
    events.push(FlowEvent::StageParked { stage, code: code.clone() });
    if flow.paused.is_none() {
        events.push(FlowEvent::FlowPaused { code });
    }
}

fn undone(flow: &Flow, stage: Stage) -> Result<Vec<FlowEvent>, FlowRejection> {
    match flow.phase(stage) {
        Phase::Undone => Ok(vec![]),
        Phase::Done if flow.undoing => Ok(vec![FlowEvent::StageUndone { stage }]),
        Phase::Done | Phase::Waiting | Phase::Requested(_) | Phase::Started(_) => Err(FlowRejection::NotOwed),
        Phase::RetryAt(_) | Phase::Skipped | Phase::Parked => Err(FlowRejection::NotOwed),
    }
}

fn compensated(flow: &Flow) -> Result<Vec<FlowEvent>, FlowRejection> {
    match (flow.undoing, flow.ended) {
        (true, _) if next_actions(flow) == [Action::Finish] => Ok(vec![FlowEvent::FlowCompensated]),
        (true, _) => Err(FlowRejection::NotOwed),
        (false, true) => Ok(vec![]),
        (false, false) => Err(FlowRejection::NotOwed),
    }
}
