//! Read models: what projections fold events into, and queries read.

use async_trait::async_trait;
use serde_json::{Map, Value};
use thiserror::Error;

/// Keeps the rows of read models and the projections' checkpoints.
///
/// Rows and checkpoint change in one transaction; the checkpoint is compared and set, so that two
/// runners of one projection cannot both win.
#[async_trait]
pub trait ReadStore: Send + Sync {
    /// How far a projection has come; 0 before the first event.
    async fn checkpoint(&self, projection: &str) -> Result<u64, ReadStoreError>;

    /// Rows of a table by their keys, in the order asked; `None` for those that do not exist.
    async fn load(&self, table: &'static Table, keys: &[RowKey]) -> Result<Vec<Option<Row>>, ReadStoreError>;

    /// Writes rows and moves the checkpoint, in one transaction.
    /// [`ReadStoreError::CheckpointMoved`] when it is not at `batch.from` any more.
    async fn apply(&self, batch: Batch) -> Result<(), ReadStoreError>;

    /// The steps of several projections, in order. Stops at the first that is refused; those before it may have been
    /// taken or not. Stores that can take them all in one transaction, which is faster.
    async fn apply_all(&self, batches: Vec<Batch>) -> Result<(), ReadStoreError> {
        for batch in batches {
            self.apply(batch).await?;
        }
        Ok(())
    }

    /// Rows of a table where the named columns have these values, ordered by key.
    async fn query(&self, table: &'static Table, filter: &[(&'static str, Value)]) -> Result<Vec<Row>, ReadStoreError>;

    /// The next rows that meet every condition, in the order asked, at most `query.limit`.
    ///
    /// A row that is there, unchanged, while page after page is read comes exactly once, whatever is
    /// written meanwhile.
    async fn page(&self, table: &'static Table, query: &PageQuery) -> Result<Vec<Row>, ReadStoreError>;

    /// How many rows meet every condition.
    async fn count(&self, table: &'static Table, conditions: &[Condition]) -> Result<u64, ReadStoreError>;

    /// The sum of each of these columns, of whole numbers, over the rows that meet every condition; nulls
    /// count as 0. Fails when a sum does not fit into an `i64`.
    async fn sums(
        &self,
        table: &'static Table,
        columns: &[&'static str],
        conditions: &[Condition],
    ) -> Result<Vec<i64>, ReadStoreError>;

    /// Forgets a projection's rows and its checkpoint: it will be folded anew.
    async fn reset(&self, projection: &str, table: &'static Table) -> Result<(), ReadStoreError>;
}

/// A read model's table, as its migration makes it. It belongs to one projection, unless it is shared.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Columns of the primary key, in order.
    pub key: &'static [&'static str],
    /// All columns, those of the key first.
    pub columns: &'static [&'static str],
}

impl Table {
    /// Whether several projections have rows in it: then the key begins with the column `projection`.
    pub fn is_shared(&self) -> bool {
        self.key.first() == Some(&"projection")
    }
}

/// Values of the key's columns.
pub type RowKey = Vec<Value>;

/// A row: column to value. Integers, texts, booleans and nulls; nothing nested, nothing personal.
pub type Row = Map<String, Value>;

/// Which rows of a table, and which part of them.
#[derive(Clone, Debug, PartialEq)]
pub struct PageQuery {
    /// What each row must meet; none means all rows.
    pub conditions: Vec<Condition>,
    /// In which order.
    pub order: Order,
    /// Where the last page ended: see [`Order::place_of`]. `None` begins.
    pub after: Option<RowKey>,
    /// How many rows at most.
    pub limit: usize,
}

/// The order of a page. Nulls come before everything, numbers before texts, texts by their bytes in
/// UTF-8. Ties are broken by the columns of the key, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: &'static str,
    /// From the greatest to the least, nulls last.
    pub descending: bool,
}

impl Order {
    /// Where a row of this table stands in this order: the column's value, then the key's. Given as
    /// [`PageQuery::after`], it makes the next page begin behind this row, even if the row is gone by then.
    pub fn place_of(&self, table: &'static Table, row: &Row) -> RowKey {
        let value = |column: &str| row.get(column).cloned().unwrap_or_default();
        [self.column].iter().chain(table.key).map(|column| value(column)).collect()
    }
}

/// What a row must meet. A value is of its column's kind: a number for a number, a text for a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The column has this value; null finds null.
    Equals(&'static str, Value),
    /// The column has one of these values; no values find nothing.
    OneOf(&'static str, Vec<Value>),
    /// The column's value is this one or comes after it. Neither of them is null.
    AtLeast(&'static str, Value),
    /// The column's value comes before this one. Neither of them is null.
    Below(&'static str, Value),
    /// The column's text has this text within it, whatever the case of the letters A to Z; other letters
    /// are compared as they are. No character is special.
    Contains(&'static str, String),
    /// The column's text, a list with commas between its items, has this item. An empty item, or one with
    /// a comma, is in no list.
    Holds(&'static str, String),
}

impl Condition {
    /// The column that it is about.
    pub fn column(&self) -> &'static str {
        match self {
            Condition::Equals(column, _)
            | Condition::OneOf(column, _)
            | Condition::AtLeast(column, _)
            | Condition::Below(column, _)
            | Condition::Contains(column, _)
            | Condition::Holds(column, _) => column,
        }
    }
}

/// What one projection changes in one step.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The projection.
    pub projection: &'static str,
    /// Where its checkpoint must be.
    pub from: u64,
    /// Where it is afterwards; the same, where only rows change, or nothing does and the checkpoint is but compared.
    pub to: u64,
    /// The table that it owns, or one that is shared.
    pub table: &'static Table,
    /// Rows to write, each complete.
    pub upserts: Vec<Row>,
    /// Keys of rows to remove.
    pub deletes: Vec<RowKey>,
}

/// Why a read model could not be used.
#[derive(Debug, Error)]
pub enum ReadStoreError {
    /// Another runner has moved this projection on.
    #[error("projection {projection} was moved on by another runner")]
    CheckpointMoved {
        /// Which.
        projection: &'static str,
    },
    /// The disk is full.
    #[error("the disk that holds the read models is full")]
    OutOfRoom,
    /// The store failed.
    #[error("the read store could not be used")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
