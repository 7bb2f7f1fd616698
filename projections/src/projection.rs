//! The shape of every projection.

use application::ports::{
    event_log::{Recorded, StreamId},
    read_store::{Row, RowKey, Table},
};
use serde_json::{Value, json};

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

    /// How the keys of the rows begin that events of a stream change, for an event of it that cannot be read: they are
    /// parked. `None` when there are none, or when they do not follow from the stream.
    fn rows_of(&self, stream: &StreamId) -> Option<RowKey>;

    /// The row after the event: `None` when there is to be none. Takes any event for any key. `beside` knows the
    /// rows that [`Touched`] names, as they are after what the same event did to the keys before this one.
    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, beside: &Beside<'_>) -> Option<Row>;
}

/// Finds other rows of the same table.
pub type Beside<'a> = dyn Fn(&RowKey) -> Option<Row> + 'a;

/// Which rows an event may change, and which it must know besides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touched {
    /// These rows, whether they exist or not. Each key once; they are changed in this order.
    pub keys: Vec<RowKey>,
    /// After them, every existing row whose key is like one of these.
    pub alike: Vec<KeyPattern>,
    /// These rows are looked at and not changed.
    pub read: Vec<RowKey>,
}

/// Values of the key's first columns; `None` is any.
pub type KeyPattern = Vec<Option<Value>>;

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
        Self { keys: keys.into_iter().collect(), ..Self::default() }
    }

    /// Every existing row whose key begins so.
    pub fn beneath(prefix: RowKey) -> Self {
        Self::none().and_alike(prefix.into_iter().map(Some).collect())
    }

    /// And every existing row whose key is like this.
    #[must_use]
    pub fn and_alike(mut self, pattern: KeyPattern) -> Self {
        self.alike.push(pattern);
        self
    }

    /// Looking at these rows.
    #[must_use]
    pub fn and_read(mut self, keys: impl IntoIterator<Item = RowKey>) -> Self {
        self.read.extend(keys);
        self
    }
}

/// The rows of a stream, for tables whose keys begin with a job and a language.
pub(crate) fn by_job_and_language(stream: &StreamId) -> Option<RowKey> {
    match stream {
        StreamId::Dubbing(id) => Some(vec![json!(id.to_string())]),
        StreamId::Track(id) => Some(vec![json!(id.dubbing.to_string()), json!(id.language.as_str())]),
        StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => None,
    }
}

/// Whether a key is like a pattern.
pub(crate) fn is_alike(key: &RowKey, pattern: &KeyPattern) -> bool {
    pattern.iter().zip(key).all(|(wanted, value)| wanted.as_ref().is_none_or(|wanted| wanted == value))
}
