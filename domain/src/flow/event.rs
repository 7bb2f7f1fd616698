//! What can happen to a flow, and the fold over it.

use super::{Cell, Fence, Flow, Phase, Stage, WorkId, with_followers};
use crate::value::{Producer, Timestamp};
use serde::{Deserialize, Serialize};

/// What has happened to a flow. The same events stand in dubbing and track streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowEvent {
    /// The stage was asked for; this is the outbox of the work queue.
    StageRequested {
        /// Which attempt at which stage.
        #[serde(flatten)]
        fence: Fence,
        /// The work's name.
        work_id: WorkId,
    },
    /// A worker began.
    StageStarted {
        /// Which attempt.
        #[serde(flatten)]
        fence: Fence,
    },
    /// A worker finished; what it found stands in the events just before.
    StageCompleted {
        /// Which attempt.
        #[serde(flatten)]
        fence: Fence,
        /// What it took.
        #[serde(flatten)]
        summary: StageSummary,
    },
    /// The stage is done already: a fork takes over what another job found.
    StageInherited {
        /// The stage.
        stage: Stage,
        /// What it took there.
        #[serde(flatten)]
        summary: StageSummary,
    },
    /// A worker gave up.
    StageFailed {
        /// Which attempt.
        #[serde(flatten)]
        fence: Fence,
        /// Why.
        #[serde(flatten)]
        failure: Failure,
    },
    /// A worker vanished.
    StageLost {
        /// Which attempt.
        #[serde(flatten)]
        fence: Fence,
    },
    /// A worker gave the attempt back: it was paused, or its process is being stopped. It spends no budget.
    StageReleased {
        /// Which attempt.
        #[serde(flatten)]
        fence: Fence,
    },
    /// The stage will be tried again.
    StageRetryScheduled {
        /// The attempt that failed.
        #[serde(flatten)]
        fence: Fence,
        /// When.
        at: Timestamp,
    },
    /// Out of attempts: the stage waits for an operator.
    StageParked {
        /// The stage.
        stage: Stage,
        /// Stable code of the reason.
        code: String,
    },
    /// The stage was passed over.
    StageSkipped {
        /// Which attempt.
        #[serde(flatten)]
        fence: Fence,
        /// The engine that says so: `none`; or [`super::SKIPPED_BY_OPERATOR`].
        engine: String,
        /// Why, in words.
        reason: String,
    },
    /// The stage, and all that follow from it, are asked for anew: an edit, or the planner's request.
    StageReopened {
        /// The first stage to run again.
        stage: Stage,
    },
    /// A finished stage was undone.
    StageUndone {
        /// The stage.
        stage: Stage,
    },
    /// No new work is handed out.
    FlowPaused {
        /// Stable code of the reason.
        code: String,
    },
    /// Work is handed out again; parked stages get a fresh budget.
    FlowResumed,
    /// All that can be undone was undone.
    FlowCompensated,
}

/// What a finished stage took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSummary {
    /// Wall time of the attempt in milliseconds.
    pub wall_ms: u64,
    /// The engines that took part.
    pub producers: Vec<Producer>,
    /// Results (lines, or the one result) made in this attempt.
    pub made: u32,
    /// Results taken over from earlier attempts, runs or jobs.
    pub reused: u32,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable code: `engine-missing`, `disk-full`.
    pub code: String,
    /// One sentence for the operator, without personal data.
    pub message: String,
    /// Whether trying again is pointless.
    pub permanent: bool,
}

impl Flow {
    /// The only writer of a flow's state.
    pub fn evolve(&mut self, event: &FlowEvent) {
        match event {
            FlowEvent::StageRequested { fence, work_id } => self.update(fence.stage, |cell| {
                cell.attempt = fence.attempt;
                cell.phase = Phase::Requested(*work_id);
            }),
            FlowEvent::StageStarted { fence } => self.update(fence.stage, |cell| {
                if let Phase::Requested(work) = cell.phase {
                    cell.phase = Phase::Started(work);
                }
            }),
            FlowEvent::StageCompleted { fence, summary } => {
                self.update(fence.stage, |cell| cell.phase = Phase::Done);
                self.failures.remove(&fence.stage);
                self.summaries.insert(fence.stage, summary.clone());
            }
            FlowEvent::StageInherited { stage, summary } => {
                self.update(*stage, |cell| cell.phase = Phase::Done);
                self.summaries.insert(*stage, summary.clone());
            }
            FlowEvent::StageFailed { fence, failure } => {
                self.update(fence.stage, |cell| cell.failures += 1);
                self.failures.insert(fence.stage, failure.clone());
            }
            FlowEvent::StageLost { fence } => self.update(fence.stage, |cell| {
                cell.losses += 1;
                cell.phase = Phase::Waiting;
            }),
            FlowEvent::StageReleased { fence } => self.update(fence.stage, |cell| cell.phase = Phase::Waiting),
            FlowEvent::StageRetryScheduled { fence, at } => {
                self.update(fence.stage, |cell| cell.phase = Phase::RetryAt(*at));
            }
            FlowEvent::StageParked { stage, .. } => self.update(*stage, |cell| cell.phase = Phase::Parked),
            FlowEvent::StageSkipped { fence, engine, reason } => {
                self.update(fence.stage, |cell| cell.phase = Phase::Skipped);
                self.failures.remove(&fence.stage);
                self.skips.insert(fence.stage, (engine.clone(), reason.clone()));
            }
            FlowEvent::StageReopened { stage } => self.reopen(*stage),
            FlowEvent::StageUndone { stage } => self.update(*stage, |cell| cell.phase = Phase::Undone),
            FlowEvent::FlowPaused { code } => self.paused = Some(code.clone()),
            FlowEvent::FlowResumed => self.resume(),
            FlowEvent::FlowCompensated => {
                self.undoing = false;
                self.ended = true;
            }
        }
    }

    fn update(&mut self, stage: Stage, change: impl FnOnce(&mut Cell)) {
        let mut cell = self.cell(stage);
        change(&mut cell);
        self.cells.insert(stage, cell);
    }

    fn reopen(&mut self, first: Stage) {
        self.ended = false;
        for stage in with_followers(self.scope, first) {
            // A stage that never ran keeps its run: there is nothing to run anew.
            self.update(stage, |cell| {
                if cell.attempt > 0 || cell.phase != Phase::Waiting {
                    *cell = Cell { run: cell.run + 1, ..Cell::default() };
                }
            });
        }
    }

    fn resume(&mut self) {
        self.paused = None;
        for cell in self.cells.values_mut() {
            if cell.phase == Phase::Parked {
                *cell = Cell { failures: 0, losses: 0, phase: Phase::Waiting, ..*cell };
            }
        }
    }
}
