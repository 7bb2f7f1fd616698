//! The asset desk: sees to it that every asset that was handed in is looked at, a few at a time, fair between tenants.
//!
//! It follows the log; what waited when the program started it takes from the read models. What failed is tried again
//! with back-off; an engine that is not here leaves assets waiting, and the desk says so. It keeps no record of its own:
//! what is owed follows from the assets' states. Deliberately absent: looking, which is `check_asset`.

use super::{
    check_asset::{CheckAsset, CheckError, Checked},
    erase_asset::EraseAsset,
};
use crate::{
    aggregates::Aggregates,
    fair_line::{FairLine, Place},
    ports::{
        asset_index::{AssetIndex, AssetStanding},
        engine::EngineError,
        event_log::{DomainEvent, ReadError, Recorded, StreamId, Tenant},
        read_store::ReadStoreError,
        trace::{TraceContext, Traces},
    },
    stop::{StopSignal, Stopping},
};
use domain::{
    asset::{AssetEvent, Phase},
    dubbing::Priority,
    value::AssetId,
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use thiserror::Error;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{Instrument, Span, field};

/// Longest time between two looks at the log: wake-ups are hints.
const POLL: Duration = Duration::from_millis(500);
/// The first pause before something is tried again; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest one.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// How often the same file may bring its engines down.
const TRIES_MAX: u32 = 4;
/// Assets that are known to wait, at most. The log keeps the others.
const PENDING_MAX: usize = 1_024;
/// Events and rows read in one go.
const PAGE: usize = 256;

/// The desk, with what it needs.
pub struct AssetDesk {
    /// Assets.
    pub aggregates: Arc<Aggregates>,
    /// Which of them wait.
    pub index: Arc<dyn AssetIndex>,
    /// Looks at one.
    pub check: CheckAsset,
    /// Ends what a crash left of erasing one.
    pub erase: EraseAsset,
    /// How many are looked at at a time.
    pub at_once: usize,
    /// How it stands.
    pub status: DeskStatus,
    /// Ties each look to the trace of who handed the asset in.
    pub traces: Arc<dyn Traces>,
}

/// How the desk stands; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct DeskStatus(Arc<Mutex<DeskState>>);

/// How the desk stands at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeskState {
    /// Assets that are known to wait to be looked at.
    pub waiting: usize,
    /// Assets that are being looked at.
    pub running: usize,
    /// Why assets wait, when something is missing: a few words without names and paths.
    pub trouble: Option<String>,
}

impl DeskStatus {
    /// Now.
    pub fn now(&self) -> DeskState {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, change: impl FnOnce(&mut DeskState)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Why the desk does not know what waits.
#[derive(Debug, Error)]
enum DeskError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The read models could not be read.
    #[error(transparent)]
    Index(#[from] ReadStoreError),
}

/// An asset that is to be seen to.
#[derive(Clone, Debug)]
struct Task {
    id: AssetId,
    tenant: Tenant,
    standing: AssetStanding,
    /// How often it failed.
    failures: u32,
    /// How often the file may have been the reason.
    strikes: u32,
}

/// What came of seeing to an asset, and the span in which that was done.
struct Seen {
    task: Task,
    span: Span,
    done: Result<(), CheckError>,
}

/// What the desk works on.
struct Work<'a> {
    /// Whose turn it is now: what waits goes before what is to be cleared away.
    line: FairLine<Task>,
    /// The age of the next one in the line.
    age: u64,
    /// What is tried again, and when.
    later: Vec<(Instant, Task)>,
    running: FuturesUnordered<BoxFuture<'a, Seen>>,
    /// All of these.
    known: HashSet<AssetId>,
    /// Those in the line and of later that wait to be looked at.
    waiting: usize,
    /// Up to where the log is known.
    seen: u64,
    /// What is read from the rows still: those that waited, then those that are gone.
    rows: Vec<(AssetStanding, Option<AssetId>)>,
}

impl AssetDesk {
    /// Works until it is to stop. What is under way then is dropped, its children end with it, and the next start does
    /// it anew.
    pub async fn run(&self, stop: &StopSignal) {
        tokio::select! {
            () = stop.reached(Stopping::AtSafePoint) => {}
            () = self.work() => {}
        }
        self.status.set(|state| *state = DeskState::default());
    }

