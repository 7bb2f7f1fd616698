//! Reading through a connection: the same for both databases.

use super::{
    cell::Misshapen,
    dialect::{Dialect, Statement},
    pages, statements,
};
use application::ports::read_store::{Condition, PageQuery, ReadStoreError, Row, RowKey, Table};
use serde_json::Value;
use sqlx::Database;

/// Reads rows from a database.
pub(crate) trait Reader: Sync {
    /// How it takes statements.
    type Dialect: Dialect + Sync;

    /// How it takes statements.
    fn dialect(&self) -> &Self::Dialect;

    /// What a statement finds.
    fn fetch(
        &self,
        statement: Statement<<Self::Dialect as Dialect>::Db>,
    ) -> impl Future<Output = Result<Vec<Found<Self>>, ReadStoreError>> + Send;

    /// A row whose columns, from `first` on, are the table's.
    fn row_of(&self, table: &'static Table, first: usize, found: &Found<Self>) -> Result<Row, Misshapen>;

    /// The number in a column.
    fn number_of(&self, found: &Found<Self>, place: usize) -> Result<i64, ReadStoreError>;
}

/// A row as a database gives it.
pub(crate) type Found<R> = <<<R as Reader>::Dialect as Dialect>::Db as Database>::Row;

/// As [`application::ports::read_store::ReadStore::load`].
pub(crate) async fn load<R: Reader>(
    reader: &R,
    table: &'static Table,
    keys: &[RowKey],
) -> Result<Vec<Option<Row>>, ReadStoreError> {
    let mut rows = vec![None; keys.len()];
    for statement in statements::selects(reader.dialect(), table, keys)? {
        for found in reader.fetch(statement).await? {
            let place = reader.number_of(&found, 0)?;
            let slot = usize::try_from(place).ok().and_then(|place| rows.get_mut(place));
            if let Some(slot) = slot {
                *slot = Some(reader.row_of(table, 1, &found)?);
            }
        }
    }
    Ok(rows)
}

/// As [`application::ports::read_store::ReadStore::query`].
pub(crate) async fn query<R: Reader>(
    reader: &R,
    table: &'static Table,
    filter: &[(&'static str, Value)],
) -> Result<Vec<Row>, ReadStoreError> {
    rows(reader, table, statements::query(reader.dialect(), table, filter)?).await
}

/// As [`application::ports::read_store::ReadStore::page`].
pub(crate) async fn page<R: Reader>(
    reader: &R,
    table: &'static Table,
    query: &PageQuery,
) -> Result<Vec<Row>, ReadStoreError> {
    rows(reader, table, pages::page(reader.dialect(), table, query)?).await
}

/// As [`application::ports::read_store::ReadStore::count`].
pub(crate) async fn count<R: Reader>(
    reader: &R,
    table: &'static Table,
    conditions: &[Condition],
) -> Result<u64, ReadStoreError> {
    let counted = numbers(reader, pages::count(reader.dialect(), table, conditions)?, 1).await?;
    Ok(counted.first().and_then(|count| u64::try_from(*count).ok()).unwrap_or(0))
}

/// As [`application::ports::read_store::ReadStore::sums`].
pub(crate) async fn sums<R: Reader>(
    reader: &R,
    table: &'static Table,
    columns: &[&'static str],
    conditions: &[Condition],
) -> Result<Vec<i64>, ReadStoreError> {
    if columns.is_empty() {
        return Ok(vec![]);
    }
    numbers(reader, pages::sums(reader.dialect(), table, columns, conditions)?, columns.len()).await
}

async fn rows<R: Reader>(
    reader: &R,
    table: &'static Table,
    statement: Statement<<R::Dialect as Dialect>::Db>,
) -> Result<Vec<Row>, ReadStoreError> {
    let found = reader.fetch(statement).await?;
    found.iter().map(|row| Ok(reader.row_of(table, 0, row)?)).collect()
}

/// The numbers in the one row of an answer.
async fn numbers<R: Reader>(
    reader: &R,
    statement: Statement<<R::Dialect as Dialect>::Db>,
    columns: usize,
) -> Result<Vec<i64>, ReadStoreError> {
    let found = reader.fetch(statement).await?;
    let row = found.first().ok_or_else(|| ReadStoreError::Unavailable(Box::new(sqlx::Error::RowNotFound)))?;
    (0..columns).map(|place| reader.number_of(row, place)).collect()
}
