//! Read models in memory.

use crate::ports::read_store::{Batch, Condition, PageQuery, ReadStore, ReadStoreError, Row, RowKey, Table};
use async_trait::async_trait;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A read store without a disk. It keeps every promise of the port but durability.
#[derive(Debug, Default)]
pub struct MemoryReadStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tables: BTreeMap<&'static str, BTreeMap<Vec<Cell>, Row>>,
    checkpoints: BTreeMap<String, u64>,
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows that meet every condition, in order of the key.
    fn matching(&self, table: &'static Table, conditions: &[Condition]) -> Result<Vec<Row>, ReadStoreError> {
        let tests = conditions.iter().map(|condition| test(table, condition)).collect::<Result<Vec<_>, _>>()?;
        let state = self.state();
        let rows = state.tables.get(table.name).into_iter().flat_map(BTreeMap::values);
        Ok(rows.filter(|row| tests.iter().all(|(column, test)| test(&at(row, column)))).cloned().collect())
    }
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
        Ok(self.state().checkpoints.get(projection).copied().unwrap_or(0))
    }

    async fn load(&self, table: &'static Table, keys: &[RowKey]) -> Result<Vec<Option<Row>>, ReadStoreError> {
        let keys = keys.iter().map(|key| key_of(table, key)).collect::<Result<Vec<_>, _>>()?;
        let state = self.state();
        let rows = state.tables.get(table.name);
        Ok(keys.iter().map(|key| rows.and_then(|rows| rows.get(key)).cloned()).collect())
    }

    async fn apply(&self, batch: Batch) -> Result<(), ReadStoreError> {
        let (table, projection) = (batch.table, batch.projection);
        let deletes = batch.deletes.iter().map(|key| key_of(table, key)).collect::<Result<Vec<_>, _>>()?;
        let upserts =
            batch.upserts.into_iter().map(|row| complete(table, row)).collect::<Result<Vec<_>, ReadStoreError>>()?;
        let mut state = self.state();
        if state.checkpoints.get(projection).copied().unwrap_or(0) != batch.from {
            return Err(ReadStoreError::CheckpointMoved { projection });
        }
        state.checkpoints.insert(projection.to_owned(), batch.to);
        let rows = state.tables.entry(table.name).or_default();
        for key in deletes {
            rows.remove(&key);
        }
        rows.extend(upserts);
        Ok(())
    }

    async fn query(&self, table: &'static Table, filter: &[(&'static str, Value)]) -> Result<Vec<Row>, ReadStoreError> {
        let mut wanted = Vec::new();
        for (column, value) in filter {
            if !table.columns.contains(column) {
                return Err(misshapen());
            }
            wanted.push((*column, cell(value).ok_or_else(misshapen)?));
        }
        let state = self.state();
        let rows = state.tables.get(table.name).into_iter().flat_map(BTreeMap::values);
        let fits =
            |row: &&Row| wanted.iter().all(|(column, value)| row.get(*column).and_then(cell).as_ref() == Some(value));
        Ok(rows.filter(fits).cloned().collect())
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
        let mut state = self.state();
        state.checkpoints.remove(projection);
        state.tables.remove(table.name);
        Ok(())
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
    use crate::testing::read_store_kit::{self, Sample};
    use serde_json::json;
    use std::sync::Arc;

    static TABLE: Table = Table {
        name: "lines",
        key: &["job", "language", "line"],
        columns: &["job", "language", "line", "state", "shift_ms", "is_late", "rate"],
    };

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
        read_store_kit::run(make, Sample { table: &TABLE, row, text: "state", number: "shift_ms" }).await;
    }
}