    async fn work(&self) {
        let mut wakeups = self.aggregates.log().wakeups();
        let mut work = self.begin().await;
        loop {
            wakeups.mark_unchanged();
            if let Err(error) = self.find(&mut work).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the desk cannot see which assets wait");
            }
            self.start(&mut work);
            self.status.set(|state| (state.waiting, state.running) = (work.waiting, work.running.len()));
            let next = work.next_due(self.at_once);
            tokio::select! {
                Some(seen) = work.running.next() => self.end(&mut work, seen),
                () = sleep_until(next) => {}
                // Whether it was a wake-up, a closed channel or time that passed: look at the log again.
                _ = timeout(POLL, async { if wakeups.changed().await.is_err() { std::future::pending::<()>().await } }) => {}
            }
        }
    }

    /// Where to begin: the rows know what was before.
    async fn begin<'a>(&self) -> Work<'a> {
        let seen = loop {
            match self.index.position().await {
                Ok(position) => break position,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the desk cannot see which assets wait");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        let rows = vec![(AssetStanding::Gone, None), (AssetStanding::Waiting, None)];
        Work {
            line: FairLine::new(),
            age: 0,
            later: Vec::new(),
            running: FuturesUnordered::new(),
            known: HashSet::new(),
            waiting: 0,
            seen,
            rows,
        }
    }

    /// Finds what waits, as much as there is room for.
    async fn find(&self, work: &mut Work<'_>) -> Result<(), DeskError> {
        while let Some((standing, after)) = work.rows.last().copied() {
            if work.is_full() {
                return Ok(());
            }
            let found = self.index.standing(standing, after, PAGE).await?;
            work.rows.pop();
            if let Some((last, _)) = found.last().filter(|_| found.len() == PAGE) {
                work.rows.push((standing, Some(*last)));
            }
            found.into_iter().for_each(|(id, tenant)| work.add(id, tenant, standing));
        }
        while !work.is_full() {
            let page = self.aggregates.log().read_log(work.seen, PAGE).await?;
            for event in &page.events {
                if let Some(id) = handed_in(event) {
                    work.add(id, event.tenant.clone(), AssetStanding::Waiting);
                }
            }
            if page.scanned_to <= work.seen {
                break;
            }
            work.seen = page.scanned_to;
        }
        Ok(())
    }

    fn start<'a>(&'a self, work: &mut Work<'a>) {
        work.line_up(Instant::now());
        while work.running.len() < self.at_once.max(1) {
            let Some(task) = work.next() else {
                return;
            };
            work.running.push(self.see_to(task).boxed());
        }
    }

    async fn see_to(&self, task: Task) -> Seen {
        let id = task.id;
        let asset = match self.aggregates.asset(id).await {
            Ok(asset) => asset,
            Err(error) => return Seen { task, span: Span::none(), done: Err(error.into()) },
        };
        if asset.state.phase == Phase::Erased {
            let tenant = asset.tenant.unwrap_or_default();
            if let Err(error) = self.erase.finish(id, &tenant).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(correlation_id = %id, error, "an asset is not wholly erased");
            }
            return Seen { task, span: Span::none(), done: Ok(()) };
        }
        let span = self.span(id, asset.traceparent.as_deref());
        let done = self.look_at(&task).instrument(span.clone()).await;
        Seen { task, span, done }
    }

    /// The look as logs and traces see it: a child of the span that handed the asset in.
    fn span(&self, id: AssetId, traceparent: Option<&str>) -> Span {
        let span = tracing::info_span!("asset", correlation_id = %id, outcome = field::Empty);
        if let Some(parent) = traceparent.and_then(|text| TraceContext::parse(text).ok()) {
            self.traces.adopt(&span, &parent);
        }
        span
    }

    async fn look_at(&self, task: &Task) -> Result<(), CheckError> {
        let checked = match task.strikes {
            TRIES_MAX.. => self.check.give_up(task.id).await?,
            0..TRIES_MAX => self.check.run(task.id, task.failures).await?,
        };
        let outcome = match checked {
            Checked::Ready => {
                tracing::info!("an asset can be dubbed");
                "ready"
            }
            Checked::PutAside(why) => {
                tracing::info!(?why, "an asset was put aside");
                "put-aside"
            }
            Checked::NotWaiting => "nothing-to-do",
        };
        Span::current().record("outcome", outcome);
        Ok(())
    }

