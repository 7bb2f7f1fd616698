//! Rows as PostgreSQL gives them, as projections wrote them.

use super::{
    columns::{Columns, Kind},
    values::moment_text,
};
use crate::tables::Misshapen;
use application::ports::read_store::{Row, Table};
use serde_json::Value;
use sqlx::{Row as _, postgres::PgRow, types::Uuid};
use time::OffsetDateTime;

/// A row whose columns, from `first` on, are the table's.
pub(crate) fn row_of(columns: &Columns, table: &'static Table, first: usize, stored: &PgRow) -> Result<Row, Misshapen> {
    let values = table.columns.iter().enumerate().map(|(place, column)| {
        let value = columns.kind(table.name, column).and_then(|kind| value_at(stored, first + place, kind));
        Ok(((*column).to_owned(), value.ok_or(Misshapen { table: table.name })?))
    });
    values.collect()
}

fn value_at(stored: &PgRow, place: usize, kind: Kind) -> Option<Value> {
    match kind {
        // Lists and JSON are read as texts.
        Kind::Text | Kind::List | Kind::Json => stored.try_get::<Option<String>, _>(place).ok().map(Value::from),
        Kind::Number => stored.try_get::<Option<i64>, _>(place).ok().map(Value::from),
        Kind::Truth => stored.try_get::<Option<bool>, _>(place).ok().map(Value::from),
        Kind::Id => stored.try_get::<Option<Uuid>, _>(place).ok().map(|id| id.map(|id| id.to_string()).into()),
        Kind::Moment => match stored.try_get::<Option<OffsetDateTime>, _>(place).ok()? {
            Some(moment) => moment_text(moment).map(Value::from),
            None => Some(Value::Null),
        },
    }
}
