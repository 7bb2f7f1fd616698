//! Values that are bound to statements.

use uuid::Uuid;

/// A value, or the want of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// An id: 16 bytes in SQLite, `uuid` in PostgreSQL.
    Id(Option<Uuid>),
    /// A number.
    Number(Option<i64>),
    /// A truth: 0 or 1 in SQLite.
    Flag(bool),
    /// A text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}
