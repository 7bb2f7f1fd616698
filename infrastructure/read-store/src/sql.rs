//! Statements over any table: many rows in one statement, as few statements as SQLite allows.
//!
//! Names of tables and columns are this program's own constants; everything else is bound.

use crate::{
    error::StoreError,
    value::{Cell, cell, cells, key_cells},
};
use application::ports::read_store::{Row, RowKey, Table};
use serde_json::Value;
use sqlx::{QueryBuilder, Sqlite};

/// Values bound in one statement, below SQLite's default of 32,766 (sqlite.org/limits.html).
const VALUES_MAX: usize = 32_000;
/// Rows in one statement: more is not faster and makes long texts.
const ROWS_MAX: usize = 512;

/// One statement, and whether it is worth keeping prepared.
pub(crate) struct Statement {
    /// With its values.
    pub query: QueryBuilder<Sqlite>,
    /// The same text comes again and again.
    pub persistent: bool,
}

/// Writes rows, new or not.
pub(crate) fn upserts(table: &'static Table, rows: &[Row]) -> Result<Vec<Statement>, StoreError> {
    let rows = rows.iter().map(|row| cells(table, row)).collect::<Result<Vec<_>, _>>()?;
    let statements = chunks(&rows, table.columns.len()).map(|chunk| {
        let mut query = QueryBuilder::new(format!("INSERT INTO {} ({}) ", quoted(table.name), list(table.columns)));
        push_rows(&mut query, chunk);
        let rest: Vec<_> = table.columns.iter().filter(|column| !table.key.contains(column)).collect();
        let set: Vec<_> = rest.iter().map(|column| format!("{0} = excluded.{0}", quoted(column))).collect();
        let change = if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(", ")) };
        query.push(format!(" ON CONFLICT ({}) DO {change}", list(table.key)));
        Statement { query, persistent: chunk.len() == 1 }
    });
    Ok(statements.collect())
}

/// Removes rows by their keys.
pub(crate) fn deletes(table: &'static Table, keys: &[RowKey]) -> Result<Vec<Statement>, StoreError> {
    let keys = keys.iter().map(|key| key_cells(table, key)).collect::<Result<Vec<_>, _>>()?;
    let statements = chunks(&keys, table.key.len()).map(|chunk| {
        let (name, key) = (quoted(table.name), list(table.key));
        let mut query = QueryBuilder::new(format!("DELETE FROM {name} WHERE ({key}) IN ("));
        push_rows(&mut query, chunk);
        query.push(")");
        Statement { query, persistent: chunk.len() == 1 }
    });
    Ok(statements.collect())
}

/// Reads rows by their keys. The first column of what comes back is the key's place in `keys`.
pub(crate) fn selects(table: &'static Table, keys: &[RowKey]) -> Result<Vec<Statement>, StoreError> {
    let mut wanted = Vec::with_capacity(keys.len());
    for (place, key) in keys.iter().enumerate() {
        let place = Cell::Integer(i64::try_from(place).unwrap_or(i64::MAX));
        wanted.push([place].into_iter().chain(key_cells(table, key)?).collect::<Vec<_>>());
    }
    let key: Vec<String> = (0..table.key.len()).map(|place| format!("key_{place}")).collect();
    let pairs = table.key.iter().zip(&key).map(|(column, key)| format!("kept.{} = wanted.{key}", quoted(column)));
    let join = pairs.collect::<Vec<_>>().join(" AND ");
    let columns: Vec<_> = table.columns.iter().map(|column| format!("kept.{}", quoted(column))).collect();
    let statements = chunks(&wanted, table.key.len() + 1).map(|chunk| {
        let mut query = QueryBuilder::new(format!("WITH wanted (place, {}) AS (", key.join(", ")));
        push_rows(&mut query, chunk);
        // CROSS JOIN keeps SQLite from scanning the table and looking each row up in the list instead.
        query.push(format!(
            ") SELECT wanted.place, {} FROM wanted CROSS JOIN {} AS kept ON {join}",
            columns.join(", "),
            quoted(table.name)
        ));
        Statement { query, persistent: chunk.len() == 1 }
    });
    Ok(statements.collect())
}

/// Reads the rows where columns have these values, in order of the key.
pub(crate) fn query(table: &'static Table, filter: &[(&'static str, Value)]) -> Result<Statement, StoreError> {
    let misshapen = StoreError::Misshapen { table: table.name };
    let mut query = QueryBuilder::new(format!("SELECT {} FROM {}", list(table.columns), quoted(table.name)));
    let mut joint = " WHERE ";
    for (column, value) in filter {
        // SQLite would take an unknown name in double quotes for a text.
        let (true, Some(cell)) = (table.columns.contains(column), cell(value)) else {
            return Err(misshapen);
        };
        query.push(joint).push(quoted(column)).push(" IS ");
        let mut bound = query.separated("");
        cell.bind(&mut bound);
        joint = " AND ";
    }
    query.push(format!(" ORDER BY {}", list(table.key)));
    Ok(Statement { query, persistent: true })
}

/// Removes every row.
pub(crate) fn clear(table: &'static Table) -> QueryBuilder<Sqlite> {
    QueryBuilder::new(format!("DELETE FROM {}", quoted(table.name)))
}

fn push_rows(query: &mut QueryBuilder<Sqlite>, rows: &[Vec<Cell>]) {
    query.push_values(rows, |mut values, row| row.iter().for_each(|cell| cell.clone().bind(&mut values)));
}

fn chunks<T>(rows: &[T], columns: usize) -> std::slice::Chunks<'_, T> {
    rows.chunks((VALUES_MAX / columns.max(1)).clamp(1, ROWS_MAX))
}

/// Names of columns, with commas between.
pub(crate) fn list(columns: &[&str]) -> String {
    columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

/// A name as SQLite takes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
