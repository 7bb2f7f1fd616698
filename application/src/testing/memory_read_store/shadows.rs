//! The sets of rows of the store in memory, and how they take each other's place.

use super::{Cell, MemoryReadStore};
use crate::ports::{
    read_store::{ReadStore, ReadStoreError, Row, Table},
    shadow_store::{SWAPS, ShadowStore, Standing},
};
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Which rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Set {
    /// Those that queries read.
    #[default]
    Live,
    /// Those that are folded anew.
    Shadow,
    /// Those that were live before the last swap.
    Before,
}

/// Rows by table, and how far they are by projection.
#[derive(Debug, Default)]
pub(super) struct Rows {
    tables: BTreeMap<&'static str, Keyed>,
    /// Tables in which several projections have rows.
    shared: BTreeSet<&'static str>,
    checkpoints: BTreeMap<String, u64>,
}

type Keyed = BTreeMap<Vec<Cell>, Row>;

/// What belongs to one projection.
#[derive(Default)]
pub(super) struct Owned {
    checkpoint: Option<u64>,
    rows: Keyed,
    shared: BTreeMap<&'static str, Keyed>,
}

impl Rows {
    /// Where a projection stands; `None` when nothing is known of it.
    pub fn checkpoint(&self, projection: &str) -> Option<u64> {
        self.checkpoints.get(projection).copied()
    }

    /// Says where a projection stands.
    pub fn move_to(&mut self, projection: &str, position: u64) {
        self.checkpoints.insert(projection.to_owned(), position);
    }

    /// The rows of a table whose keys begin so, in order of the key.
    pub fn beneath<'a>(&'a self, table: &'static Table, begin: &'a [Cell]) -> impl Iterator<Item = &'a Row> {
        let rows = self.tables.get(table.name).into_iter().flat_map(|rows| rows.range(begin.to_vec()..));
        rows.take_while(|(key, _)| key.starts_with(begin)).map(|(_, row)| row)
    }

    /// The row with this key.
    pub fn get(&self, table: &'static Table, key: &Vec<Cell>) -> Option<&Row> {
        self.tables.get(table.name)?.get(key)
    }

    /// Removes some rows and writes others.
    pub fn write(&mut self, table: &'static Table, deletes: &[Vec<Cell>], upserts: Vec<(Vec<Cell>, Row)>) {
        if table.is_shared() {
            self.shared.insert(table.name);
        }
        let rows = self.tables.entry(table.name).or_default();
        for key in deletes {
            rows.remove(key);
        }
        rows.extend(upserts);
    }

    /// Takes out what belongs to a projection.
    pub fn take(&mut self, projection: &str, table: &'static Table) -> Owned {
        let own = [Cell::Text(projection.to_owned())];
        let mut shared = BTreeMap::new();
        for name in &self.shared {
            let Some(rows) = self.tables.get_mut(name) else { continue };
            let (taken, left) = std::mem::take(rows).into_iter().partition(|(key, _)| key.starts_with(&own));
            *rows = left;
            shared.insert(*name, taken);
        }
        let rows = self.tables.remove(table.name).unwrap_or_default();
        Owned { checkpoint: self.checkpoints.remove(projection), rows, shared }
    }

    fn put(&mut self, projection: &str, table: &'static Table, owned: Owned) {
        if let Some(position) = owned.checkpoint {
            self.move_to(projection, position);
        }
        self.tables.insert(table.name, owned.rows);
        for (name, rows) in owned.shared {
            self.shared.insert(name);
            self.tables.entry(name).or_default().extend(rows);
        }
    }
}

fn set(sets: &mut BTreeMap<Set, Rows>, which: Set) -> &mut Rows {
    sets.entry(which).or_default()
}

/// Moves what belongs to a projection into another set, in the place of what it has there.
fn carry(sets: &mut BTreeMap<Set, Rows>, projection: &str, table: &'static Table, from: Set, to: Set) {
    let owned = set(sets, from).take(projection, table);
    set(sets, to).take(projection, table);
    set(sets, to).put(projection, table, owned);
}

fn count_swap(sets: &mut BTreeMap<Set, Rows>) {
    let live = set(sets, Set::Live);
    let swaps = live.checkpoint(SWAPS).unwrap_or(0);
    live.move_to(SWAPS, swaps + 1);
}

#[async_trait]
impl ShadowStore for MemoryReadStore {
    fn shadows(&self) -> Arc<dyn ReadStore> {
        Arc::new(MemoryReadStore { sets: Arc::clone(&self.sets), set: Set::Shadow })
    }

    async fn begin(&self, projection: &'static str, table: &'static Table) -> Result<(), ReadStoreError> {
        let mut sets = self.sets();
        let shadow = set(&mut sets, Set::Shadow);
        shadow.take(projection, table);
        shadow.move_to(projection, 0);
        Ok(())
    }

    async fn swap(&self, projection: &'static str, table: &'static Table, at: u64) -> Result<(), ReadStoreError> {
        let mut sets = self.sets();
        let live = set(&mut sets, Set::Live).checkpoint(projection).unwrap_or(0);
        if live != at || set(&mut sets, Set::Shadow).checkpoint(projection) != Some(at) {
            return Err(ReadStoreError::CheckpointMoved { projection });
        }
        set(&mut sets, Set::Live).move_to(projection, live);
        carry(&mut sets, projection, table, Set::Live, Set::Before);
        carry(&mut sets, projection, table, Set::Shadow, Set::Live);
        count_swap(&mut sets);
        Ok(())
    }

    async fn roll_back(&self, projection: &'static str, table: &'static Table) -> Result<bool, ReadStoreError> {
        let mut sets = self.sets();
        if set(&mut sets, Set::Before).checkpoint(projection).is_none() {
            return Ok(false);
        }
        carry(&mut sets, projection, table, Set::Before, Set::Live);
        count_swap(&mut sets);
        Ok(true)
    }

    async fn discard(&self, projection: &'static str, table: &'static Table) -> Result<(), ReadStoreError> {
        set(&mut self.sets(), Set::Shadow).take(projection, table);
        Ok(())
    }

    async fn standing(&self, projection: &'static str, _table: &'static Table) -> Result<Standing, ReadStoreError> {
        let sets = self.sets();
        let at = |which: Set| sets.get(&which).and_then(|rows| rows.checkpoint(projection));
        Ok(Standing { live: at(Set::Live).unwrap_or(0), shadow: at(Set::Shadow), before: at(Set::Before) })
    }
}
