//! The rows of a shadow beside the live ones, in the order of their keys, page by page.
//!
//! Each page of both is read while neither moves on: what is compared has heard of the same events.

use super::{MOVED_MAX, Rebuild, RebuildError, Tell, parked_of};
use crate::{Projection, key::of_row, parked};
use application::ports::{
    read_store::{Order, PageQuery, ReadStore, ReadStoreError, Row, RowKey, Table},
    shadow_store::SWAPS,
};
use serde_json::Value;
use std::{cmp::Ordering, sync::Arc};

/// Most rows compared in one go.
const PAGE_MAX: usize = 1_000;

/// What differs between the live rows and their shadow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// Up to which position both hold.
    pub at: u64,
    /// Rows that are the same in both.
    pub same: u64,
    /// Rows with the same key and different columns.
    pub changed: u64,
    /// Rows that only the live ones have.
    pub only_live: u64,
    /// Rows that only the shadow has.
    pub only_shadow: u64,
    /// Keys that are parked among the live rows.
    pub parked_live: usize,
    /// Keys that are parked in the shadow.
    pub parked_shadow: usize,
    /// The first rows that differ, in order of the key.
    pub samples: Vec<RowDiff>,
}

/// A row that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct RowDiff {
    /// Its key.
    pub key: RowKey,
    /// Who has it.
    pub side: Side,
}

/// Who has a row that differs.
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    /// Only the live rows.
    Live,
    /// Only the shadow.
    Shadow,
    /// Both: the columns that differ, with the live value and the shadow's.
    Both(Vec<(&'static str, Value, Value)>),
}

impl Diff {
    /// Whether all rows are the same.
    pub fn is_none(&self) -> bool {
        self.changed + self.only_live + self.only_shadow == 0
    }

    fn note(&mut self, key: RowKey, side: Side, samples_max: usize) {
        match &side {
            Side::Live => self.only_live += 1,
            Side::Shadow => self.only_shadow += 1,
            Side::Both(_) => self.changed += 1,
        }
        if self.samples.len() < samples_max {
            self.samples.push(RowDiff { key, side });
        }
    }
}

/// A page of both, read at the same position.
struct Pair {
    at: u64,
    live: Vec<Row>,
    shadow: Vec<Row>,
}

/// Compares all rows.
pub(super) async fn diff(
    rebuild: &Rebuild,
    projection: &Arc<dyn Projection>,
    samples_max: usize,
    tell: Tell<'_>,
) -> Result<Diff, RebuildError> {
    let table = projection.table();
    let mut diff = Diff::default();
    let mut after = None;
    loop {
        let mut pair = pair(rebuild, projection, after.take(), tell).await?;
        diff.at = pair.at;
        after = cut(table, &mut pair, rebuild.batch.min(PAGE_MAX));
        compare(table, pair, &mut diff, samples_max);
        if after.is_none() {
            let filter = [("projection", Value::from(projection.name()))];
            let shadows = rebuild.shadows.shadows();
            diff.parked_live = parked_of(&rebuild.store.query(&parked::TABLE, &filter).await?, projection.name()).len();
            diff.parked_shadow = parked_of(&shadows.query(&parked::TABLE, &filter).await?, projection.name()).len();
            return Ok(diff);
        }
    }
}

/// The next page of both, once neither moves on while they are read.
async fn pair(
    rebuild: &Rebuild,
    projection: &Arc<dyn Projection>,
    after: Option<RowKey>,
    tell: Tell<'_>,
) -> Result<Pair, RebuildError> {
    let (name, table) = (projection.name(), projection.table());
    let (shadows, limit) = (rebuild.shadows.shadows(), rebuild.batch.min(PAGE_MAX));
    for _ in 0..MOVED_MAX {
        let swaps = rebuild.store.checkpoint(SWAPS).await?;
        let at = rebuild.together(projection, tell).await?;
        let live = page(&*rebuild.store, table, after.clone(), limit).await?;
        let shadow = page(&*shadows, table, after.clone(), limit).await?;
        let is_swapped = rebuild.store.checkpoint(SWAPS).await? != swaps;
        if rebuild.require_shadow(projection).await? == (at, at) && !is_swapped {
            return Ok(Pair { at, live, shadow });
        }
    }
    Err(RebuildError::Restless(name))
}

async fn page(
    store: &dyn ReadStore,
    table: &'static Table,
    after: Option<RowKey>,
    limit: usize,
) -> Result<Vec<Row>, ReadStoreError> {
    store.page(table, &PageQuery { conditions: vec![], order: by_key(table), after, limit }).await
}

/// Ties are broken by the key's columns, and there is nothing else in it.
fn by_key(table: &'static Table) -> Order {
    Order { column: table.key.first().copied().unwrap_or_default(), descending: false }
}

/// Keeps those rows of both up to which each of them is known; returns where the next page begins, if there is one.
fn cut(table: &'static Table, pair: &mut Pair, limit: usize) -> Option<RowKey> {
    let ends = [&pair.live, &pair.shadow].into_iter().filter(|rows| rows.len() >= limit).filter_map(|rows| rows.last());
    let end = ends.min_by(|one, other| order(table, one, other))?.clone();
    let is_within = |row: &Row| order(table, row, &end) != Ordering::Greater;
    pair.live.retain(is_within);
    pair.shadow.retain(is_within);
    Some(by_key(table).place_of(table, &end))
}

fn compare(table: &'static Table, pair: Pair, diff: &mut Diff, samples_max: usize) {
    let (mut live, mut shadow) = (pair.live.into_iter().peekable(), pair.shadow.into_iter().peekable());
    loop {
        let side = match (live.peek(), shadow.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => order(table, one, other),
        };
        let one = if side.is_le() { live.next() } else { None };
        let other = if side.is_ge() { shadow.next() } else { None };
        match (one, other) {
            (Some(one), Some(other)) if one == other => diff.same += 1,
            (Some(one), Some(other)) => {
                let columns = differing(table, &one, &other);
                diff.note(of_row(table.key, &one), Side::Both(columns), samples_max);
            }
            (Some(one), None) => diff.note(of_row(table.key, &one), Side::Live, samples_max),
            (None, Some(other)) => diff.note(of_row(table.key, &other), Side::Shadow, samples_max),
            (None, None) => return,
        }
    }
}

fn differing(table: &'static Table, one: &Row, other: &Row) -> Vec<(&'static str, Value, Value)> {
    let value = |row: &Row, column: &str| row.get(column).cloned().unwrap_or_default();
    let columns = table.columns.iter().map(|column| (*column, value(one, column), value(other, column)));
    columns.filter(|(_, one, other)| one != other).collect()
}

/// The order of keys, as stores have it: numbers before texts, texts by their bytes.
fn order(table: &'static Table, one: &Row, other: &Row) -> Ordering {
    let rank = |value: &Value| (value.is_string(), value.as_i64().unwrap_or(0), value.as_str().map(str::to_owned));
    let place = |row: &Row| of_row(table.key, row).iter().map(rank).collect::<Vec<_>>();
    place(one).cmp(&place(other))
}
