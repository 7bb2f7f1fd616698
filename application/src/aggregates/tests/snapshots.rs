//! When snapshots are taken and asked for, what they spare, and that a bad one is as good as none.

use super::log::CountingLog;
use crate::{
    aggregates::{
        Aggregates, CommandMeta, Loaded,
        keeper::SNAPSHOT_EVERY,
        load::{FIRST_PAGE, PAGE},
    },
    ports::{
        event_log::{DomainEvent, EventLog, StreamId, Tenant},
        key_vault::KeyVault,
        snapshots::{Snapshot, SnapshotError, Snapshots},
    },
    testing::{
        MemoryKeyVault, MemorySnapshots,
        story::{long_track, long_track_id},
    },
};
use async_trait::async_trait;
use domain::{
    decider::Decider,
    track::{LineChange, Track, TrackCommand},
    value::{Personal, Sha256, TrackId, UtteranceId},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// How long something that must happen may take.
const PATIENCE: Duration = Duration::from_secs(30);
const VERSION: u32 = Track::STATE_VERSION;

/// Snapshots that count how often they are asked, and can be told to fail or to wait.
struct Watched {
    kept: MemorySnapshots,
    loads: AtomicUsize,
    saves: AtomicUsize,
    fails: Mutex<bool>,
    /// Saves wait for it.
    gate: Semaphore,
}

#[async_trait]
impl Snapshots for Watched {
    async fn load(&self, stream: &StreamId, version: u32) -> Result<Option<Snapshot>, SnapshotError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.work()?;
        self.kept.load(stream, version).await
    }

    async fn save(&self, stream: &StreamId, version: u32, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.saves.fetch_add(1, Ordering::SeqCst);
        let _passed = self.gate.acquire().await.unwrap();
        self.work()?;
        self.kept.save(stream, version, snapshot).await
    }
}

impl Watched {
    fn work(&self) -> Result<(), SnapshotError> {
        if *self.fails.lock().unwrap() { Err(SnapshotError("told to fail".into())) } else { Ok(()) }
    }

    fn asked(&self) -> (usize, usize) {
        (self.loads.load(Ordering::SeqCst), self.saves.load(Ordering::SeqCst))
    }
}

/// A track in a log, beside snapshots.
struct House {
    log: Arc<CountingLog>,
    snapshots: Arc<Watched>,
    vault: Arc<MemoryKeyVault>,
}

fn stream() -> StreamId {
    StreamId::Track(long_track_id())
}

impl House {
    fn of_events(events: usize) -> Self {
        let vault = Arc::new(MemoryKeyVault::new(1));
        vault.ensure(stream().subject()).unwrap();
        let kept = MemorySnapshots::new(vault.clone());
        let (loads, saves, fails) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(false));
        let snapshots = Arc::new(Watched { kept, loads, saves, fails, gate: Semaphore::new(8) });
        let log = CountingLog::with(&stream(), long_track(events).into_iter().map(DomainEvent::Track));
        Self { log: Arc::new(log), snapshots, vault }
    }

    /// As after a restart.
    fn fresh(&self) -> Aggregates {
        self.without().with_snapshots(self.snapshots.clone())
    }

    fn without(&self) -> Aggregates {
        Aggregates::new(self.log.clone() as Arc<dyn EventLog>)
    }

    async fn loaded(&self, aggregates: &Aggregates) -> Loaded<Track> {
        aggregates.load(&stream()).await.unwrap()
    }

    /// Waits until the snapshot at this revision is there.
    async fn kept_at(&self, revision: u64) {
        wait_for(|| self.snapshots.kept.revision_of(&stream()) == Some(revision)).await;
    }

    /// A house whose snapshot is at its track's end.
    async fn with_snapshot(events: usize) -> Self {
        let house = Self::of_events(events);
        house.loaded(&house.fresh()).await;
        house.kept_at(events as u64).await;
        house.log.reads();
        house
    }

    /// Fails unless a fresh process comes to the same state as one without snapshots. Gives how many events it read.
    async fn assert_folded_right(&self) -> usize {
        self.log.reads();
        let found = self.loaded(&self.fresh()).await;
        let (_, read) = self.log.reads();
        let folded = self.loaded(&self.without()).await;
        assert_same(&found, &folded);
        read
    }
}

fn assert_same(found: &Loaded<Track>, folded: &Loaded<Track>) {
    assert_eq!((found.revision, found.hash), (folded.revision, folded.hash));
    assert_eq!((&found.tenant, &found.traceparent), (&folded.tenant, &folded.traceparent));
    assert!(found.state == folded.state, "the states differ");
}

async fn wait_for(met: impl Fn() -> bool) {
    let begun = Instant::now();
    while !met() {
        assert!(begun.elapsed() < PATIENCE, "what must happen did not");
        tokio::task::yield_now().await;
    }
}

