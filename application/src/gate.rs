//! The gate of a worker: whether it may begin work of a stage now, or the stage's queue is paused.
//!
//! The log says it, to all workers wherever they are; each looks again after a while at most, so that a busy one does not
//! ask before everything that it begins.

use crate::{aggregates::Aggregates, ports::event_log::ReadError};
use domain::{flow::Stage, queues::Queues};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// How long what was seen is taken to be so.
pub const LOOK: Duration = Duration::from_millis(200);
/// After how long work of a paused stage that was given back is looked at again.
pub const GIVEN_BACK: Duration = Duration::from_secs(2);

/// What a worker last saw of the queues.
#[derive(Debug, Default)]
pub struct Gate(Option<(Instant, Arc<Queues>)>);

impl Gate {
    /// Whether work of a stage may be begun.
    pub async fn is_open(&mut self, aggregates: &Aggregates, stage: Stage) -> Result<bool, ReadError> {
        let seen = self.0.as_ref().filter(|(at, _)| at.elapsed() < LOOK);
        let queues = match seen {
            Some((_, queues)) => Arc::clone(queues),
            None => {
                let at = Instant::now();
                let queues = aggregates.queues().await?.state;
                self.0 = Some((at, Arc::clone(&queues)));
                queues
            }
        };
        Ok(queues.is_open(stage))
    }
}
