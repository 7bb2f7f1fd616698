//! The gate of a worker: whether it may begin work of a stage now, or the stage's queue is paused.
//!
//! The log says it, to all workers wherever they are; each looks again after a while at most, so that a busy one does not
//! ask before everything that it begins. A process that listens does not even ask for work of a paused stage, which so
//! stays in its queue; who has some in hand when a pause arrives gives it back.

use crate::{aggregates::Aggregates, ports::event_log::ReadError, room::Room};
use domain::{flow::Stage, queues::Queues};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// How long what was seen is taken to be so.
pub const LOOK: Duration = Duration::from_millis(200);
/// After how long work of a paused stage that was given back is looked at again.
pub const GIVEN_BACK: Duration = Duration::from_secs(2);

/// How long who listens waits for news of a resumption before it looks by itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps work of paused stages out of a room until the log is closed. News of the log may be lost: of a pause, whoever
/// takes work sees it anyway; for a resumption this looks by itself. While the log cannot be read nothing changes.
pub async fn listen(aggregates: &Aggregates, room: &Room) {
    let mut news = aggregates.log().wakeups();
    let mut is_paused = false;
    loop {
        news.borrow_and_update();
        if let Ok(queues) = aggregates.queues().await {
            let paused: BTreeSet<Stage> = queues.state.paused.keys().copied().collect();
            is_paused = !paused.is_empty();
            room.pause(paused);
        }
        let limit = if is_paused { PATIENCE } else { Duration::MAX };
        if let Ok(Err(_closed)) = timeout(limit, news.changed()).await {
            return;
        }
        sleep(LOOK).await;
    }
}

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