/// Says a line anew.
async fn correct(aggregates: &Aggregates, number: u128) -> u64 {
    let translation = Some(Some(Personal::new(format!("said for the {number}. time"))));
    let change = LineChange { translation, ..LineChange::default() };
    let command = TrackCommand::Correct { utterance: UtteranceId(1), change, source_revision: 1 };
    let meta = CommandMeta::fresh("test", Uuid::from_u128(number)).traced(Some(format!("trace {number}")));
    aggregates.execute::<Track>(&stream(), command, &meta).await.unwrap().unwrap().revision
}

#[tokio::test]
async fn a_command_on_a_long_track_costs_no_more_than_a_page_and_a_bit() {
    let house = House::with_snapshot(10_000).await;
    assert_eq!(correct(&house.fresh(), 1).await, 10_001);
    let (pages, read) = house.log.reads();
    assert_eq!((pages, read), (2, FIRST_PAGE + 1), "the first page, and the event of the snapshot");

    assert_eq!(correct(&house.without(), 2).await, 10_002);
    let (_, read) = house.log.reads();
    assert_eq!(read, 10_001, "what it is without snapshots");

    let short = House::of_events(FIRST_PAGE - 1);
    assert_eq!(correct(&short.fresh(), 1).await, FIRST_PAGE as u64);
    assert_eq!(short.log.reads(), (1, FIRST_PAGE - 1));
    assert_eq!(short.snapshots.asked(), (0, 0), "a short stream is not asked about");
}

#[tokio::test]
async fn however_long_a_track_grows_a_fresh_process_reads_two_pages_at_most() {
    let house = House::of_events(600);
    let writer = house.fresh();
    house.loaded(&writer).await;
    house.kept_at(600).await;
    for number in 1..=2_000 {
        let revision = correct(&writer, number).await;
        // Those that are due are taken while the track goes on; here each is waited for.
        if (revision - 600).is_multiple_of(SNAPSHOT_EVERY) {
            house.kept_at(revision).await;
        }
        if number % 83 == 0 {
            let read = house.assert_folded_right().await;
            assert!(read <= FIRST_PAGE + SNAPSHOT_EVERY as usize, "{read} events at revision {revision}");
        }
    }
    assert_eq!(house.snapshots.saves.load(Ordering::SeqCst), 1 + 2_000 / SNAPSHOT_EVERY as usize);
    assert_eq!(house.snapshots.loads.load(Ordering::SeqCst), 1 + 2_000 / 83, "what is cached is not asked for");
}

#[tokio::test]
async fn a_snapshot_at_any_revision_goes_on_with_what_came_after() {
    let house = House::of_events(700);
    let all = long_track(700);
    // Nothing else is kept meanwhile.
    let _closed = house.snapshots.gate.acquire_many(8).await.unwrap();
    let mut state = Track::default();
    for (revision, event) in (1..).zip(&all) {
        Track::evolve(&mut state, event);
        if revision < 60 || revision % 16 == 0 || revision > 690 {
            let snapshot = at(&house, revision, &state).await;
            house.snapshots.kept.save(&stream(), VERSION, &snapshot).await.unwrap();
            let read = house.assert_folded_right().await;
            let after = 700 - usize::try_from(revision).unwrap();
            assert_eq!(read, FIRST_PAGE + 1 + after, "the snapshot at {revision} is used");
        }
    }
}

/// What would have been kept at a revision.
async fn at(house: &House, revision: u64, state: &Track) -> Snapshot {
    let last = house.log.read_stream(&stream(), revision, 1).await.unwrap().remove(0);
    let state = serde_json::to_vec(state).unwrap();
    Snapshot { revision, hash: last.hash, tenant: last.tenant, traceparent: last.traceparent, state }
}

#[tokio::test]
async fn a_snapshot_that_does_not_fit_is_as_good_as_none() {
    let house = House::with_snapshot(900).await;
    let good = house.snapshots.kept.load(&stream(), VERSION).await.unwrap().unwrap();
    let check = async |what: &str, version: u32, snapshot: Snapshot| {
        let (_, saves) = house.snapshots.asked();
        house.snapshots.kept.save(&stream(), version, &snapshot).await.unwrap();
        let read = house.assert_folded_right().await;
        assert!(read >= 900, "{what}: {read} events read");
        // One that fits takes its place.
        wait_for(|| house.snapshots.asked().1 == saves + 1).await;
        house.kept_at(900).await;
    };
    check("of another version", VERSION + 1, good.clone()).await;
    check("no state", VERSION, Snapshot { state: b"{}".to_vec(), ..good.clone() }).await;
    check("no text", VERSION, Snapshot { state: vec![0xff, 0], ..good.clone() }).await;
    check("cut off", VERSION, Snapshot { state: good.state[..good.state.len() / 2].to_vec(), ..good.clone() }).await;
    check("of another history", VERSION, Snapshot { hash: Sha256::new([9; 32]), ..good.clone() }).await;
    check("of another event", VERSION, Snapshot { revision: 899, ..good.clone() }).await;
    check("beyond the end", VERSION, Snapshot { revision: 901, ..good.clone() }).await;
    check("far beyond the end", VERSION, Snapshot { revision: u64::MAX, ..good.clone() }).await;
    check("of no event", VERSION, Snapshot { revision: 0, ..good.clone() }).await;
    assert_eq!(house.assert_folded_right().await, FIRST_PAGE + 1, "the good one is used");
}

