//! Read models in memory.

use crate::ports::read_store::{Batch, ReadStore, ReadStoreError, Row, RowKey, Table};
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
        read_store_kit::run(make, Sample { table: &TABLE, row }).await;
    }
}
