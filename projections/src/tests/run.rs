//! How the runner gets there.

use super::{Models, all, folded, hooked::Hooked, models, runner};
use crate::{Projection, RunnerError};
use application::{
    ports::{
        event_log::{Recorded, StreamId},
        read_store::{ReadStore, ReadStoreError, Row, RowKey, Table},
    },
    testing::{
        MemoryReadStore, RecordedLog,
        story::{Random, Story},
    },
};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// Bound for what shall happen.
const SOON: Duration = Duration::from_secs(60);

#[tokio::test]
async fn rows_are_the_same_live_in_one_go_and_anew() {
    let mut empty: Vec<&str> = all().iter().map(|projection| projection.name()).collect();
    for seed in 0..6 {
        let story = Story::of_events(seed, 3, 1_500);
        let events = Story::up_to_parked(story.events());
        let (log, store) = (Arc::new(RecordedLog::new(vec![])), Arc::new(MemoryReadStore::new()));
        let runner = runner(&log, &store);
        let mut random = Random::new(seed);
        let mut rest = events;
        while !rest.is_empty() {
            let (some, later) = rest.split_at(rest.len().min(usize::try_from(random.below(40)).unwrap()));
            log.push(some.iter().cloned());
            rest = later;
            assert_eq!(runner.catch_up().await.unwrap(), (events.len() - rest.len()) as u64);
        }
        let live = models(&*store).await;
        empty.retain(|model| live.get(model).is_some_and(Vec::is_empty));
        assert_eq!(live, folded(events).await, "in one go, seed {seed}");
        assert_eq!(runner.rebuild().await.unwrap(), events.len() as u64);
        assert_eq!(models(&*store).await, live, "anew, seed {seed}");
    }
    assert_eq!(empty, Vec::<&str>::new(), "no story tells of these");
}

