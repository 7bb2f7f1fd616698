//! Reading and writing the columns of a row. Nothing here fails: a column that does not hold what is
//! expected reads as absent.

use application::ports::{
    event_log::StreamId,
    read_store::{Row, RowKey, Table},
};
use domain::value::Decibel;
use serde::Serialize;
use serde_json::Value;

/// The row as it is, or a new one: nulls, but for the key.
pub(crate) fn or_blank(row: Option<Row>, table: &'static Table, key: &RowKey) -> Row {
    row.unwrap_or_else(|| {
        let nulls = table.columns.iter().map(|column| ((*column).to_owned(), Value::Null));
        let keyed = table.key.iter().zip(key).map(|(column, value)| ((*column).to_owned(), value.clone()));
        nulls.chain(keyed).collect()
    })
}

/// Writes a column.
pub(crate) fn set(row: &mut Row, column: &'static str, value: impl Into<Value>) {
    row.insert(column.to_owned(), value.into());
}

/// A text column; empty when it holds none.
pub(crate) fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a column holds anything.
pub(crate) fn is_set(row: &Row, column: &str) -> bool {
    row.get(column).is_some_and(|value| !value.is_null())
}

/// A whole number as stores keep it: signed, of 64 bits.
pub(crate) fn number(value: impl TryInto<i64>) -> Value {
    Value::from(value.try_into().unwrap_or(i64::MAX))
}

/// The stable name of a plain enum's variant, as it stands in events.
pub(crate) fn name_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    }
}

/// A small whole number; 0 when the column holds none.
pub(crate) fn count(row: &Row, column: &str) -> u32 {
    row.get(column).and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

/// Adds to a whole number; none counts as 0.
pub(crate) fn add(row: &mut Row, column: &'static str, more: u64) {
    let known = row.get(column).and_then(Value::as_u64).unwrap_or(0);
    set(row, column, number(known.saturating_add(more)));
}

/// Whether a column holds true.
pub(crate) fn is_true(row: &Row, column: &str) -> bool {
    row.get(column) == Some(&Value::Bool(true))
}

/// A level in hundredths of LUFS or dBTP. It is kept in them already, so that nothing is lost here.
pub(crate) fn centi(level: Decibel) -> i64 {
    (level.db() * 100.0).round() as i64
}

/// The job of a stream, as it stands in rows; null for streams of something else.
pub(crate) fn job_of(stream: &StreamId) -> Value {
    stream.dubbing().map_or(Value::Null, |job| Value::from(job.to_string()))
}

/// The language of a stream; empty for the dubbing's own.
pub(crate) fn language_of(stream: &StreamId) -> &str {
    match stream {
        StreamId::Dubbing(_) => "",
        StreamId::Track(track) => track.language.as_str(),
        StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => "",
    }
}
