//! The loop of admission: follows the log, gives out places, drives.

use super::Admission;
use crate::{
    causes::with_causes,
    ports::event_log::{LogPage, ReadError},
    process_manager::{Ending, ProcessManager},
    stages::handler::StageError,
    stop::{StopSignal, Stopping},
};
use domain::{dubbing::Phase, value::DubbingId};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::watch,
    task::{self, JoinError, JoinSet},
    time::{Instant, sleep, sleep_until, timeout},
};

/// Events read in one go.
const PAGE: usize = 512;
/// Longest time between two looks at the log: wake-ups are hints. Also the pause after it could not be read.
const POLL: Duration = Duration::from_millis(500);

/// Where admission begins when a process starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    /// Dubbings that may owe something, as of `after`. More than that does no harm, fewer does.
    pub unfinished: Vec<DubbingId>,
    /// The position of the log up to which that list is complete.
    pub after: u64,
}

/// Dubbings that are being driven, by the task that does it.
#[derive(Default)]
struct Driven {
    tasks: JoinSet<Result<Ending, StageError>>,
    ids: HashMap<task::Id, DubbingId>,
}

impl Admission {
    /// Admits and drives until it is told to stop (then everything is left as it is: whoever begins next goes
    /// on), or until the future is dropped.
    ///
    /// Attempts that a dead owner left behind are declared lost, each before its dubbing is driven for the first
    /// time: until then none of its work is in the queue, so no living worker can be at it.
    pub async fn run(&self, beginning: Beginning, stop: &StopSignal) {
        let mut driven = Driven::default();
        let mut after = beginning.after;
        let mut wakeups = self.manager.aggregates.log().wakeups();
        self.line_up(beginning.unfinished, &mut driven).await;
        loop {
            self.fill(&mut driven);
            let rests_until = self.line().rests_until();
            tokio::select! {
                () = stop.reached(Stopping::AtSafePoint) => return,
                Some(ended) = driven.tasks.join_next_with_id() => self.ended(&mut driven, ended).await,
                () = self.changed.notified() => {}
                () = until(rests_until) => self.wake_up().await,
                page = self.news(after, &mut wakeups) => match page {
                    Ok(page) => {
                        let touched: BTreeSet<DubbingId> =
                            page.events.iter().filter_map(|event| event.stream.dubbing()).collect();
                        for id in touched {
                            self.consider(id).await;
                        }
                        after = page.scanned_to;
                    }
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "the log cannot be followed");
                        sleep(POLL).await;
                    }
                },
            }
        }
    }

    async fn line_up(&self, unfinished: Vec<DubbingId>, driven: &mut Driven) {
        unfinished.iter().for_each(|id| self.line().orphan(*id));
        for id in unfinished {
            self.consider(id).await;
            // The first of a long list need not wait for the last.
            self.fill(driven);
        }
    }

    /// Gives free places to those whose turn it is.
    fn fill(&self, driven: &mut Driven) {
        loop {
            let next = self.line().next(self.limits.active_max);
            let Some(id) = next else {
                return;
            };
            let is_orphan = self.line().is_orphan(id);
            tracing::info!(correlation_id = %id, "a dubbing is worked on");
            let manager = Arc::clone(&self.manager);
            let handle = driven.tasks.spawn(async move { drive(&manager, id, is_orphan).await });
            driven.ids.insert(handle.id(), id);
        }
    }

    async fn ended(&self, driven: &mut Driven, ended: Result<(task::Id, Result<Ending, StageError>), JoinError>) {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
        let Some(id) = driven.ids.remove(&task) else {
            return;
        };
        let trouble = match ended {
            Ok((_, Ok(ending))) => {
                self.tell(id, ending).await;
                self.line().adopt(id);
                self.line().ended(id);
                return self.look_and(id, |line, _, _| line.rest(id, Instant::now())).await;
            }
            Ok((_, Err(error))) => with_causes(&error),
            // What a panic says may be anything, personal data included.
            Err(_) => "driving it panicked".to_owned(),
        };
        let pause = self.line().failed(id, Instant::now());
        tracing::warn!(correlation_id = %id, error = trouble, ?pause, "a dubbing could not be driven");
    }

    /// Says where a dubbing has come to rest.
    async fn tell(&self, id: DubbingId, ending: Ending) {
        let phase = self.manager.aggregates.dubbing(id).await.map(|dubbing| dubbing.state.phase);
        let state = match (ending, phase) {
            (Ending::Parked, _) => "parked",
            (Ending::Paused, _) => "paused",
            (Ending::Settled, Ok(Phase::Completed)) => "completed",
            (Ending::Settled, Ok(Phase::Failed)) => "failed",
            (Ending::Settled, Ok(Phase::Cancelled)) => "cancelled",
            // It was asked for something else since.
            (Ending::Settled, Ok(Phase::NotStarted | Phase::Processing) | Err(_)) => "settled",
        };
        tracing::info!(correlation_id = %id, state, "a dubbing has come to rest");
    }

    /// Looks at those that have paused for long enough.
    async fn wake_up(&self) {
        let rested = self.line().rested(Instant::now());
        for id in rested {
            self.look_and(id, |line, claim, age| line.wait(id, claim, age)).await;
        }
    }

    /// The next events after a position. Reads only: may be dropped at any moment.
    async fn news(&self, after: u64, wakeups: &mut watch::Receiver<u64>) -> Result<LogPage, ReadError> {
        loop {
            wakeups.mark_unchanged();
            let page = self.manager.aggregates.log().read_log(after, PAGE).await?;
            if page.scanned_to > after {
                return Ok(page);
            }
            // Whether it was a wake-up, a closed channel or time that passed: look at the log again.
            let _hint = timeout(POLL, wakeups.changed()).await;
        }
    }
}

async fn drive(manager: &ProcessManager, id: DubbingId, is_orphan: bool) -> Result<Ending, StageError> {
    if is_orphan {
        manager.recover(id).await?;
    }
    manager.drive(id).await
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
