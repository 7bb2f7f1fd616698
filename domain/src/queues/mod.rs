//! The queues of an installation: which stages nobody is to begin work of, until somebody says otherwise. One stream,
//! `queues-<id>`, so that one look tells of all.
//!
//! What is under way when a queue is paused comes to its end. What a paused queue holds is owed as before: nothing of it
//! is lost, and no attempt is spent.

use crate::{
    decider::Decider,
    flow::Stage,
    value::{Personal, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

#[cfg(test)]
mod tests;

/// What is known of the queues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queues {
    /// Those that are paused, by stage.
    pub paused: BTreeMap<Stage, Pause>,
}

/// A queue's pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Why, in the words of who asked for it.
    pub reason: Personal<String>,
    /// Who asked for it, as the log's envelopes name actors.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
}

/// What can be asked of the queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueuesCommand {
    /// Begin no more work of a stage.
    Pause {
        /// The stage.
        stage: Stage,
        /// By whom, since when, and why.
        pause: Pause,
    },
    /// Begin work of it again.
    Resume {
        /// The stage.
        stage: Stage,
    },
}

/// What has happened to the queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueuesEvent {
    /// No more work of a stage is begun.
    QueuePaused {
        /// The stage.
        stage: Stage,
        /// By whom, since when, and why.
        #[serde(flatten)]
        pause: Pause,
    },
    /// Work of it is begun again.
    QueueResumed {
        /// The stage.
        stage: Stage,
    },
}

/// Which rule a command to the queues broke: none can be. What is so already is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueuesRejection {}

impl fmt::Display for QueuesRejection {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for QueuesRejection {}

impl Queues {
    /// Whether work of a stage may be begun.
    pub fn is_open(&self, stage: Stage) -> bool {
        !self.paused.contains_key(&stage)
    }
}

impl Decider for Queues {
    type State = Queues;
    type Command = QueuesCommand;
    type Event = QueuesEvent;
    type Rejection = QueuesRejection;

    const STATE_VERSION: u32 = 1;

    fn decide(queues: &Queues, command: QueuesCommand) -> Result<Vec<QueuesEvent>, QueuesRejection> {
        Ok(match command {
            QueuesCommand::Pause { stage, pause } if queues.is_open(stage) => {
                vec![QueuesEvent::QueuePaused { stage, pause }]
            }
            QueuesCommand::Resume { stage } if !queues.is_open(stage) => vec![QueuesEvent::QueueResumed { stage }],
            QueuesCommand::Pause { .. } | QueuesCommand::Resume { .. } => vec![],
        })
    }

    fn evolve(queues: &mut Queues, event: &QueuesEvent) {
        match event {
            QueuesEvent::QueuePaused { stage, pause } => {
                queues.paused.insert(*stage, pause.clone());
            }
            QueuesEvent::QueueResumed { stage } => {
                queues.paused.remove(stage);
            }
        }
    }
}
