//! The conformance kit of the shadow store: every promise of the port, as a check.
//!
//! An adapter's test calls [`run`] with a way to make a fresh store and a table to try. Deliberately absent: what only a
//! durable store can show (being killed), and the folds (`projections`).

#![expect(clippy::unwrap_used, reason = "a conformance kit fails by panicking")]

use super::read_store_kit::Sample;
use crate::ports::{
    read_store::{Batch, Condition, Order, PageQuery, ReadStore, ReadStoreError, Row, Table},
    shadow_store::{SWAPS, ShadowStore, Standing},
};
use serde_json::{Value, json};
use std::{future::Future, sync::Arc};

/// A projection in the kit's checks; it owns the sample's table.
const ONE: &str = "one";
/// Another one, which owns no table here, and has rows in the shared one.
const OTHER: &str = "other";
/// Rows of a version.
const ROWS: u32 = 400;
/// Tasks that read while rows are swapped.
const READERS: u32 = 3;
/// Swaps while others read.
const SWAPS_SEEN: u64 = 25;

/// Swaps that are given up.
const ABORTS: u32 = 8;

/// A store of rows that can have shadows.
pub struct Store<Keep> {
    /// The live rows.
    pub live: Arc<dyn ReadStore>,
    /// Their shadows.
    pub shadows: Arc<dyn ShadowStore>,
    /// What lives as long as the store: a temporary folder.
    pub keep: Keep,
}

/// Checks every promise, each on a fresh store. `shared` is a table with rows of several projections, with texts and
/// numbers only. Panics at the first broken promise. Needs a runtime of several threads.
pub async fn run<Keep, Made: Future<Output = Store<Keep>>>(
    make: impl Fn() -> Made,
    sample: Sample,
    shared: &'static Table,
) {
    assert!(shared.is_shared(), "a poor sample");
    let s = &sample;
    there_is_nothing_before_the_beginning(&make().await, s).await;
    a_shadow_begins_empty_and_is_nobody_elses_business(&make().await, s).await;
    only_those_that_were_begun_have_shadows(&make().await, s).await;
    a_swap_waits_for_both_checkpoints(&make().await, s).await;
    rows_are_swapped_and_put_back_bit_for_bit(&make().await, s).await;
    what_was_before_the_last_swap_is_kept_and_no_more(&make().await, s).await;
    rows_in_shared_tables_go_along(&make().await, s, shared).await;
    every_table_that_was_live_is_as_good_as_the_first(&make().await, s).await;
    readers_see_one_set_or_the_other(make().await, sample).await;
    for patience in 0..ABORTS {
        whoever_gives_up_leaves_one_set_or_the_other(make().await, sample, patience * patience).await;
    }
}

impl<Keep> Store<Keep> {
    async fn rows(&self, s: &Sample) -> Vec<Row> {
        self.live.query(s.table, &[]).await.unwrap()
    }

    async fn standing(&self, s: &Sample) -> (u64, Option<u64>, Option<u64>) {
        let Standing { live, shadow, before } = self.shadows.standing(ONE, s.table).await.unwrap();
        (live, shadow, before)
    }

    async fn swaps(&self) -> u64 {
        self.live.checkpoint(SWAPS).await.unwrap()
    }

    /// Live rows of a version, at a position.
    async fn fold(&self, s: &Sample, from: u64, to: u64, version: u32) {
        self.live.apply(s.batch(ONE, from, to, s.rows(0..ROWS, version))).await.unwrap();
    }

    /// A whole shadow of a version, at a position.
    async fn fold_shadow(&self, s: &Sample, to: u64, version: u32) {
        self.shadows.begin(ONE, s.table).await.unwrap();
        self.shadows.shadows().apply(s.batch(ONE, 0, to, s.rows(0..ROWS, version))).await.unwrap();
    }
}

