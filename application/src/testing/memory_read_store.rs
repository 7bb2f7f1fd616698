//! Read models in memory.

mod shadows;

use crate::ports::read_store::{Batch, Condition, PageQuery, ReadStore, ReadStoreError, Row, RowKey, Table};
use async_trait::async_trait;
use serde_json::Value;
use shadows::{Rows, Set};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A read store without a disk, and its shadows. It keeps every promise of the ports but durability.
#[derive(Debug, Default)]
pub struct MemoryReadStore {
    sets: Arc<Mutex<BTreeMap<Set, Rows>>>,
    /// Which of the sets this is.
    set: Set,
}

/// A value with the order that SQL gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Null,
    Integer(i64),
    Text(String),
}

impl MemoryReadStore {
    /// Nothing folded yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn sets(&self) -> MutexGuard<'_, BTreeMap<Set, Rows>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the rows of this set.
    fn look<T>(&self, at: impl FnOnce(&Rows) -> T) -> T {
        at(self.sets().entry(self.set).or_default())
    }

    /// The rows that meet every condition, in order of the key.
    fn matching(&self, table: &'static Table, conditions: &[Condition]) -> Result<Vec<Row>, ReadStoreError> {
        let tests = conditions.iter().map(|condition| test(table, condition)).collect::<Result<Vec<_>, _>>()?;
        let fits = |row: &Row| tests.iter().all(|(column, test)| test(&at(row, column)));
        let begin = begin_of_key(table, conditions);
        Ok(self.look(|rows| rows.beneath(table, &begin).filter(|row| fits(row)).cloned().collect()))
    }
}

/// How the keys of all rows begin that meet the conditions.
fn begin_of_key(table: &'static Table, conditions: &[Condition]) -> Vec<Cell> {
    let wanted = |column: &str| {
        conditions.iter().find_map(|condition| match condition {
            Condition::Equals(name, value) if *name == column => cell(value),
            _ => None,
        })
    };
    table.key.iter().map_while(|column| wanted(column)).collect()
}

/// A column, and whether its value is a wanted one.
type Test = (&'static str, Box<dyn Fn(&Cell) -> bool + Send + Sync>);

fn test(table: &'static Table, condition: &Condition) -> Result<Test, ReadStoreError> {
    let column = known(table, condition.column())?;
    let wanted = |value: &Value| cell(value).ok_or_else(misshapen);
    let test: Box<dyn Fn(&Cell) -> bool + Send + Sync> = match condition {
        Condition::Equals(_, value) => {
            let value = wanted(value)?;
            Box::new(move |cell| *cell == value)
        }
        Condition::OneOf(_, values) => {
            let values = values.iter().map(wanted).collect::<Result<BTreeSet<_>, _>>()?;
            Box::new(move |cell| values.contains(cell))
        }
        Condition::AtLeast(_, value) => {
            let value = wanted(value)?;
            Box::new(move |cell| value != Cell::Null && *cell >= value)
        }
        Condition::Below(_, value) => {
            let value = wanted(value)?;
            Box::new(move |cell| *cell != Cell::Null && *cell < value)
        }
        Condition::Contains(_, part) => {
            let part = part.to_ascii_lowercase();
            Box::new(move |cell| matches!(cell, Cell::Text(text) if text.to_ascii_lowercase().contains(&part)))
        }
        Condition::Holds(_, item) => {
            let item = item.clone();
            let holds = move |text: &str| !item.is_empty() && text.split(',').any(|one| one == item);
            Box::new(move |cell| matches!(cell, Cell::Text(text) if holds(text)))
        }
    };
    Ok((column, test))
}

fn known(table: &'static Table, column: &'static str) -> Result<&'static str, ReadStoreError> {
    if table.columns.contains(&column) { Ok(column) } else { Err(misshapen()) }
}

/// What a stored row has in a column; rows are complete and hold nothing else than cells.
fn at(row: &Row, column: &str) -> Cell {
    row.get(column).and_then(cell).unwrap_or(Cell::Null)
}

