//! The asset desk: sees to it that every asset that was handed in is looked at, a few at a time.
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
    ports::{
        asset_index::{AssetIndex, AssetStanding},
        engine::EngineError,
        event_log::{DomainEvent, ReadError, Recorded, StreamId},
        read_store::ReadStoreError,
        trace::{TraceContext, Traces},
    },
    stop::{StopSignal, Stopping},
};
use domain::{
    asset::{AssetEvent, Phase},
    value::AssetId,
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{
    collections::BTreeMap,
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
    /// Assets that are known to wait.
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

/// What is to be done, and when.
#[derive(Clone, Copy, Debug)]
struct Due {
    at: Instant,
    /// How often it failed.
    failures: u32,
    /// How often the file may have been the reason.
    strikes: u32,
}

/// What came of seeing to an asset, and the span in which that was done.
struct Seen {
    id: AssetId,
    span: Span,
    done: Result<(), CheckError>,
}

/// What the desk works on.
struct Work<'a> {
    pending: BTreeMap<AssetId, Due>,
    running: BTreeMap<AssetId, Due>,
    tasks: FuturesUnordered<BoxFuture<'a, Seen>>,
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
            self.status.set(|state| (state.waiting, state.running) = (work.pending.len(), work.running.len()));
            let next = work.next_due(self.at_once);
            tokio::select! {
                Some(seen) = work.tasks.next() => self.end(&mut work, seen),
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
        Work { pending: BTreeMap::new(), running: BTreeMap::new(), tasks: FuturesUnordered::new(), seen, rows }
    }

    /// Finds what waits, as much as there is room for.
    async fn find(&self, work: &mut Work<'_>) -> Result<(), DeskError> {
        while let Some((standing, after)) = work.rows.last().copied() {
            if work.is_full() {
                return Ok(());
            }
            let found = self.index.standing(standing, after, PAGE).await?;
            found.iter().for_each(|id| work.add(*id));
            work.rows.pop();
            if let Some(last) = found.last().filter(|_| found.len() == PAGE) {
                work.rows.push((standing, Some(*last)));
            }
        }
        while !work.is_full() {
            let page = self.aggregates.log().read_log(work.seen, PAGE).await?;
            page.events.iter().filter_map(handed_in).for_each(|id| work.add(id));
            if page.scanned_to <= work.seen {
                break;
            }
            work.seen = page.scanned_to;
        }
        Ok(())
    }

    fn start<'a>(&'a self, work: &mut Work<'a>) {
        let now = Instant::now();
        while work.running.len() < self.at_once.max(1) {
            let Some(id) = work.pending.iter().find(|(_, due)| due.at <= now).map(|(id, _)| *id) else {
                return;
            };
            let Some(due) = work.pending.remove(&id) else {
                return;
            };
            work.running.insert(id, due);
            work.tasks.push(self.see_to(id, due.strikes).boxed());
        }
    }

    async fn see_to(&self, id: AssetId, strikes: u32) -> Seen {
        let asset = match self.aggregates.asset(id).await {
            Ok(asset) => asset,
            Err(error) => return Seen { id, span: Span::none(), done: Err(error.into()) },
        };
        if asset.state.phase == Phase::Erased {
            let tenant = asset.tenant.unwrap_or_default();
            if let Err(error) = self.erase.finish(id, &tenant).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(correlation_id = %id, error, "an asset is not wholly erased");
            }
            return Seen { id, span: Span::none(), done: Ok(()) };
        }
        let span = self.span(id, asset.traceparent.as_deref());
        let done = self.look_at(id, strikes).instrument(span.clone()).await;
        Seen { id, span, done }
    }

    /// The look as logs and traces see it: a child of the span that handed the asset in.
    fn span(&self, id: AssetId, traceparent: Option<&str>) -> Span {
        let span = tracing::info_span!("asset", correlation_id = %id, outcome = field::Empty);
        if let Some(parent) = traceparent.and_then(|text| TraceContext::parse(text).ok()) {
            self.traces.adopt(&span, &parent);
        }
        span
    }

    async fn look_at(&self, id: AssetId, strikes: u32) -> Result<(), CheckError> {
        let checked = if strikes >= TRIES_MAX { self.check.give_up(id).await? } else { self.check.run(id).await? };
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

    fn end(&self, work: &mut Work<'_>, Seen { id, span, done }: Seen) {
        let Some(due) = work.running.remove(&id) else {
            return;
        };
        let Err(error) = done else {
            self.status.set(|state| state.trouble = None);
            return;
        };
        // The first time and whenever it is something else: an engine that stays away is not told of every minute.
        span.record("outcome", "failed");
        self.traces.fail(&span, "asset-check-failed");
        let trouble = trouble(&error);
        let is_news = self.status.now().trouble != trouble || trouble.is_none();
        if is_news {
            let (failures, error) = (due.failures + 1, &error as &dyn std::error::Error);
            tracing::warn!(parent: &span, correlation_id = %id, failures, error, "an asset could not be looked at");
        }
        self.status.set(|state| state.trouble = trouble);
        let pause = PAUSE.saturating_mul(1 << due.failures.min(6)).min(PAUSE_MAX).max(asked_pause(&error));
        let strikes = due.strikes + u32::from(error.may_be_the_files_fault());
        work.pending.insert(id, Due { at: Instant::now() + pause, failures: due.failures + 1, strikes });
    }
}

impl Work<'_> {
    fn is_full(&self) -> bool {
        self.pending.len() >= PENDING_MAX
    }

    fn add(&mut self, id: AssetId) {
        if !self.running.contains_key(&id) {
            self.pending.entry(id).or_insert(Due { at: Instant::now(), failures: 0, strikes: 0 });
        }
    }

    /// When something is to be begun, if there is room then.
    fn next_due(&self, at_once: usize) -> Instant {
        let far = Instant::now() + PAUSE_MAX;
        if self.running.len() >= at_once.max(1) {
            return far;
        }
        self.pending.values().map(|due| due.at).min().unwrap_or(far)
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
            | StreamId::Glossary(_),
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
