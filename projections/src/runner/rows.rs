//! Rows in memory while events are folded into them.

use crate::projection::{KeyPattern, Projection, Touched, is_alike};
use application::ports::{
    event_log::Recorded,
    read_store::{ReadStore, ReadStoreError, Row, RowKey},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Rows in memory, by the text of their keys.
#[derive(Default)]
pub(super) struct Rows {
    rows: BTreeMap<String, Held>,
}

struct Held {
    key: RowKey,
    stored: Option<Row>,
    now: Option<Row>,
}

/// What is to be written.
pub(super) struct Changes {
    pub upserts: Vec<Row>,
    pub deletes: Vec<RowKey>,
    /// The keys of both.
    pub keys: Vec<RowKey>,
}

impl Rows {
    /// Every stored row that the events may change or must know.
    pub async fn load(
        store: &dyn ReadStore,
        projection: &dyn Projection,
        news: &[(&Recorded, Touched)],
    ) -> Result<Self, ReadStoreError> {
        let table = projection.table();
        let mut rows = Self::default();
        let mut wanted = BTreeMap::new();
        let mut patterns: BTreeSet<String> = BTreeSet::new();
        for (_, touched) in news {
            wanted.extend(touched.keys.iter().chain(&touched.read).map(|key| (name(key), key)));
        }
        let keys: Vec<RowKey> = wanted.into_values().cloned().collect();
        let found = if keys.is_empty() { vec![] } else { store.load(table, &keys).await? };
        for (key, row) in keys.into_iter().zip(found) {
            rows.insert(key, row);
        }
        for pattern in news.iter().flat_map(|(_, touched)| &touched.alike) {
            if !patterns.insert(name_of_pattern(pattern)) {
                continue;
            }
            let filter = table.key.iter().copied().zip(pattern.iter().cloned());
            let filter: Vec<_> = filter.filter_map(|(column, value)| Some((column, value?))).collect();
            for row in store.query(table, &filter).await? {
                let key = table.key.iter().map(|column| row.get(*column).cloned().unwrap_or(Value::Null)).collect();
                rows.insert(key, Some(row));
            }
        }
        Ok(rows)
    }

    /// Folds an event into the rows that it touches.
    pub fn fold(&mut self, projection: &dyn Projection, event: &Recorded, touched: &Touched) {
        for key in &touched.keys {
            self.apply(&name(key), projection, event);
        }
        if touched.alike.is_empty() {
            return;
        }
        let is_meant = |held: &Held| {
            held.now.is_some()
                && !touched.keys.contains(&held.key)
                && touched.alike.iter().any(|pattern| is_alike(&held.key, pattern))
        };
        let meant: Vec<String> =
            self.rows.iter().filter(|(_, held)| is_meant(held)).map(|(name, _)| name.clone()).collect();
        for name in meant {
            self.apply(&name, projection, event);
        }
    }

    fn apply(&mut self, at: &str, projection: &dyn Projection, event: &Recorded) {
        let Some((row, key)) = self.rows.get_mut(at).map(|held| (held.now.take(), held.key.clone())) else {
            return;
        };
        let beside = |key: &RowKey| self.rows.get(&name(key)).and_then(|held| held.now.clone());
        let now = projection.apply(row, &key, event, &beside);
        if let Some(held) = self.rows.get_mut(at) {
            held.now = now;
        }
    }

    /// Rows to write and keys of rows to remove.
    pub fn changes(self) -> Changes {
        let mut changes = Changes { upserts: vec![], deletes: vec![], keys: vec![] };
        for Held { key, stored, now } in self.rows.into_values() {
            match (stored, now) {
                (stored, Some(now)) if stored.as_ref() != Some(&now) => {
                    changes.keys.push(key);
                    changes.upserts.push(now);
                }
                (Some(_), None) => {
                    changes.keys.push(key.clone());
                    changes.deletes.push(key);
                }
                (Some(_), Some(_)) | (None, None | Some(_)) => {}
            }
        }
        changes
    }

    fn insert(&mut self, key: RowKey, stored: Option<Row>) {
        self.rows.entry(name(&key)).or_insert_with(|| Held { key, now: stored.clone(), stored });
    }
}

/// A key as text: keys are equal if and only if their texts are.
fn name(key: &RowKey) -> String {
    let mut name = String::new();
    for value in key {
        match value {
            // A text may hold the comma, and is the only value that begins with a quotation mark.
            Value::String(text) => name.push_str(&format!("{text:?},")),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                name.push_str(&format!("{value},"));
            }
        }
    }
    name
}

fn name_of_pattern(pattern: &KeyPattern) -> String {
    pattern.iter().map(|value| value.as_ref().map_or("*,".to_owned(), |value| name(&vec![value.clone()]))).collect()
}
