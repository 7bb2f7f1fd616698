//! What the runner says: how far the read models are, and which rows changed.

use super::{all, folded, models, runner};
use crate::Invalidation;
use application::{
    ports::read_store::{ReadStore, Row, RowKey},
    testing::{
        MemoryReadStore, RecordedLog,
        story::{Random, Story},
    },
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(60);

/// What a listener heard: keys by table, and tables that were forgotten.
#[derive(Default)]
struct Heard {
    touched: Mutex<BTreeMap<&'static str, Vec<RowKey>>>,
    forgotten: Mutex<Vec<&'static str>>,
}

impl Invalidation for Heard {
    fn touched(&self, table: &'static str, keys: &[RowKey], _position: u64) {
        self.touched.lock().unwrap().entry(table).or_default().extend_from_slice(keys);
    }

    fn forgotten(&self, table: &'static str) {
        self.forgotten.lock().unwrap().push(table);
    }
}

#[tokio::test]
async fn every_row_that_changed_is_named_and_no_other() {
    let story = Story::of_events(50, 2, 900);
    let (log, store, heard) =
        (Arc::new(RecordedLog::new(vec![])), Arc::new(MemoryReadStore::new()), Arc::new(Heard::default()));
    let runner = runner(&log, &store).telling(heard.clone());
    runner.catch_up().await.unwrap();
    assert_eq!(heard.forgotten.lock().unwrap().len(), all().len(), "nobody knows what was there before");
    heard.forgotten.lock().unwrap().clear();
    let (mut random, mut rest) = (Random::new(50), story.events());
    let mut before = models(&*store).await;
    while !rest.is_empty() {
        let (some, later) = rest.split_at(rest.len().min(1 + random.below(20) as usize));
        log.push(some.iter().cloned());
        rest = later;
        runner.catch_up().await.unwrap();
        let after = models(&*store).await;
        let mut told = std::mem::take(&mut *heard.touched.lock().unwrap());
        for projection in all() {
            let (name, table) = (projection.name(), projection.table());
            let key = |row: &Row| -> RowKey { table.key.iter().map(|column| row[*column].clone()).collect() };
            let differs = |one: &[Row], other: &[Row]| -> Vec<RowKey> {
                one.iter().filter(|row| !other.contains(row)).map(key).collect()
            };
            let mut changed = differs(&after[name], &before[name]);
            changed.extend(differs(&before[name], &after[name]));
            let mut told = told.remove(table.name).unwrap_or_default();
            for keys in [&mut changed, &mut told] {
                keys.sort_by_key(|key| format!("{key:?}"));
                keys.dedup();
            }
            assert_eq!(told, changed, "{name}");
        }
        before = after;
    }
    assert!(heard.forgotten.lock().unwrap().is_empty(), "this runner did all of it");
}

#[tokio::test]
async fn what_another_runner_wrote_is_forgotten() {
    let story = Story::of_events(51, 2, 300);
    let (log, store, heard) =
        (Arc::new(RecordedLog::new(vec![])), Arc::new(MemoryReadStore::new()), Arc::new(Heard::default()));
    let (first, second) = (runner(&log, &store).telling(heard.clone()), runner(&log, &store));
    first.catch_up().await.unwrap();
    heard.forgotten.lock().unwrap().clear();
    log.push(story.events().iter().cloned());
    second.catch_up().await.unwrap();
    first.catch_up().await.unwrap();
    assert_eq!(heard.forgotten.lock().unwrap().len(), all().len());
    assert_eq!(*first.applied().borrow(), story.events().len() as u64);
}

/// Who waits for a position reads rows that hold up to it.
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_position_reads_what_was_written() {
    let story = Story::of_events(52, 2, 400);
    let (log, store) = (Arc::new(RecordedLog::new(vec![])), Arc::new(MemoryReadStore::new()));
    let runner = runner(&log, &store);
    let (mut applied, mut jobs) = (runner.applied(), runner.applied_to("jobs").unwrap());
    assert!(runner.applied_to("nothing").is_none());
    let running = tokio::spawn(async move { runner.run().await });
    let clock = tokio::time::Instant::now();
    for (place, event) in story.events().iter().enumerate() {
        log.push([event.clone()]);
        let position = place as u64 + 1;
        timeout(SOON, applied.wait_for(|applied| *applied >= position)).await.unwrap().unwrap();
        timeout(SOON, jobs.wait_for(|applied| *applied >= position)).await.unwrap().unwrap();
        assert!(store.checkpoint("jobs").await.unwrap() >= position);
    }
    // The clock stands still but for pauses: events that come alone are not gathered for long.
    assert!(clock.elapsed() <= Duration::from_millis(5) * story.events().len() as u32, "{:?}", clock.elapsed());
    assert_eq!(models(&*store).await, folded(story.events()).await);
    running.abort();
}

/// A read model that is folded anew does not hold the others back.
#[tokio::test]
async fn one_that_is_folded_anew_comes_last() {
    let story = Story::of_events(53, 2, 600);
    let (log, store) = (Arc::new(RecordedLog::new(story.events()[..500].to_vec())), Arc::new(MemoryReadStore::new()));
    runner(&log, &store).catch_up().await.unwrap();
    let late = &all()[1];
    store.reset(late.name(), late.table()).await.unwrap();
    log.push(story.events()[500..].iter().cloned());
    let order = Arc::new(Heard::default());
    let runner = runner(&log, &store).with_batch(50).telling(Arc::new(Order(Arc::clone(&order))));
    runner.catch_up().await.unwrap();
    assert!(!order.forgotten.lock().unwrap().is_empty(), "jobs were at the head while tracks were not");
    assert_eq!(models(&*store).await, folded(story.events()).await);
}

/// Notes that jobs went on while the tracks' table was nearly empty.
struct Order(Arc<Heard>);

impl Invalidation for Order {
    fn touched(&self, table: &'static str, keys: &[RowKey], position: u64) {
        self.0.touched(table, keys, position);
        if table == "jobs" && position > 500 && !self.0.touched.lock().unwrap().contains_key("tracks") {
            self.0.forgotten.lock().unwrap().push(table);
        }
    }

    fn forgotten(&self, _table: &'static str) {}
}