async fn there_is_nothing_before_the_beginning<Keep>(store: &Store<Keep>, s: &Sample) {
    assert_eq!(store.standing(s).await, (0, None, None));
    store.shadows.discard(ONE, s.table).await.unwrap();
    assert!(!store.shadows.roll_back(ONE, s.table).await.unwrap());
    let refused = store.shadows.swap(ONE, s.table, 0).await;
    assert!(matches!(refused, Err(ReadStoreError::CheckpointMoved { projection: ONE })), "{refused:?}");
    assert_eq!((store.standing(s).await, store.swaps().await), ((0, None, None), 0));
    // Where nothing was folded yet, an empty shadow may take the place.
    store.shadows.begin(ONE, s.table).await.unwrap();
    store.shadows.swap(ONE, s.table, 0).await.unwrap();
    assert_eq!((store.standing(s).await, store.swaps().await), ((0, None, Some(0)), 1));
    store.fold(s, 0, 1, 1).await;
}

async fn a_shadow_begins_empty_and_is_nobody_elses_business<Keep>(store: &Store<Keep>, s: &Sample) {
    store.fold(s, 0, 5, 1).await;
    store.fold_shadow(s, 3, 2).await;
    let shadow = store.shadows.shadows();
    assert_eq!(store.standing(s).await, (5, Some(3), None));
    assert_eq!((shadow.checkpoint(ONE).await.unwrap(), store.live.checkpoint(ONE).await.unwrap()), (3, 5));
    assert_eq!(shadow.query(s.table, &[]).await.unwrap(), sorted(s, 2));
    assert_eq!(store.rows(s).await, sorted(s, 1), "live rows are as they were");
    // Begun again, folded from the start, and dropped.
    store.shadows.begin(ONE, s.table).await.unwrap();
    assert_eq!(store.standing(s).await, (5, Some(0), None));
    assert!(shadow.query(s.table, &[]).await.unwrap().is_empty());
    shadow.apply(s.batch(ONE, 0, 1, s.rows([1], 3))).await.unwrap();
    shadow.reset(ONE, s.table).await.unwrap();
    assert_eq!(store.standing(s).await, (5, Some(0), None), "a shadow that is reset is an empty one");
    assert!(shadow.query(s.table, &[]).await.unwrap().is_empty());
    store.shadows.discard(ONE, s.table).await.unwrap();
    assert_eq!(store.standing(s).await, (5, None, None));
    assert_eq!((store.rows(s).await, store.swaps().await), (sorted(s, 1), 0));
}

async fn only_those_that_were_begun_have_shadows<Keep>(store: &Store<Keep>, s: &Sample) {
    let shadow = store.shadows.shadows();
    assert!(shadow.apply(s.batch(ONE, 0, 1, vec![])).await.is_err(), "it was not begun");
    store.shadows.begin(ONE, s.table).await.unwrap();
    shadow.apply(s.batch(ONE, 0, 1, s.rows([1], 1))).await.unwrap();
    assert!(shadow.apply(s.batch(OTHER, 0, 1, vec![])).await.is_err(), "the other was not");
    let late = shadow.apply(s.batch(ONE, 0, 2, vec![])).await;
    assert!(matches!(late, Err(ReadStoreError::CheckpointMoved { projection: ONE })), "{late:?}");
    store.shadows.discard(ONE, s.table).await.unwrap();
    assert!(shadow.apply(s.batch(ONE, 1, 2, vec![])).await.is_err(), "it is gone");
    assert_eq!(store.standing(s).await, (0, None, None));
}

async fn a_swap_waits_for_both_checkpoints<Keep>(store: &Store<Keep>, s: &Sample) {
    store.fold(s, 0, 5, 1).await;
    store.fold_shadow(s, 4, 2).await;
    let shadow = store.shadows.shadows();
    let is_refused = |outcome| matches!(outcome, Err(ReadStoreError::CheckpointMoved { projection: ONE }));
    for at in [0, 4, 5, 6] {
        assert!(is_refused(store.shadows.swap(ONE, s.table, at).await), "the shadow is behind, at {at}");
    }
    shadow.apply(s.batch(ONE, 4, 5, vec![])).await.unwrap();
    store.live.apply(s.batch(ONE, 5, 6, vec![])).await.unwrap();
    for at in [5, 6] {
        assert!(is_refused(store.shadows.swap(ONE, s.table, at).await), "the live rows moved on, at {at}");
    }
    assert_eq!((store.standing(s).await, store.swaps().await), ((6, Some(5), None), 0));
    assert_eq!(store.rows(s).await, sorted(s, 1), "nothing was changed");
    shadow.apply(s.batch(ONE, 5, 6, vec![])).await.unwrap();
    store.shadows.swap(ONE, s.table, 6).await.unwrap();
    assert_eq!(store.rows(s).await, sorted(s, 2));
}