#[tokio::test]
async fn projections_that_stand_apart_come_together() {
    let story = Story::of_events(3, 2, 900);
    let (log, store) = (Arc::new(RecordedLog::new(story.events()[..400].to_vec())), Arc::new(MemoryReadStore::new()));
    let every = runner(&log, &store);
    for (place, projection) in all().into_iter().enumerate() {
        // Each projection is left behind at another place.
        let early = Arc::new(RecordedLog::new(story.events()[..30 * place].to_vec()));
        runner(&early, &store).with(vec![projection]).catch_up().await.unwrap();
    }
    assert_eq!(every.catch_up().await.unwrap(), 400);
    assert_eq!(models(&*store).await, folded(&story.events()[..400]).await);
    // One of them is thrown away; the others do not notice.
    let model = &all()[1];
    store.reset(model.name(), model.table()).await.unwrap();
    log.push(story.events()[400..].iter().cloned());
    every.catch_up().await.unwrap();
    assert_eq!(models(&*store).await, folded(story.events()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_runners_of_one_store_do_no_harm() {
    let story = Story::of_events(4, 3, 2_000);
    let (log, store) = (Arc::new(RecordedLog::new(story.events().to_vec())), Arc::new(MemoryReadStore::new()));
    let runners: Vec<_> = (0..4)
        .map(|_| {
            let runner = runner(&log, &store).with_batch(7);
            tokio::spawn(async move { runner.catch_up().await })
        })
        .collect();
    for runner in runners {
        runner.await.unwrap().unwrap();
    }
    assert_eq!(models(&*store).await, folded(story.events()).await);
}

#[tokio::test]
async fn rows_of_a_log_that_is_gone_are_forgotten() {
    let (old, new) = (Story::of_events(8, 2, 500), Story::of_events(9, 2, 200));
    assert!(old.events().len() > new.events().len());
    let store = Arc::new(MemoryReadStore::new());
    runner(&Arc::new(RecordedLog::new(old.events().to_vec())), &store).catch_up().await.unwrap();
    runner(&Arc::new(RecordedLog::new(new.events().to_vec())), &store).catch_up().await.unwrap();
    assert_eq!(models(&*store).await, folded(new.events()).await);
}

/// Rows hold what a log holds, before long.
async fn wait_for(store: &MemoryReadStore, expected: &Models) {
    let reached = async {
        while models(store).await != *expected {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, reached).await.expect("the rows follow the log");
}

#[tokio::test(start_paused = true)]
async fn it_follows_the_log_woken_up_or_not_until_it_is_dropped() {
    let story = Story::of_events(10, 2, 600);
    let events = story.events();
    let (log, store) = (Arc::new(RecordedLog::new(vec![])), Arc::new(MemoryReadStore::new()));
    let running = tokio::spawn({
        let runner = runner(&log, &store);
        async move { runner.run().await }
    });
    log.push(events[..200].iter().cloned());
    wait_for(&store, &folded(&events[..200]).await).await;
    log.push_silently(events[200..400].iter().cloned());
    wait_for(&store, &folded(&events[..400]).await).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    log.push(events[400..].iter().cloned());
    sleep(Duration::from_secs(10)).await;
    assert_eq!(models(&*store).await, folded(&events[..400]).await, "dropped, it does nothing more");
}

#[tokio::test]
async fn a_full_disk_ends_it_and_room_lets_it_go_on() {
    let story = Story::of_events(11, 2, 900);
    let log = Arc::new(RecordedLog::new(story.events().to_vec()));
    let (store, room) = (Arc::new(MemoryReadStore::new()), Arc::new(AtomicU64::new(4)));
    let left = Arc::clone(&room);
    let filling = Hooked::new(&store, move |call| {
        let is_write = call.name == "apply_all" && !call.is_done;
        let is_full =
            is_write && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |room| room.checked_sub(1)).is_err();
        if is_full { Err(ReadStoreError::OutOfRoom) } else { Ok(()) }
    });
    let runner = crate::Runner::new(log, filling).with_batch(100);
    let failed = timeout(SOON, runner.run()).await.expect("it says what is wrong");
    assert!(matches!(failed, RunnerError::Store(ReadStoreError::OutOfRoom)), "{failed}");
    assert!(failed.is_out_of_room());
    room.store(u64::MAX, Ordering::SeqCst);
    runner.catch_up().await.unwrap();
    assert_eq!(models(&*store).await, folded(story.events()).await);
}

/// Counts in rows of its own how often each job is spoken of, and removes a row at every tenth time.
struct Counter;

static COUNTS: Table = Table { name: "counts", key: &["job_id"], columns: &["job_id", "count"] };

impl Projection for Counter {
    fn name(&self) -> &'static str {
        "counts"
    }

    fn table(&self) -> &'static Table {
        &COUNTS
    }

    fn touches(&self, event: &Recorded) -> crate::Touched {
        crate::Touched::one(vec![crate::row::job_of(&event.stream)])
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        Some(vec![crate::row::job_of(stream)])
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, _: &Recorded, _: &crate::Beside<'_>) -> Option<Row> {
        let count = row.and_then(|row| row["count"].as_i64()).unwrap_or(0) + 1;
        let row = [("job_id".to_owned(), key[0].clone()), ("count".to_owned(), json!(count))];
        (count < 10).then(|| row.into_iter().collect())
    }
}

#[tokio::test]
async fn rows_can_be_removed_and_come_back() {
    let story = Story::of_events(12, 3, 500);
    for batch in [1, 9, 10, 11, 1_000] {
        let (log, store) = (Arc::new(RecordedLog::new(story.events().to_vec())), Arc::new(MemoryReadStore::new()));
        runner(&log, &store).with(vec![Arc::new(Counter)]).with_batch(batch).catch_up().await.unwrap();
        for id in story.dubbings().keys() {
            let key = json!(id.to_string());
            let of_job = story.events().iter().filter(|event| crate::row::job_of(&event.stream) == key).count();
            let row = store.load(&COUNTS, &[vec![key]]).await.unwrap().remove(0);
            let counted = row.map_or(0, |row| row["count"].as_u64().unwrap());
            assert_eq!(counted, (of_job % 10) as u64, "in batches of {batch}");
        }
    }
}
