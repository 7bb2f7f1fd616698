//! The shape of every projection.

use application::ports::{
    event_log::Recorded,
    read_store::{Row, RowKey, Table},
};

/// A pure fold of events into the rows of one table.
///
/// A change of what a fold writes comes with a migration that empties its table and forgets its
/// checkpoint, so that old and new rows never stand side by side.
pub trait Projection: Send + Sync {
    /// Its name: the checkpoint is kept under it.
    fn name(&self) -> &'static str;

    /// The table that it owns; nobody else writes to it.
    fn table(&self) -> &'static Table;

    /// The rows that an event may change.
    fn touches(&self, event: &Recorded) -> Touched;

    /// The row after the event: `None` when there is to be none. Takes any event for any key.
    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded) -> Option<Row>;
}

/// Which rows an event may change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touched {
    /// These rows, whether they exist or not. Each key once.
    pub keys: Vec<RowKey>,
    /// And every existing row whose key begins with these values.
    pub beneath: Option<RowKey>,
}

impl Touched {
    /// No row.
    pub fn none() -> Self {
        Self::default()
    }

    /// One row.
    pub fn one(key: RowKey) -> Self {
        Self::many([key])
    }

    /// These rows.
    pub fn many(keys: impl IntoIterator<Item = RowKey>) -> Self {
        Self { keys: keys.into_iter().collect(), beneath: None }
    }

    /// Every existing row whose key begins so.
    pub fn beneath(prefix: RowKey) -> Self {
        Self { keys: vec![], beneath: Some(prefix) }
    }
}