async fn rows_are_swapped_and_put_back_bit_for_bit<Keep>(store: &Store<Keep>, s: &Sample) {
    store.fold(s, 0, 5, 1).await;
    store.live.apply(s.batch(OTHER, 0, 9, vec![])).await.unwrap();
    store.fold_shadow(s, 5, 2).await;
    store.shadows.swap(ONE, s.table, 5).await.unwrap();
    assert_eq!((store.standing(s).await, store.swaps().await), ((5, None, Some(5)), 1));
    assert_eq!(store.rows(s).await, sorted(s, 2));
    assert!(store.shadows.shadows().apply(s.batch(ONE, 5, 6, vec![])).await.is_err(), "the shadow is none any more");
    // The live rows move on; what was before does not.
    let deletes = s.keys([0]);
    store.live.apply(Batch { deletes, ..s.batch(ONE, 5, 8, s.rows([1], 3)) }).await.unwrap();
    assert_eq!(store.standing(s).await, (8, None, Some(5)));
    assert!(store.shadows.roll_back(ONE, s.table).await.unwrap());
    assert_eq!((store.standing(s).await, store.swaps().await), ((5, None, None), 2));
    assert_eq!(store.rows(s).await, sorted(s, 1));
    assert!(!store.shadows.roll_back(ONE, s.table).await.unwrap(), "there is nothing before that");
    assert_eq!((store.live.checkpoint(OTHER).await.unwrap(), store.swaps().await), (9, 2));
    // They catch up from where they were.
    store.live.apply(s.batch(ONE, 5, 8, s.rows([0], 3))).await.unwrap();
    assert_eq!(store.live.load(s.table, &s.keys([0])).await.unwrap(), [Some((s.row)(0, 3))]);
}

async fn what_was_before_the_last_swap_is_kept_and_no_more<Keep>(store: &Store<Keep>, s: &Sample) {
    store.fold(s, 0, 5, 1).await;
    for version in [2, 3] {
        store.fold_shadow(s, 5, version).await;
        store.shadows.swap(ONE, s.table, 5).await.unwrap();
    }
    // A shadow that is begun does not touch what is kept, and a rollback not the shadow.
    store.fold_shadow(s, 4, 4).await;
    assert_eq!(store.standing(s).await, (5, Some(4), Some(5)));
    assert!(store.shadows.roll_back(ONE, s.table).await.unwrap());
    assert_eq!(store.standing(s).await, (5, Some(4), None));
    assert_eq!(store.rows(s).await, sorted(s, 2));
    store.shadows.shadows().apply(s.batch(ONE, 4, 5, vec![])).await.unwrap();
    store.shadows.swap(ONE, s.table, 5).await.unwrap();
    assert_eq!(store.rows(s).await, sorted(s, 4));
}

/// A row of a shared table: of this projection, with something in every column.
fn shared_row(table: &'static Table, projection: &str, value: u32) -> Row {
    let cell = |column: &&str| match *column {
        "projection" => json!(projection),
        "position" => json!(value),
        _ => json!(format!("{column} {value}")),
    };
    table.columns.iter().map(|column| ((*column).to_owned(), cell(column))).collect()
}

