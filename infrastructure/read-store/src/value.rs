//! Values of rows: into SQLite and back, the same.

use crate::error::StoreError;
use application::ports::read_store::{Row, RowKey, Table};
use serde_json::Value;
use sqlx::{Column, Decode, Row as _, Sqlite, TypeInfo, ValueRef, query_builder::Separated, sqlite::SqliteRow};

/// A value as SQLite takes it.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    /// Nothing.
    Null,
    /// A whole number, or a truth value in a column that is declared as one.
    Integer(i64),
    /// A text.
    Text(String),
}

impl Cell {
    /// Binds it as the next of several.
    pub fn bind(self, values: &mut Separated<'_, Sqlite, &'static str>) {
        match self {
            Cell::Null => values.push_bind(None::<i64>),
            Cell::Integer(number) => values.push_bind(number),
            Cell::Text(text) => values.push_bind(text),
        };
    }
}

/// A value as SQLite takes it; `None` for what rows never hold.
pub(crate) fn cell(value: &Value) -> Option<Cell> {
    match value {
        Value::Null => Some(Cell::Null),
        Value::Bool(truth) => Some(Cell::Integer(i64::from(*truth))),
        Value::Number(number) => number.as_i64().map(Cell::Integer),
        Value::String(text) => Some(Cell::Text(text.clone())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// The cells of a complete row, in the order of the table's columns.
pub(crate) fn cells(table: &'static Table, row: &Row) -> Result<Vec<Cell>, StoreError> {
    let cells: Option<Vec<Cell>> = table.columns.iter().map(|column| row.get(*column).and_then(cell)).collect();
    let complete = cells.filter(|cells| cells.len() == row.len());
    complete.ok_or(StoreError::Misshapen { table: table.name })
}

/// The cells of a key.
pub(crate) fn key_cells(table: &'static Table, key: &RowKey) -> Result<Vec<Cell>, StoreError> {
    let cells: Option<Vec<Cell>> = key.iter().map(cell).collect();
    let complete = cells.filter(|cells| cells.len() == table.key.len());
    complete.ok_or(StoreError::Misshapen { table: table.name })
}

/// A row whose columns, from `first` on, are the table's.
pub(crate) fn row_of(table: &'static Table, first: usize, stored: &SqliteRow) -> Result<Row, StoreError> {
    let misshapen = || StoreError::Misshapen { table: table.name };
    let values = table.columns.iter().enumerate().map(|(place, column)| {
        let value = value_at(stored, first + place).ok_or_else(misshapen)?;
        Ok(((*column).to_owned(), value))
    });
    values.collect()
}

fn value_at(stored: &SqliteRow, place: usize) -> Option<Value> {
    let is_truth = stored.try_column(place).ok()?.type_info().name() == "BOOLEAN";
    let value = stored.try_get_raw(place).ok()?;
    if value.is_null() {
        return Some(Value::Null);
    }
    let kind = value.type_info().name().to_owned();
    match (kind.as_str(), is_truth) {
        ("INTEGER", true) => <i64 as Decode<Sqlite>>::decode(value).ok().map(|number| Value::from(number != 0)),
        ("INTEGER", false) => <i64 as Decode<Sqlite>>::decode(value).ok().map(Value::from),
        ("TEXT", _) => <String as Decode<Sqlite>>::decode(value).ok().map(Value::from),
        (_, _) => None,
    }
}