#[async_trait]
impl ReadStore for MemoryReadStore {
    async fn checkpoint(&self, projection: &str) -> Result<u64, ReadStoreError> {
        Ok(self.look(|rows| rows.checkpoint(projection)).unwrap_or(0))
    }

    async fn load(&self, table: &'static Table, keys: &[RowKey]) -> Result<Vec<Option<Row>>, ReadStoreError> {
        let keys = keys.iter().map(|key| key_of(table, key)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.look(|rows| keys.iter().map(|key| rows.get(table, key).cloned()).collect()))
    }

    async fn apply(&self, batch: Batch) -> Result<(), ReadStoreError> {
        self.apply_all(vec![batch]).await
    }

    /// All or none.
    async fn apply_all(&self, batches: Vec<Batch>) -> Result<(), ReadStoreError> {
        let steps = batches.into_iter().map(Step::of).collect::<Result<Vec<_>, _>>()?;
        let mut sets = self.sets();
        let rows = sets.entry(self.set).or_default();
        let mut moved = BTreeMap::new();
        for Step { projection, from, to, .. } in &steps {
            let known = moved.get(projection).copied().or_else(|| rows.checkpoint(projection));
            if known.is_none() && self.set != Set::Live {
                return Err(ReadStoreError::Unavailable(format!("{projection} has no shadow").into()));
            }
            if known.unwrap_or(0) != *from {
                return Err(ReadStoreError::CheckpointMoved { projection });
            }
            moved.insert(*projection, *to);
        }
        moved.into_iter().for_each(|(projection, to)| rows.move_to(projection, to));
        steps.into_iter().for_each(|step| rows.write(step.table, &step.deletes, step.upserts));
        Ok(())
    }

    async fn query(&self, table: &'static Table, filter: &[(&'static str, Value)]) -> Result<Vec<Row>, ReadStoreError> {
        let equals = |(column, value): &(&'static str, Value)| Condition::Equals(column, value.clone());
        self.matching(table, &filter.iter().map(equals).collect::<Vec<_>>())
    }

    async fn page(&self, table: &'static Table, query: &PageQuery) -> Result<Vec<Row>, ReadStoreError> {
        known(table, query.order.column)?;
        let place = |values: &RowKey| {
            let cells: Option<Vec<Cell>> = values.iter().map(cell).collect();
            cells.filter(|cells| cells.len() == table.key.len() + 1).ok_or_else(misshapen)
        };
        let after = query.after.as_ref().map(place).transpose()?;
        let mut rows = BTreeMap::new();
        for row in self.matching(table, &query.conditions)? {
            rows.insert(place(&query.order.place_of(table, &row))?, row);
        }
        Ok(if query.order.descending {
            let rest = rows.into_iter().rev().filter(|(place, _)| after.as_ref().is_none_or(|after| place < after));
            rest.map(|(_, row)| row).take(query.limit).collect()
        } else {
            let rest = rows.into_iter().filter(|(place, _)| after.as_ref().is_none_or(|after| place > after));
            rest.map(|(_, row)| row).take(query.limit).collect()
        })
    }

    async fn count(&self, table: &'static Table, conditions: &[Condition]) -> Result<u64, ReadStoreError> {
        Ok(self.matching(table, conditions)?.len() as u64)
    }

    async fn sums(
        &self,
        table: &'static Table,
        columns: &[&'static str],
        conditions: &[Condition],
    ) -> Result<Vec<i64>, ReadStoreError> {
        let rows = self.matching(table, conditions)?;
        let add = |sum: i64, value: Cell| match value {
            Cell::Null => Some(sum),
            Cell::Integer(number) => sum.checked_add(number),
            Cell::Text(_) => None,
        };
        let sum = |column: &&'static str| {
            let column = known(table, column)?;
            rows.iter().try_fold(0, |sum, row| add(sum, at(row, column))).ok_or_else(misshapen)
        };
        columns.iter().map(sum).collect()
    }

    async fn reset(&self, projection: &str, table: &'static Table) -> Result<(), ReadStoreError> {
        let mut sets = self.sets();
        let rows = sets.entry(self.set).or_default();
        let is_begun = rows.checkpoint(projection).is_some() && self.set != Set::Live;
        rows.take(projection, table);
        if is_begun {
            rows.move_to(projection, 0);
        }
        Ok(())
    }
}

