//! The conformance kit of the read store: every promise of the port, as a check.
//!
//! An adapter's test calls [`run`] with a way to make a fresh store and a table to try. Deliberately
//! absent: what only a durable store can show (opening again, crashes, full disks).

#![expect(clippy::unwrap_used, reason = "a conformance kit fails by panicking")]

mod pages;

use crate::ports::read_store::{Batch, ReadStore, ReadStoreError, Row, RowKey, Table};
use serde_json::{Value, json};
use std::{collections::BTreeMap, future::Future, sync::Arc};

/// A table that the store has, and rows for it.
#[derive(Clone, Copy)]
pub struct Sample {
    /// The table. Its key has several columns, the last of them a number.
    pub table: &'static Table,
    /// The row of a number, in one of its versions: equal numbers have equal keys, and rows of different
    /// versions differ. Among the columns are a text, a negative number, a truth value and a null.
    pub row: fn(u32, u32) -> Row,
    /// A column of texts that is not of the key; it may be null.
    pub text: &'static str,
    /// A column of numbers that is not of the key; it may be null.
    pub number: &'static str,
}

/// A projection in the kit's checks.
const ONE: &str = "one";
/// Another one.
const OTHER: &str = "other";

/// Checks every promise, each on a fresh store. The second value that `make` gives lives as long as the
/// store: a temporary folder. Panics at the first broken promise. Needs a runtime of several threads.
pub async fn run<Keep, Made: Future<Output = (Arc<dyn ReadStore>, Keep)>>(make: impl Fn() -> Made, sample: Sample) {
    let s = &sample;
    let (store, _keep) = make().await;
    a_new_store_is_empty(&*store, s).await;
    let (store, _keep) = make().await;
    rows_come_back_as_written_and_in_the_order_asked(&*store, s).await;
    let (store, _keep) = make().await;
    rows_are_replaced_and_removed(&*store, s).await;
    let (store, _keep) = make().await;
    a_moved_checkpoint_refuses_the_whole_batch(&*store, s).await;
    let (store, _keep) = make().await;
    several_steps_are_taken_together(&*store, s).await;
    let (store, _keep) = make().await;
    checkpoints_are_per_projection(&*store, s).await;
    let (store, _keep) = make().await;
    large_batches_are_whole(&*store, s).await;
    let (store, _keep) = make().await;
    queries_filter_and_sort(&*store, s).await;
    let (store, _keep) = make().await;
    a_reset_forgets_rows_and_checkpoint(&*store, s).await;
    let (store, _keep) = make().await;
    rows_of_another_shape_are_refused_whole(&*store, s).await;
    pages::check(&make, s).await;
    let (store, _keep) = make().await;
    each_step_has_one_winner(store, *s).await;
}

impl Sample {
    pub(super) fn rows(&self, numbers: impl IntoIterator<Item = u32>, version: u32) -> Vec<Row> {
        numbers.into_iter().map(|number| (self.row)(number, version)).collect()
    }

    fn key(&self, number: u32) -> RowKey {
        let row = (self.row)(number, 0);
        self.table.key.iter().map(|column| row.get(*column).cloned().unwrap()).collect()
    }

    pub(super) fn keys(&self, numbers: impl IntoIterator<Item = u32>) -> Vec<RowKey> {
        numbers.into_iter().map(|number| self.key(number)).collect()
    }

    pub(super) fn batch(&self, projection: &'static str, from: u64, to: u64, upserts: Vec<Row>) -> Batch {
        Batch { projection, from, to, table: self.table, upserts, deletes: vec![] }
    }
}

async fn a_new_store_is_empty(store: &dyn ReadStore, s: &Sample) {
    assert_eq!(store.checkpoint(ONE).await.unwrap(), 0);
    assert_eq!(store.load(s.table, &s.keys(1..=2)).await.unwrap(), [None, None]);
    assert_eq!(store.load(s.table, &[]).await.unwrap(), []);
    assert!(store.query(s.table, &[]).await.unwrap().is_empty());
}