    fn end(&self, work: &mut Work<'_>, Seen { task, span, done }: Seen) {
        let Err(error) = done else {
            work.known.remove(&task.id);
            self.status.set(|state| state.trouble = None);
            return;
        };
        let Task { id, failures, strikes, .. } = task;
        span.record("outcome", "failed");
        self.traces.fail(&span, "asset-check-failed");
        // The first time and whenever it is something else: an engine that stays away is not told of every minute.
        let trouble = trouble(&error);
        let is_news = self.status.now().trouble != trouble || trouble.is_none();
        if is_news {
            let (failures, error) = (failures + 1, &error as &dyn std::error::Error);
            tracing::warn!(parent: &span, correlation_id = %id, failures, error, "an asset could not be looked at");
        }
        self.status.set(|state| state.trouble = trouble);
        let pause = PAUSE.saturating_mul(1 << failures.min(6)).min(PAUSE_MAX).max(asked_pause(&error));
        let strikes = strikes + u32::from(error.may_be_the_files_fault());
        work.again(Instant::now() + pause, Task { failures: failures + 1, strikes, ..task });
    }
}

impl Work<'_> {
    fn is_full(&self) -> bool {
        self.line.len() + self.later.len() >= PENDING_MAX
    }

    /// Takes an asset in, unless it is known.
    fn add(&mut self, id: AssetId, tenant: Tenant, standing: AssetStanding) {
        if self.known.insert(id) {
            self.waiting += usize::from(standing == AssetStanding::Waiting);
            self.push(Task { id, tenant, standing, failures: 0, strikes: 0 });
        }
    }

    fn push(&mut self, task: Task) {
        let priority = match task.standing {
            AssetStanding::Waiting => Priority::Normal,
            AssetStanding::Gone => Priority::Low,
        };
        self.age += 1;
        self.line.push(Place { priority, tenant: task.tenant.clone(), age: self.age }, task);
    }

    /// Takes one back that is to be tried again.
    fn again(&mut self, at: Instant, task: Task) {
        self.waiting += usize::from(task.standing == AssetStanding::Waiting);
        self.later.push((at, task));
    }

    /// Puts those in the line whose pause is over.
    fn line_up(&mut self, now: Instant) {
        let (due, later) = std::mem::take(&mut self.later).into_iter().partition(|(at, _)| *at <= now);
        self.later = later;
        let due: Vec<(Instant, Task)> = due;
        due.into_iter().for_each(|(_, task)| self.push(task));
    }

    /// Takes the one out whose turn it is.
    fn next(&mut self) -> Option<Task> {
        let task = self.line.pop()?;
        self.waiting -= usize::from(task.standing == AssetStanding::Waiting);
        Some(task)
    }

    /// When something is to be begun, if there is room then.
    fn next_due(&self, at_once: usize) -> Instant {
        let now = Instant::now();
        let far = now + PAUSE_MAX;
        if self.running.len() >= at_once.max(1) {
            return far;
        }
        if !self.line.is_empty() {
            return now;
        }
        self.later.iter().map(|(at, _)| *at).min().unwrap_or(far)
    }
}

fn handed_in(event: &Recorded) -> Option<AssetId> {
    match (&event.stream, &event.event) {
        (StreamId::Asset(id), DomainEvent::Asset(AssetEvent::AssetUploaded { .. })) => Some(*id),
        (
            StreamId::Asset(_)
            | StreamId::Dubbing(_)
            | StreamId::Track(_)
            | StreamId::Project(_)
            | StreamId::Glossary(_)
            | StreamId::Tenancy(_),
            _,
        ) => None,
    }
}

/// What somebody has to see to, in a few words.
fn trouble(error: &CheckError) -> Option<String> {
    match error {
        CheckError::Engine(error @ EngineError::Missing { .. }) => Some(error.to_string()),
        CheckError::Engine(error @ EngineError::Exhausted { .. }) => Some(error.to_string()),
        CheckError::Scan(error) => Some(error.to_string()),
        CheckError::Engine(EngineError::Rejected { .. } | EngineError::Transient { .. })
        | CheckError::Command(_)
        | CheckError::Blob(_)
        | CheckError::Read(_)
        | CheckError::Release(_) => None,
    }
}

/// The pause that the engine itself named.
fn asked_pause(error: &CheckError) -> Duration {
    match error {
        CheckError::Engine(EngineError::Transient { retry_after, .. }) => {
            retry_after.unwrap_or_default().min(PAUSE_MAX)
        }
        CheckError::Engine(
            EngineError::Missing { .. } | EngineError::Rejected { .. } | EngineError::Exhausted { .. },
        )
        | CheckError::Scan(_)
        | CheckError::Command(_)
        | CheckError::Blob(_)
        | CheckError::Read(_)
        | CheckError::Release(_) => Duration::ZERO,
    }
}