/// A batch whose rows have the shape of their table.
struct Step {
    projection: &'static str,
    from: u64,
    to: u64,
    table: &'static Table,
    deletes: Vec<Vec<Cell>>,
    upserts: Vec<(Vec<Cell>, Row)>,
}

impl Step {
    fn of(batch: Batch) -> Result<Self, ReadStoreError> {
        let Batch { projection, from, to, table, upserts, deletes } = batch;
        let deletes = deletes.iter().map(|key| key_of(table, key)).collect::<Result<Vec<_>, _>>()?;
        let upserts = upserts.into_iter().map(|row| complete(table, row)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { projection, from, to, table, deletes, upserts })
    }
}

fn complete(table: &'static Table, row: Row) -> Result<(Vec<Cell>, Row), ReadStoreError> {
    let columns: BTreeSet<&str> = row.keys().map(String::as_str).collect();
    if columns != table.columns.iter().copied().collect() || row.values().any(|value| cell(value).is_none()) {
        return Err(misshapen());
    }
    let key: Vec<Value> = table.key.iter().map(|column| row.get(*column).cloned().unwrap_or_default()).collect();
    Ok((key_of(table, &key)?, row))
}

fn key_of(table: &'static Table, key: &RowKey) -> Result<Vec<Cell>, ReadStoreError> {
    let cells: Option<Vec<Cell>> = key.iter().map(cell).collect();
    cells.filter(|cells| cells.len() == table.key.len()).ok_or_else(misshapen)
}

fn cell(value: &Value) -> Option<Cell> {
    match value {
        Value::Null => Some(Cell::Null),
        Value::Bool(truth) => Some(Cell::Integer(i64::from(*truth))),
        Value::Number(number) => number.as_i64().map(Cell::Integer),
        Value::String(text) => Some(Cell::Text(text.clone())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn misshapen() -> ReadStoreError {
    ReadStoreError::Unavailable("a row does not have the shape of its table".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        read_store_kit::{self, Sample},
        shadow_store_kit::{self, Store},
    };
    use serde_json::json;
    use std::sync::Arc;

    static TABLE: Table = Table {
        name: "lines",
        key: &["job", "language", "line"],
        columns: &["job", "language", "line", "state", "shift_ms", "is_late", "rate"],
    };

    const SAMPLE: Sample = Sample { table: &TABLE, row, text: "state", number: "shift_ms" };

    fn row(number: u32, version: u32) -> Row {
        let values = [
            json!("job"),
            json!(if number.is_multiple_of(2) { "es" } else { "" }),
            json!(number),
            json!(format!("“{version}” 'x' \" ; --\n")),
            json!(-i64::from(version)),
            json!(version.is_multiple_of(2)),
            Value::Null,
        ];
        TABLE.columns.iter().map(|column| (*column).to_owned()).zip(values).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn keeps_the_promises_of_the_port() {
        let make = || async { (Arc::new(MemoryReadStore::new()) as Arc<dyn ReadStore>, ()) };
        read_store_kit::run(make, SAMPLE).await;
    }

    static SHARED: Table =
        Table { name: "parked", key: &["projection", "key"], columns: &["projection", "key", "position", "reason"] };

    #[tokio::test(flavor = "multi_thread")]
    async fn keeps_the_promises_of_shadows() {
        let make = || async {
            let store = Arc::new(MemoryReadStore::new());
            Store { live: store.clone(), shadows: store, keep: () }
        };
        shadow_store_kit::run(make, SAMPLE, &SHARED).await;
    }
}