async fn rows_in_shared_tables_go_along<Keep>(store: &Store<Keep>, s: &Sample, shared: &'static Table) {
    let shadow = store.shadows.shadows();
    let parked = |projection: &'static str, at: u64, rows: &[u32]| Batch {
        projection,
        from: at,
        to: at,
        table: shared,
        upserts: rows.iter().map(|value| shared_row(shared, projection, *value)).collect(),
        deletes: vec![],
    };
    let rows = |projection: &str, values: &[u32]| -> Vec<Row> {
        values.iter().map(|value| shared_row(shared, projection, *value)).collect()
    };
    // Rows and a step in one go, from where nothing is known yet.
    store.live.apply_all(vec![parked(ONE, 0, &[1, 2]), s.batch(ONE, 0, 5, s.rows([1], 1))]).await.unwrap();
    store.live.apply_all(vec![parked(OTHER, 0, &[3])]).await.unwrap();
    store.shadows.begin(ONE, s.table).await.unwrap();
    shadow.apply_all(vec![s.batch(ONE, 0, 5, s.rows([1], 2)), parked(ONE, 5, &[4])]).await.unwrap();
    let of = |store: Arc<dyn ReadStore>| async move { store.query(shared, &[]).await.unwrap() };
    assert_eq!(of(Arc::clone(&store.live)).await, [rows(ONE, &[1, 2]), rows(OTHER, &[3])].concat());
    assert_eq!(of(Arc::clone(&shadow)).await, rows(ONE, &[4]));
    store.shadows.swap(ONE, s.table, 5).await.unwrap();
    assert_eq!(of(Arc::clone(&store.live)).await, [rows(ONE, &[4]), rows(OTHER, &[3])].concat());
    assert!(of(Arc::clone(&shadow)).await.is_empty());
    store.live.apply(parked(ONE, 5, &[5])).await.unwrap();
    assert!(store.shadows.roll_back(ONE, s.table).await.unwrap());
    assert_eq!(of(Arc::clone(&store.live)).await, [rows(ONE, &[1, 2]), rows(OTHER, &[3])].concat());
    store.shadows.begin(ONE, s.table).await.unwrap();
    shadow.apply(parked(ONE, 0, &[6])).await.unwrap();
    store.shadows.discard(ONE, s.table).await.unwrap();
    assert!(of(Arc::clone(&shadow)).await.is_empty(), "what is dropped is dropped whole");
    // Whoever compares the number of swaps is refused after one, and changes nothing.
    let swaps = store.swaps().await;
    let compare = |at| s.batch(SWAPS, at, at, vec![]);
    store.live.apply_all(vec![compare(swaps), s.batch(ONE, 5, 6, vec![])]).await.unwrap();
    let refused = store.live.apply_all(vec![compare(swaps - 1), s.batch(ONE, 6, 7, vec![])]).await;
    assert!(matches!(refused, Err(ReadStoreError::CheckpointMoved { projection: SWAPS })), "{refused:?}");
    assert_eq!((store.swaps().await, store.live.checkpoint(ONE).await.unwrap()), (swaps, 6));
}

/// Swapped again and again, a table is written, read, put in order, counted and reset like a new one.
async fn every_table_that_was_live_is_as_good_as_the_first<Keep>(store: &Store<Keep>, s: &Sample) {
    store.fold(s, 0, 1, 1).await;
    for round in 1..=5_u32 {
        let at = store.live.checkpoint(ONE).await.unwrap();
        store.fold_shadow(s, at, round + 1).await;
        store.shadows.swap(ONE, s.table, at).await.unwrap();
        if round.is_multiple_of(2) {
            assert!(store.shadows.roll_back(ONE, s.table).await.unwrap());
        }
        store.live.apply(s.batch(ONE, at, at + 1, s.rows(0..ROWS, round + 10))).await.unwrap();
        let order = Order { column: s.number, descending: true };
        let query = PageQuery { conditions: vec![], order, after: None, limit: 7 };
        let first = store.live.page(s.table, &query).await.unwrap();
        let after = first.last().map(|row| order.place_of(s.table, row));
        let next = store.live.page(s.table, &PageQuery { after, ..query }).await.unwrap();
        assert_eq!((first.len(), next.len()), (7, 7));
        let value = |row: &Row| row.get(s.text).cloned().unwrap();
        let condition = Condition::Equals(s.text, value(&(s.row)(0, round + 10)));
        let expected = sorted(s, round + 10).iter().filter(|row| value(row) == value(&(s.row)(0, round + 10))).count();
        assert_eq!(store.live.count(s.table, &[condition]).await.unwrap(), expected as u64);
    }
    store.live.reset(ONE, s.table).await.unwrap();
    assert!(store.rows(s).await.is_empty());
    store.fold(s, 0, 1, 1).await;
    assert_eq!(store.rows(s).await, sorted(s, 1));
}

