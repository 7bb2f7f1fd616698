//! The loop of admission: follows the log, gives out places, drives.

use super::{Admission, Backlog, Beginning};
use crate::{
    aggregates::Run,
    causes::with_causes,
    cluster::{Right, partition_of, partitions},
    ports::event_log::{AppendError, ReadError, StreamId},
    process_manager::{Ending, ProcessManager},
    stages::handler::StageError,
    stop::{StopSignal, Stopping},
};
use domain::{dubbing::Phase, value::DubbingId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::{self, AbortHandle, JoinError, JoinSet},
    time::{Instant, sleep, sleep_until, timeout_at},
};

/// Events read in one go.
const PAGE: usize = 512;
/// Longest time between two looks at the log: wake-ups are hints. Also the pause after it could not be read.
const POLL: Duration = Duration::from_millis(500);

/// How long news may be an append of this process that the log has not answered yet.
const ANSWER: Duration = Duration::from_millis(5);

/// What happened in the log.
struct News {
    /// Dubbings that it happened to.
    touched: BTreeSet<DubbingId>,
    /// Up to which position.
    scanned_to: u64,
}

/// Dubbings that are being driven, by the task that does it.
#[derive(Default)]
struct Driven {
    tasks: JoinSet<Result<Ending, StageError>>,
    ids: HashMap<task::Id, (DubbingId, AbortHandle)>,
    bells: HashMap<DubbingId, watch::Sender<u64>>,
}

impl Driven {
    /// Stops driving those of these.
    fn give_away(&mut self, is_meant: impl Fn(DubbingId) -> bool) {
        self.ids.retain(|_, (id, task)| {
            let is_meant = is_meant(*id);
            if is_meant {
                task.abort();
            }
            !is_meant
        });
        self.bells.retain(|id, _| !is_meant(*id));
    }

    /// Tells who drives it that something has happened.
    fn ring(&self, id: DubbingId) {
        if let Some(bell) = self.bells.get(&id) {
            bell.send_modify(|rung| *rung += 1);
        }
    }
}