#[tokio::test]
async fn a_log_that_was_restored_and_went_on_otherwise_is_believed() {
    let house = House::with_snapshot(900).await;
    house.log.cut(&stream(), 400);
    assert!(house.assert_folded_right().await >= 400, "beyond the end");
    house.kept_at(400).await;
    // The newer one was replaced by one that fits, and what is written from now on is another history.
    let aggregates = house.fresh();
    for number in 1..=600 {
        correct(&aggregates, number).await;
    }
    house.assert_folded_right().await;
}

#[tokio::test]
async fn without_the_key_there_is_no_snapshot() {
    let house = House::with_snapshot(900).await;
    house.vault.destroy(stream().subject()).unwrap();
    assert!(house.assert_folded_right().await >= 900);
}

#[tokio::test]
async fn snapshots_that_fail_are_no_failure() {
    let house = House::with_snapshot(900).await;
    *house.snapshots.fails.lock().unwrap() = true;
    assert!(house.assert_folded_right().await >= 900);
    let aggregates = house.fresh();
    assert_eq!(correct(&aggregates, 1).await, 901);
}

#[tokio::test]
async fn snapshots_that_do_not_answer_are_not_waited_for_for_ever() {
    struct Silent;
    #[async_trait]
    impl Snapshots for Silent {
        async fn load(&self, _: &StreamId, _: u32) -> Result<Option<Snapshot>, SnapshotError> {
            std::future::pending().await
        }
        async fn save(&self, _: &StreamId, _: u32, _: &Snapshot) -> Result<(), SnapshotError> {
            std::future::pending().await
        }
    }
    let house = House::of_events(900);
    let aggregates = house.without().with_snapshots(Arc::new(Silent));
    assert_eq!(correct(&aggregates, 1).await, 901);
}

#[tokio::test]
async fn while_too_many_are_taken_others_wait_for_the_next_event() {
    let house = House::of_events(600);
    let closed = house.snapshots.gate.acquire_many(8).await.unwrap();
    let aggregates = house.fresh();
    // Of three streams with something to keep, one goes without.
    let others = ["ca", "pt-BR"].map(|language| {
        let other = StreamId::Track(TrackId { language: language.parse().unwrap(), ..long_track_id() });
        house.log.write(&other, long_track(600).into_iter().map(|event| (DomainEvent::Track(event), None)));
        other
    });
    for stream in others.iter().chain([&stream()]) {
        aggregates.load::<Track>(stream).await.unwrap();
    }
    wait_for(|| house.snapshots.asked().1 == 2).await;
    drop(closed);
    wait_for(|| others.iter().all(|other| house.snapshots.kept.revision_of(other) == Some(600))).await;
    assert_eq!(house.snapshots.kept.revision_of(&stream()), None);
    // A place is free once the two are there, and the next event is an opportunity.
    let begun = Instant::now();
    let mut number = 0;
    while house.snapshots.kept.revision_of(&stream()).is_none() {
        number += 1;
        correct(&aggregates, number).await;
        tokio::task::yield_now().await;
        assert!(begun.elapsed() < PATIENCE, "the next event takes it");
    }
}

#[tokio::test]
async fn a_state_that_is_kept_anew_is_the_newest() {
    let house = House::of_events(SNAPSHOT_EVERY as usize - 1);
    let aggregates = house.fresh();
    house.loaded(&aggregates).await;
    assert_eq!(house.snapshots.asked().1, 0, "too short");
    assert_eq!(correct(&aggregates, 1).await, SNAPSHOT_EVERY);
    house.kept_at(SNAPSHOT_EVERY).await;
    let kept = house.snapshots.kept.load(&stream(), VERSION).await.unwrap().unwrap();
    assert_eq!(kept.traceparent.as_deref(), Some("trace 1"));
    assert_eq!(kept.tenant, Tenant("theirs".to_owned()));
    house.assert_folded_right().await;
    // A page that is full to the last event is gone on from.
    let more = long_track(SNAPSHOT_EVERY as usize + PAGE).split_off(SNAPSHOT_EVERY as usize);
    house.log.write(&stream(), more.into_iter().map(|event| (DomainEvent::Track(event), None)));
    house.assert_folded_right().await;
}
