//! Rows in memory while events are folded into them.

use crate::{
    key::{name, of_row},
    parked::{Parked, ParkedKey, Reason},
    projection::{KeyPattern, Projection, Touched, is_alike},
};
use application::ports::{
    event_log::Recorded,
    read_store::{ReadStore, ReadStoreError, Row, RowKey},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

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

/// An event, and which rows it touches.
pub(super) type News<'a> = (&'a Recorded, Touched);

/// Which rows an event touches; `None` when the projection cannot say.
pub(super) fn touches(projection: &dyn Projection, event: &Recorded) -> Option<Touched> {
    catch_unwind(AssertUnwindSafe(|| projection.touches(event))).ok()
}

impl Rows {
    /// Every stored row that the events may change or must know.
    pub async fn load(
        store: &dyn ReadStore,
        projection: &dyn Projection,
        news: &[News<'_>],
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
                rows.insert(of_row(table.key, &row), Some(row));
            }
        }
        Ok(rows)
    }

    /// Folds events into the rows that they touch, but for those that are parked. Ends at the first event that the fold
    /// does not take, with rows that are worth nothing then.
    pub fn fold(&mut self, projection: &dyn Projection, news: &[News<'_>], parked: &Parked) -> Result<(), ParkedKey> {
        news.iter().try_for_each(|(event, touched)| {
            self.meant(touched).iter().try_for_each(|name| self.apply(name, projection, event, parked))
        })
    }

    /// The same from the beginning, with care: a row for which the fold does not take an event is parked as it was
    /// before. Returns which those are.
    pub fn fold_with_care(
        &mut self,
        projection: &dyn Projection,
        news: &[News<'_>],
        parked: &mut Parked,
    ) -> Vec<ParkedKey> {
        let mut found = Vec::new();
        self.rows.values_mut().for_each(|held| held.now = held.stored.clone());
        for (event, touched) in news {
            for name in self.meant(touched) {
                let before = self.rows.get(&name).and_then(|held| held.now.clone());
                let Err(poisoned) = self.apply(&name, projection, event, parked) else { continue };
                if let Some(held) = self.rows.get_mut(&name) {
                    held.now = before;
                }
                parked.add(&poisoned.key, poisoned.position);
                found.push(poisoned);
            }
        }
        found
    }

    /// The rows that an event is about, in the order in which it changes them.
    fn meant(&self, touched: &Touched) -> Vec<String> {
        let mut meant: Vec<String> = touched.keys.iter().map(|key| name(key)).collect();
        let mut alike = BTreeSet::new();
        for pattern in &touched.alike {
            let begin: Vec<Value> = pattern.iter().map_while(Clone::clone).collect();
            let begin = name(&begin);
            let near = self.rows.range(begin.clone()..).take_while(|(name, _)| name.starts_with(&begin));
            let is_meant = |held: &Held| held.now.is_some() && is_alike(&held.key, pattern);
            alike.extend(near.filter(|(_, held)| is_meant(held)).map(|(name, _)| name.clone()));
        }
        alike.retain(|name| !meant.contains(name));
        meant.extend(alike);
        meant
    }

    fn apply(
        &mut self,
        at: &str,
        projection: &dyn Projection,
        event: &Recorded,
        parked: &Parked,
    ) -> Result<(), ParkedKey> {
        let Some((row, key)) = self.rows.get_mut(at).map(|held| (held.now.take(), held.key.clone())) else {
            return Ok(());
        };
        let now = if parked.holds(&key, event.position) {
            row
        } else {
            let beside = |key: &RowKey| self.rows.get(&name(key)).and_then(|held| held.now.clone());
            let folded = catch_unwind(AssertUnwindSafe(|| projection.apply(row, &key, event, &beside)));
            folded.map_err(|_| ParkedKey::new(key, event.position, &event.event_type, Reason::FoldFailed))?
        };
        if let Some(held) = self.rows.get_mut(at) {
            held.now = now;
        }
        Ok(())
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

fn name_of_pattern(pattern: &KeyPattern) -> String {
    pattern
        .iter()
        .map(|value| value.as_ref().map_or("*,".to_owned(), |value| name(std::slice::from_ref(value))))
        .collect()
}