impl Admission {
    /// Admits and drives until it is told to stop (then everything is left as it is: whoever begins next goes
    /// on), or until the future is dropped.
    ///
    /// Attempts that a dead owner left behind are declared lost, each before its dubbing is driven for the first
    /// time: until then none of its work is in the queue, so no living worker can be at it.
    pub async fn run(&self, backlog: &dyn Backlog, stop: &StopSignal) {
        let mut driven = Driven::default();
        let mut after = u64::MAX;
        let mut polled = Instant::now();
        let mut held = BTreeMap::new();
        let mut changes = self.holdings.changes();
        let mut wakeups = self.manager.aggregates.log().wakeups();
        tokio::select! {
            () = stop.reached(Stopping::AtSafePoint) => return,
            () = self.regroup(backlog, &mut held, &mut driven, &mut after) => {}
        }
        loop {
            self.fill(&mut driven);
            let rests_until = self.line().rests_until();
            tokio::select! {
                () = stop.reached(Stopping::AtSafePoint) => return,
                Some(ended) = driven.tasks.join_next_with_id() => self.ended(&mut driven, ended).await,
                () = self.changed.notified() => {}
                () = changes.next() => self.regroup(backlog, &mut held, &mut driven, &mut after).await,
                () = until(rests_until) => self.wake_up().await,
                news = self.news(after, &mut polled, &mut wakeups) => match news {
                    Ok(News { touched, scanned_to }) => {
                        for id in touched {
                            driven.ring(id);
                            self.consider(id).await;
                        }
                        after = scanned_to;
                    }
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "the log cannot be followed");
                        sleep(POLL).await;
                    }
                },
            }
        }
    }

    /// Gives away what this node does not hold any more, and takes over what it holds now.
    async fn regroup(
        &self,
        backlog: &dyn Backlog,
        held: &mut BTreeMap<String, Right>,
        driven: &mut Driven,
        after: &mut u64,
    ) {
        let rights = partitions().map(|name| (self.holdings.right_to(&name), name));
        let now: BTreeMap<String, Right> =
            rights.filter(|(right, _)| *right != Right::None).map(|(right, name)| (name, right)).collect();
        let before = std::mem::replace(held, now);
        let is_kept = |id| {
            let name = partition_of(id);
            before.get(&name) == held.get(&name)
        };
        driven.give_away(|id| !is_kept(id));
        self.line().give_away(|id| !is_kept(id));
        if held.iter().all(|(name, right)| before.get(name) == Some(right)) {
            return;
        }
        let Beginning { mut unfinished, after: begins } = known(backlog).await;
        unfinished.retain(|id| !is_kept(*id) && held.contains_key(&partition_of(*id)));
        // What happened since to those that are taken over is looked at once more.
        *after = begins.min(*after);
        self.line_up(unfinished, driven).await;
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
            let Ok(lease) = self.holdings.right_to_drive(id).lease() else {
                self.line().give_away(|other| other == id);
                continue;
            };
            let is_orphan = self.line().is_orphan(id);
            tracing::info!(correlation_id = %id, "a dubbing is worked on");
            let manager = self.manager.under(lease);
            let (bell, rung) = watch::channel(0);
            let handle = driven.tasks.spawn(async move { drive(&manager, id, is_orphan, rung).await });
            driven.ids.insert(handle.id(), (id, handle));
            driven.bells.insert(id, bell);
        }
    }

    async fn ended(&self, driven: &mut Driven, ended: Result<(task::Id, Result<Ending, StageError>), JoinError>) {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
        // Those that were given away are nobody's here any more.
        let Some((id, _)) = driven.ids.remove(&task) else {
            return;
        };
        driven.bells.remove(&id);
        let trouble = match ended {
            Ok((_, Ok(ending))) => {
                self.tell(id, ending).await;
                self.line().adopt(id);
                self.line().ended(id);
                return self.look_and(id, |line, _, _| line.rest(id, Instant::now())).await;
            }
            Ok((_, Err(StageError::Append(AppendError::Fenced)))) => {
                tracing::info!(correlation_id = %id, "another node drives this dubbing now");
                return self.line().give_away(|other| other == id);
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

    /// What comes after a position; the kept states have it. May be dropped at any moment.
    async fn news(
        &self,
        after: u64,
        polled: &mut Instant,
        wakeups: &mut watch::Receiver<u64>,
    ) -> Result<News, ReadError> {
        let aggregates = &self.manager.aggregates;
        let mut answers = aggregates.written().answers();
        let mut unanswered = None;
        loop {
            answers.mark_unchanged();
            // What this process wrote itself it need not read.
            if let Some(Run { streams, last }) = aggregates.written().after(after) {
                return Ok(News { touched: dubbings(streams.iter()), scanned_to: last });
            }
            let is_news = *wakeups.borrow_and_update() > after;
            if is_news && aggregates.written().is_under_way() {
                let until = *unanswered.get_or_insert_with(|| Instant::now() + ANSWER);
                if timeout_at(until, answers.changed()).await.is_ok() {
                    continue;
                }
            }
            if is_news || polled.elapsed() >= POLL {
                let page = aggregates.log().read_log(after, PAGE).await?;
                *polled = Instant::now();
                if page.scanned_to > after {
                    aggregates.hear(&page.events);
                    let touched = dubbings(page.events.iter().map(|event| &event.stream));
                    return Ok(News { touched, scanned_to: page.scanned_to });
                }
            }
            unanswered = None;
            // Whether it was an answer, a wake-up, a closed channel or time that passed: look again.
            tokio::select! {
                _ = answers.changed() => {}
                _hint = timeout_at(*polled + POLL, wakeups.changed()) => {}
            }
        }
    }
}

fn dubbings<'a>(streams: impl Iterator<Item = &'a StreamId>) -> BTreeSet<DubbingId> {
    streams.filter_map(StreamId::dubbing).collect()
}

/// What is unfinished, asked for until it is known.
async fn known(backlog: &dyn Backlog) -> Beginning {
    loop {
        match backlog.unfinished().await {
            Ok(beginning) => return beginning,
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "nothing can be taken over yet"),
        }
        sleep(POLL).await;
    }
}

async fn drive(
    manager: &ProcessManager,
    id: DubbingId,
    is_orphan: bool,
    bell: watch::Receiver<u64>,
) -> Result<Ending, StageError> {
    if is_orphan {
        manager.recover(id).await?;
    }
    manager.drive_when(id, bell).await
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
