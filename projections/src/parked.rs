//! Parked keys: rows that stand still because an event about them could not be read or folded.
//!
//! A fold is total, so this takes a bug in it, or an event of a newer program. It stops the rows concerned and no
//! others. They change again once their read model is folded anew by a program that can.

use crate::{
    key::name,
    row::{number, set, text},
};
use application::ports::read_store::{Row, RowKey, Table};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is parked, of all projections. `key` is a JSON list: values of the first columns of the key of what is parked,
/// all of them for one row. `position` and `event_type` name the event, `reason` is `unreadable` or `fold-failed`.
pub static TABLE: Table = Table {
    name: "parked_keys",
    key: &["projection", "key"],
    columns: &["projection", "key", "position", "event_type", "reason"],
};

/// Why rows are parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The event does not have a shape that this program knows.
    Unreadable,
    /// The fold did not take it.
    FoldFailed,
}

impl Reason {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Unreadable => "unreadable",
            Reason::FoldFailed => "fold-failed",
        }
    }
}

/// One row, or all whose keys begin so, that stands still.
#[derive(Clone, Debug, PartialEq)]
pub struct ParkedKey {
    /// How the keys begin.
    pub key: RowKey,
    /// The event's position: what happened before it is in the rows.
    pub position: u64,
    /// Its type.
    pub event_type: String,
    /// Why.
    pub reason: Reason,
}

impl ParkedKey {
    /// Stands still since an event.
    pub fn new(key: RowKey, position: u64, event_type: &str, reason: Reason) -> Self {
        Self { key, position, event_type: event_type.to_owned(), reason }
    }

    /// What a row of [`TABLE`] says; `None` when it does not say it in words of this program.
    pub fn of_row(row: &Row) -> Option<Self> {
        let reason = [Reason::Unreadable, Reason::FoldFailed].into_iter().find(|it| it.name() == text(row, "reason"));
        Some(Self {
            key: serde_json::from_str(text(row, "key")).ok()?,
            position: row.get("position").and_then(Value::as_u64)?,
            event_type: text(row, "event_type").to_owned(),
            reason: reason?,
        })
    }

    /// As a row of [`TABLE`].
    pub fn row(&self, projection: &str) -> Row {
        let mut row = Row::new();
        set(&mut row, "projection", projection);
        set(&mut row, "key", as_list(&name(&self.key)));
        set(&mut row, "position", number(self.position));
        set(&mut row, "event_type", self.event_type.as_str());
        set(&mut row, "reason", self.reason.name());
        row
    }
}

/// The parked keys of one projection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parked {
    /// From what on each stands still, by the name of how the keys begin.
    since: BTreeMap<String, u64>,
}

impl Parked {
    /// Parks rows from a position on, unless they are parked already.
    pub fn add(&mut self, key: &RowKey, position: u64) {
        let since = self.since.entry(name(key)).or_insert(position);
        *since = position.min(*since);
    }

    /// Whether an event may not change the row with this key.
    pub fn holds(&self, key: &RowKey, position: u64) -> bool {
        let is_since = |columns: usize| {
            let begin = key.get(..columns).unwrap_or(key);
            self.since.get(&name(begin)).is_some_and(|since| *since <= position)
        };
        !self.since.is_empty() && (0..=key.len()).any(is_since)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.since.len()
    }

    /// The keys of their rows in [`TABLE`].
    pub fn rows(&self, projection: &str) -> Vec<RowKey> {
        self.since.keys().map(|key| vec![Value::from(projection), Value::from(as_list(key))]).collect()
    }
}

/// As a JSON list.
fn as_list(name: &str) -> String {
    format!("[{}]", name.trim_end_matches(','))
}
