//! Rows as SQLite gives them.

use crate::tables::Misshapen;
use application::ports::read_store::{Row, Table};
use serde_json::Value;
use sqlx::{Column, Decode, Row as _, Sqlite, TypeInfo, ValueRef, sqlite::SqliteRow};

/// A row whose columns, from `first` on, are the table's.
pub(crate) fn row_of(table: &'static Table, first: usize, stored: &SqliteRow) -> Result<Row, Misshapen> {
    let values = table.columns.iter().enumerate().map(|(place, column)| {
        let value = value_at(stored, first + place).ok_or(Misshapen { table: table.name })?;
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
