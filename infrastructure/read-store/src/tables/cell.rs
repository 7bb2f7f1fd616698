//! Values of rows, as databases take them.

use application::ports::read_store::{ReadStoreError, Row, RowKey, Table};
use serde_json::Value;
use thiserror::Error;

/// A row does not have the columns of its table, or a value cannot be kept.
#[derive(Clone, Copy, Debug, Error)]
#[error("a row of table {table} does not have the table's shape")]
pub struct Misshapen {
    /// The table.
    pub table: &'static str,
}

impl From<Misshapen> for ReadStoreError {
    fn from(error: Misshapen) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// Nobody began to fold this projection anew.
#[derive(Clone, Copy, Debug, Error)]
#[error("{projection} has no shadow")]
pub(crate) struct NotBegun {
    /// The projection.
    pub projection: &'static str,
}

/// As the port says it.
pub(crate) fn not_begun(projection: &'static str) -> ReadStoreError {
    ReadStoreError::Unavailable(Box::new(NotBegun { projection }))
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cell {
    /// Nothing.
    Null,
    /// A whole number, or a truth value in a column that is declared as one.
    Integer(i64),
    /// A text.
    Text(String),
}

/// A value; `None` for what rows never hold.
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
pub(crate) fn cells(table: &'static Table, row: &Row) -> Result<Vec<Cell>, Misshapen> {
    let cells: Option<Vec<Cell>> = table.columns.iter().map(|column| row.get(*column).and_then(cell)).collect();
    let complete = cells.filter(|cells| cells.len() == row.len());
    complete.ok_or(Misshapen { table: table.name })
}

/// The cells of a key.
pub(crate) fn key_cells(table: &'static Table, key: &RowKey) -> Result<Vec<Cell>, Misshapen> {
    let cells: Option<Vec<Cell>> = key.iter().map(cell).collect();
    let complete = cells.filter(|cells| cells.len() == table.key.len());
    complete.ok_or(Misshapen { table: table.name })
}
