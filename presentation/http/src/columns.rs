//! Reading the columns of rows. A column that does not hold what is expected reads as absent.

use application::ports::read_store::Row;
use serde_json::Value;
use uuid::Uuid;

/// A text.
pub(crate) fn text<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.get(column).and_then(Value::as_str)
}

/// A text to keep; empty when there is none.
pub(crate) fn owned(row: &Row, column: &str) -> String {
    text(row, column).unwrap_or_default().to_owned()
}

/// A whole number that is not negative.
pub(crate) fn number(row: &Row, column: &str) -> Option<u64> {
    row.get(column).and_then(Value::as_u64)
}

/// A small one.
pub(crate) fn small(row: &Row, column: &str) -> Option<u32> {
    number(row, column).and_then(|number| number.try_into().ok())
}

/// An id.
pub(crate) fn id(row: &Row, column: &str) -> Option<Uuid> {
    text(row, column).and_then(|text| text.parse().ok())
}

/// The items of a list with commas between them.
pub(crate) fn items(row: &Row, column: &str) -> Vec<String> {
    text(row, column).unwrap_or_default().split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// Whether it is true.
pub(crate) fn flag(row: &Row, column: &str) -> bool {
    row.get(column) == Some(&Value::Bool(true))
}