async fn rows_come_back_as_written_and_in_the_order_asked(store: &dyn ReadStore, s: &Sample) {
    let rows = s.rows(1..=3, 1);
    let kinds: Vec<&Value> = rows.iter().flat_map(Row::values).collect();
    let has = |what: &dyn Fn(&Value) -> bool| kinds.iter().any(|value| what(value));
    assert!(has(&Value::is_null) && has(&Value::is_boolean) && has(&Value::is_string), "a poor sample");
    assert!(has(&|value| value.as_i64().is_some_and(|number| number < 0)), "a poor sample");

    store.apply(s.batch(ONE, 0, 7, rows.clone())).await.unwrap();
    assert_eq!(store.checkpoint(ONE).await.unwrap(), 7);
    let loaded = store.load(s.table, &s.keys([3, 9, 1, 3, 2])).await.unwrap();
    let [one, two, three] = &rows[..] else { unreachable!("three rows were made") };
    assert_eq!(loaded, [Some(three.clone()), None, Some(one.clone()), Some(three.clone()), Some(two.clone())]);
}

async fn rows_are_replaced_and_removed(store: &dyn ReadStore, s: &Sample) {
    store.apply(s.batch(ONE, 0, 1, s.rows(1..=4, 1))).await.unwrap();
    let deletes = s.keys([1, 9]);
    store.apply(Batch { deletes, ..s.batch(ONE, 1, 2, s.rows([2, 5], 2)) }).await.unwrap();
    let loaded = store.load(s.table, &s.keys(1..=5)).await.unwrap();
    let expected = [None, Some((s.row)(2, 2)), Some((s.row)(3, 1)), Some((s.row)(4, 1)), Some((s.row)(5, 2))];
    assert_eq!(loaded, expected);
    // A batch may change nothing: the events were about other things.
    store.apply(s.batch(ONE, 2, 3, vec![])).await.unwrap();
    assert_eq!(store.checkpoint(ONE).await.unwrap(), 3);
}

async fn a_moved_checkpoint_refuses_the_whole_batch(store: &dyn ReadStore, s: &Sample) {
    let is_moved = |outcome| matches!(outcome, Err(ReadStoreError::CheckpointMoved { projection: ONE }));
    assert!(is_moved(store.apply(s.batch(ONE, 1, 2, s.rows([1], 1))).await), "nothing was folded yet");
    store.apply(s.batch(ONE, 0, 5, s.rows([1], 1))).await.unwrap();
    for from in [0, 4, 6] {
        let deletes = s.keys([1]);
        let late = Batch { deletes, ..s.batch(ONE, from, 9, s.rows([2], 1)) };
        assert!(is_moved(store.apply(late).await), "from {from}");
    }
    assert_eq!(store.checkpoint(ONE).await.unwrap(), 5);
    assert_eq!(store.query(s.table, &[]).await.unwrap(), s.rows([1], 1));
}

async fn checkpoints_are_per_projection(store: &dyn ReadStore, s: &Sample) {
    store.apply(s.batch(ONE, 0, 5, vec![])).await.unwrap();
    store.apply(s.batch(OTHER, 0, 3, vec![])).await.unwrap();
    assert_eq!((store.checkpoint(ONE).await.unwrap(), store.checkpoint(OTHER).await.unwrap()), (5, 3));
}

async fn several_steps_are_taken_together(store: &dyn ReadStore, s: &Sample) {
    let (first, second) = (s.batch(ONE, 0, 5, s.rows(1..=2, 1)), s.batch(OTHER, 0, 3, s.rows(3..=4, 1)));
    store.apply_all(vec![first, second]).await.unwrap();
    assert_eq!((store.checkpoint(ONE).await.unwrap(), store.checkpoint(OTHER).await.unwrap()), (5, 3));
    assert_eq!(store.query(s.table, &[]).await.unwrap().len(), 4);
    // One that is refused keeps those after it from being taken, and changes no row itself.
    let steps = vec![s.batch(ONE, 4, 6, s.rows([1], 2)), s.batch(OTHER, 3, 6, s.rows([3], 2))];
    let refused = store.apply_all(steps).await;
    assert!(matches!(refused, Err(ReadStoreError::CheckpointMoved { projection: ONE })), "{refused:?}");
    assert_eq!((store.checkpoint(ONE).await.unwrap(), store.checkpoint(OTHER).await.unwrap()), (5, 3));
    assert_eq!(store.load(s.table, &s.keys([1, 3])).await.unwrap(), [Some((s.row)(1, 1)), Some((s.row)(3, 1))]);
    store.apply_all(vec![]).await.unwrap();
}

