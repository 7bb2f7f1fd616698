//! Statements over any table: many rows in one statement, as few statements as the database allows.

use super::{
    cell::{Cell, Misshapen, cells, key_cells},
    dialect::{Dialect, Statement, list, quoted},
    pages,
};
use application::ports::read_store::{Batch, Condition, Row, RowKey, Table};
use serde_json::Value;
use sqlx::{Database, QueryBuilder};
use std::collections::HashSet;

/// What one projection changes, as statements.
pub(crate) struct Step<Db: Database> {
    /// The projection.
    pub projection: &'static str,
    /// Where its checkpoint must be.
    pub from: u64,
    /// Where it is afterwards.
    pub to: u64,
    /// Removes and writes rows, in this order.
    pub statements: Vec<Statement<Db>>,
}

impl<Db: Database> Step<Db> {
    /// The step of a batch.
    pub fn of<D: Dialect<Db = Db>>(dialect: &D, batch: &Batch) -> Result<Self, Misshapen> {
        let mut statements = deletes(dialect, batch.table, &batch.deletes)?;
        statements.extend(upserts(dialect, batch.table, &batch.upserts)?);
        Ok(Self { projection: batch.projection, from: batch.from, to: batch.to, statements })
    }
}

/// Writes rows, new or not.
fn upserts<D: Dialect>(dialect: &D, table: &'static Table, rows: &[Row]) -> Result<Vec<Statement<D::Db>>, Misshapen> {
    let rows = rows.iter().map(|row| cells(table, row)).collect::<Result<Vec<_>, _>>()?;
    let rest: Vec<_> = table.columns.iter().filter(|column| !table.key.contains(column)).collect();
    let set: Vec<_> = rest.iter().map(|column| format!("{0} = excluded.{0}", quoted(column))).collect();
    let change = if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(", ")) };
    let (name, columns, key) = (dialect.table(table), list(table.columns), list(table.key));
    in_chunks(dialect, numbered(last_of_each(table, rows)), table.columns.len(), |chunk| {
        let mut query = QueryBuilder::new(format!("INSERT INTO {name} ({columns}) "));
        dialect.push_rows(&mut query, table, table.columns, chunk, false)?;
        query.push(format!(" ON CONFLICT ({key}) DO {change}"));
        Ok(query)
    })
}

/// Removes rows by their keys.
fn deletes<D: Dialect>(
    dialect: &D,
    table: &'static Table,
    keys: &[RowKey],
) -> Result<Vec<Statement<D::Db>>, Misshapen> {
    in_chunks(dialect, possible(dialect, table, keys)?, table.key.len(), |chunk| {
        let mut query =
            QueryBuilder::new(format!("DELETE FROM {} WHERE ({}) IN (", dialect.table(table), list(table.key)));
        dialect.push_rows(&mut query, table, table.key, chunk, false)?;
        query.push(")");
        Ok(query)
    })
}

/// Reads rows by their keys. The first column of what comes back is the key's place in `keys`.
pub(crate) fn selects<D: Dialect>(
    dialect: &D,
    table: &'static Table,
    keys: &[RowKey],
) -> Result<Vec<Statement<D::Db>>, Misshapen> {
    let key: Vec<String> = (0..table.key.len()).map(|place| format!("key_{place}")).collect();
    let pairs = table.key.iter().zip(&key).map(|(column, key)| format!("kept.{} = wanted.{key}", quoted(column)));
    let join = pairs.collect::<Vec<_>>().join(" AND ");
    let columns: Vec<_> = table.columns.iter().map(|column| dialect.read(table, "kept", column)).collect();
    in_chunks(dialect, possible(dialect, table, keys)?, table.key.len() + 1, |chunk| {
        let mut query = QueryBuilder::new(format!("WITH wanted (place, {}) AS (", key.join(", ")));
        dialect.push_rows(&mut query, table, table.key, chunk, true)?;
        // CROSS JOIN keeps SQLite from scanning the table and looking each row up in the list instead; PostgreSQL
        // chooses by itself.
        let (columns, name) = (columns.join(", "), dialect.table(table));
        query.push(format!(") SELECT wanted.place, {columns} FROM wanted CROSS JOIN {name} AS kept WHERE {join}"));
        Ok(query)
    })
}

/// Reads the rows where columns have these values, in order of the key.
pub(crate) fn query<D: Dialect>(
    dialect: &D,
    table: &'static Table,
    filter: &[(&'static str, Value)],
) -> Result<Statement<D::Db>, Misshapen> {
    let conditions: Vec<_> = filter.iter().map(|(column, value)| Condition::Equals(column, value.clone())).collect();
    let columns: Vec<_> = table.columns.iter().map(|column| dialect.read(table, "kept", column)).collect();
    let order: Vec<_> = table.key.iter().map(|column| dialect.ordered(table, "kept", column, false)).collect();
    let mut found = pages::over_all(dialect, table, &columns.join(", "), &conditions)?;
    found.query.push(format!(" ORDER BY {}", order.join(", ")));
    Ok(found)
}

/// The rows that stand in the end, where several have one key.
fn last_of_each(table: &'static Table, mut rows: Vec<Vec<Cell>>) -> Vec<Vec<Cell>> {
    // The columns of the key come first.
    let key = |row: &[Cell]| row.iter().take(table.key.len()).cloned().collect::<Vec<_>>();
    let mut known = HashSet::with_capacity(rows.len());
    rows.reverse();
    rows.retain(|row| known.insert(key(row)));
    rows.reverse();
    rows
}

fn numbered(rows: Vec<Vec<Cell>>) -> Vec<(usize, Vec<Cell>)> {
    rows.into_iter().enumerate().collect()
}

/// Keys that rows may have, with their places.
fn possible<D: Dialect>(
    dialect: &D,
    table: &'static Table,
    keys: &[RowKey],
) -> Result<Vec<(usize, Vec<Cell>)>, Misshapen> {
    let mut cells = numbered(keys.iter().map(|key| key_cells(table, key)).collect::<Result<Vec<_>, _>>()?);
    let fits = |(column, cell): (&&str, &Cell)| *cell != Cell::Null && dialect.is_possible(table, column, cell);
    cells.retain(|(_, key)| table.key.iter().zip(key).all(fits));
    Ok(cells)
}

fn in_chunks<D: Dialect>(
    dialect: &D,
    rows: Vec<(usize, Vec<Cell>)>,
    values: usize,
    build: impl Fn(&[(usize, Vec<Cell>)]) -> Result<QueryBuilder<D::Db>, Misshapen>,
) -> Result<Vec<Statement<D::Db>>, Misshapen> {
    let max = dialect.rows_max(values).max(1);
    // One text for any number of rows is worth keeping; so is that for one.
    let persistent = |chunk: &[_]| max == usize::MAX || chunk.len() == 1;
    let built = |chunk| Ok(Statement { persistent: persistent(chunk), query: build(chunk)? });
    rows.chunks(max).map(built).collect()
}
