//! Control the queues: pause one, resume it, and say how each stands. For those who run the installation.
//!
//! A pause holds for everybody who does work of the installation, wherever: it stands in the log, and workers look there
//! before they begin. What is under way comes to its end: that is the drain.

use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::{
        clock::Clock,
        event_log::{Appended, ReadError, StreamId, TenancyStream},
        work_queue::{Depth, QueueError, WorkQueue},
    },
};
use domain::{
    flow::Stage,
    queues::{Pause, Queues, QueuesCommand, QueuesRejection},
    value::Personal,
};
use std::sync::Arc;
use thiserror::Error;

/// The use cases, with what they need.
#[derive(Clone)]
pub struct ControlQueues {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// What is in the queues.
    pub queue: Arc<dyn WorkQueue>,
    /// For when a pause begins.
    pub clock: Arc<dyn Clock>,
}

/// How the queue of a stage stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStanding {
    /// The stage.
    pub stage: Stage,
    /// How much work of it there is.
    pub depth: Depth,
    /// Who paused it, since when and why; `None` while work of it is begun.
    pub pause: Option<Pause>,
}

/// Why the queues cannot be looked at.
#[derive(Debug, Error)]
pub enum QueuesError {
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The queue could not be asked.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl ControlQueues {
    /// The queues of all stages, in the order of the flow.
    pub async fn list(&self) -> Result<Vec<QueueStanding>, QueuesError> {
        let queues = self.aggregates.queues().await?.state;
        let depths = self.queue.depth().await?;
        let standing = |stage| QueueStanding {
            stage,
            depth: depths.get(&stage).copied().unwrap_or_default(),
            pause: queues.paused.get(&stage).cloned(),
        };
        Ok(Stage::all().map(standing).collect())
    }

    /// Begins no more work of a stage. Once more: silent.
    pub async fn pause(
        &self,
        stage: Stage,
        reason: String,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, CommandError<QueuesRejection>> {
        let pause = Pause { reason: Personal::new(reason), by: meta.actor.clone(), since: self.clock.now() };
        self.give(QueuesCommand::Pause { stage, pause }, meta).await
    }

    /// Begins work of a stage again. Once more: silent.
    pub async fn resume(
        &self,
        stage: Stage,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, CommandError<QueuesRejection>> {
        self.give(QueuesCommand::Resume { stage }, meta).await
    }

    async fn give(
        &self,
        command: QueuesCommand,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, CommandError<QueuesRejection>> {
        let stream = StreamId::Tenancy(TenancyStream::Queues);
        self.aggregates.execute::<Queues>(&stream, command, meta).await
    }
}