async fn large_batches_are_whole(store: &dyn ReadStore, s: &Sample) {
    let rows = s.rows(1..=5_000, 1);
    store.apply(s.batch(ONE, 0, 1, rows.clone())).await.unwrap();
    let loaded = store.load(s.table, &s.keys(1..=5_000)).await.unwrap();
    assert_eq!(loaded, rows.into_iter().map(Some).collect::<Vec<_>>());
    store.apply(Batch { deletes: s.keys(2..=5_000), ..s.batch(ONE, 1, 2, vec![]) }).await.unwrap();
    assert_eq!(store.query(s.table, &[]).await.unwrap(), s.rows([1], 1));
}

async fn queries_filter_and_sort(store: &dyn ReadStore, s: &Sample) {
    let shuffled = (1..=40).map(|number| number * 17 % 41);
    store.apply(s.batch(ONE, 0, 1, s.rows(shuffled, 1))).await.unwrap();
    let all = store.query(s.table, &[]).await.unwrap();
    assert_eq!(all.len(), 40);
    let order = |row: &Row| -> Vec<(Option<String>, Option<i64>)> {
        let key = s.table.key.iter().map(|column| row.get(*column).unwrap());
        key.map(|value| (value.as_str().map(str::to_owned), value.as_i64())).collect()
    };
    assert!(all.is_sorted_by_key(order), "rows come in the order of their keys");
    // Every column of some row finds just the rows that have its value there, nulls too.
    let some = (s.row)(7, 1);
    for column in s.table.columns {
        let value = some.get(*column).unwrap();
        let expected: Vec<Row> = all.iter().filter(|row| row.get(*column) == Some(value)).cloned().collect();
        assert_eq!(store.query(s.table, &[(column, value.clone())]).await.unwrap(), expected, "{column}");
    }
    let key: Vec<_> = s.table.key.iter().copied().zip(s.key(7)).collect();
    assert_eq!(store.query(s.table, &key).await.unwrap(), [some]);
    assert!(store.query(s.table, &[("no such column", json!(1))]).await.is_err());
}

async fn a_reset_forgets_rows_and_checkpoint(store: &dyn ReadStore, s: &Sample) {
    store.apply(s.batch(ONE, 0, 5, s.rows(1..=3, 1))).await.unwrap();
    store.apply(s.batch(OTHER, 0, 3, vec![])).await.unwrap();
    store.reset(ONE, s.table).await.unwrap();
    assert_eq!((store.checkpoint(ONE).await.unwrap(), store.checkpoint(OTHER).await.unwrap()), (0, 3));
    assert!(store.query(s.table, &[]).await.unwrap().is_empty());
    store.apply(s.batch(ONE, 0, 1, s.rows([1], 2))).await.unwrap();
    store.reset("never heard of", s.table).await.unwrap();
}

async fn rows_of_another_shape_are_refused_whole(store: &dyn ReadStore, s: &Sample) {
    let good = (s.row)(1, 1);
    let mut bad = BTreeMap::new();
    for (what, value) in [("an array", json!([1])), ("an object", json!({})), ("a fraction", json!(0.5))] {
        let mut row = (s.row)(2, 1);
        row.insert(s.table.columns.last().unwrap().to_string(), value);
        bad.insert(what, row);
    }
    let mut row = (s.row)(2, 1);
    row.remove(*s.table.columns.last().unwrap());
    bad.insert("a missing column", row.clone());
    row.insert("no such column".to_owned(), Value::Null);
    bad.insert("a column too many", row);
    for (what, row) in bad {
        assert!(store.apply(s.batch(ONE, 0, 1, vec![good.clone(), row])).await.is_err(), "{what}");
    }
    assert!(store.load(s.table, &[vec![]]).await.is_err());
    assert_eq!(store.checkpoint(ONE).await.unwrap(), 0);
    assert!(store.query(s.table, &[]).await.unwrap().is_empty());
}

/// Several runners try every step at once: one of them wins, and its row stands.
async fn each_step_has_one_winner(store: Arc<dyn ReadStore>, s: Sample) {
    for step in 0..20 {
        let runners: Vec<_> = (0..4)
            .map(|runner| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.apply(s.batch(ONE, step, step + 1, s.rows([1], runner))).await })
            })
            .collect();
        let mut winners = Vec::new();
        for (runner, outcome) in (0..).zip(runners) {
            match outcome.await.unwrap() {
                Ok(()) => winners.push(runner),
                Err(error) => assert!(matches!(error, ReadStoreError::CheckpointMoved { .. }), "{error}"),
            }
        }
        let [winner] = winners[..] else { unreachable!("step {step} has winners {winners:?}") };
        assert_eq!(store.query(s.table, &[]).await.unwrap(), s.rows([1], winner));
    }
}
