//! Keys as texts, by which rows are found in memory.

use application::ports::read_store::Row;
use serde_json::Value;
use std::fmt::Write;

/// A key, or its beginning, as text. Keys are equal if and only if their texts are, and a key begins as another one does
/// if and only if its text does.
pub(crate) fn name(key: &[Value]) -> String {
    let mut name = String::new();
    for value in key {
        // A comma within a text stands between its quotation marks.
        let _always_fits = write!(name, "{value},");
    }
    name
}

/// The values of a row's key.
pub(crate) fn of_row(columns: &[&str], row: &Row) -> Vec<Value> {
    columns.iter().map(|column| row.get(*column).cloned().unwrap_or(Value::Null)).collect()
}