/// The version of which all these rows are; panics when they are not all of one, or not all there.
fn version_of(s: &Sample, rows: &[Row]) -> u32 {
    assert_eq!(rows.len(), ROWS as usize, "all rows are there at any time");
    let version = (1..=2).find(|version| *rows == sorted(s, *version));
    assert!(version.is_some(), "rows of both sets are mixed");
    version.unwrap_or_default()
}

async fn readers_see_one_set_or_the_other<Keep>(store: Store<Keep>, s: Sample) {
    store.fold(&s, 0, 1, 1).await;
    let (done, is_done) = tokio::sync::watch::channel(false);
    let looks = tokio::sync::watch::Sender::new(0);
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let (live, is_done, looks) = (Arc::clone(&store.live), is_done.clone(), looks.clone());
            tokio::spawn(async move {
                let (mut seen, mut changes) = (1, 0);
                while !*is_done.borrow() {
                    let version = version_of(&s, &live.query(s.table, &[]).await.unwrap());
                    looks.send_modify(|looks| *looks += 1);
                    changes += u32::from(version != seen);
                    seen = version;
                }
                changes
            })
        })
        .collect();
    for round in 0..SWAPS_SEEN {
        store.fold_shadow(&s, 1, if round % 2 == 0 { 2 } else { 1 }).await;
        store.shadows.swap(ONE, s.table, 1).await.unwrap();
        // Readers may be slower than swaps: one of them looks in between.
        let before = *looks.borrow();
        looks.subscribe().wait_for(|looks| *looks > before + u64::from(READERS)).await.unwrap();
        if round % 5 == 4 {
            assert!(store.shadows.roll_back(ONE, s.table).await.unwrap());
        }
    }
    done.send(true).unwrap();
    let mut changes = 0;
    for reader in readers {
        changes += reader.await.unwrap();
    }
    assert!(changes > 0, "nobody saw a swap");
}

/// Whoever swaps may be dropped at any moment: it is done, now or a little later, or nothing is.
async fn whoever_gives_up_leaves_one_set_or_the_other<Keep>(store: Store<Keep>, s: Sample, patience: u32) {
    store.fold(&s, 0, 1, 1).await;
    store.fold_shadow(&s, 1, 2).await;
    let swapping = tokio::spawn({
        let shadows = Arc::clone(&store.shadows);
        async move { shadows.swap(ONE, s.table, 1).await }
    });
    for _ in 0..patience {
        tokio::task::yield_now().await;
    }
    swapping.abort();
    let _gone_or_done = swapping.await;
    // It may come between two looks: then all is looked at again.
    let (swaps, version, standing) = loop {
        let swaps = store.swaps().await;
        let seen = (swaps, version_of(&s, &store.rows(&s).await), store.standing(&s).await);
        if store.swaps().await == swaps {
            break seen;
        }
    };
    let expected = if swaps == 0 { (1, (1, Some(1), None)) } else { (2, (1, None, Some(1))) };
    assert_eq!((version, standing), expected, "all of it or nothing, after {swaps} swaps");
}

/// All rows of a version, in order of the key.
fn sorted(s: &Sample, version: u32) -> Vec<Row> {
    let mut rows = s.rows(0..ROWS, version);
    let key = |row: &Row| -> Vec<(Option<String>, Option<i64>)> {
        let values = s.table.key.iter().map(|column| row.get(*column).cloned().unwrap_or(Value::Null));
        values.map(|value| (value.as_str().map(str::to_owned), value.as_i64())).collect()
    };
    rows.sort_by_key(key);
    rows
}
