//! The store of read models.

use super::{
    dialect::{SqliteTables, name_in},
    rows::row_of,
};
use crate::{
    error::StoreError,
    file::{File, Schema},
    sets::Set,
    tables::{self, Misshapen, Reader, Statement, Step, not_begun, quoted},
};
use application::ports::read_store::{Batch, Condition, PageQuery, ReadStore, ReadStoreError, Row, RowKey, Table};
use async_trait::async_trait;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row as _, Sqlite, SqliteConnection, SqliteExecutor, SqlitePool, sqlite::SqliteRow};
use std::path::Path;

const SCHEMA: Schema = Schema {
    what: "read models",
    // "Drea" in ASCII.
    application_id: 0x4472_6561,
    migrations: &[
        include_str!("../../../../migrations/sqlite/0002_read_models.sql"),
        include_str!("../../../../migrations/sqlite/0006_server_read_models.sql"),
        include_str!("../../../../migrations/sqlite/0007_read_model_indexes.sql"),
        include_str!("../../../../migrations/sqlite/0010_tenancy_read_models.sql"),
        include_str!("../../../../migrations/sqlite/0011_charges.sql"),
        include_str!("../../../../migrations/sqlite/0012_shadow_read_models.sql"),
        include_str!("../../../../migrations/sqlite/0015_parked_stages.sql"),
    ],
};

/// Read models in an SQLite file. Clones share it.
#[derive(Clone, Debug)]
pub struct SqliteReadStore {
    pub(super) file: File,
    pub(super) tables: SqliteTables,
}

impl SqliteReadStore {
    /// Opens the read models in this file, makes it if there is none, and brings its schema up to date.
    /// Refuses a file of a newer program, and one that holds something else.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: File::open(path, &SCHEMA).await?, tables: SqliteTables(Set::Live) })
    }

    /// Opens the read models in this file for reading only, beside an owner or without one. There must be
    /// such a file, up to date.
    pub async fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: File::open_read_only(path, &SCHEMA).await?, tables: SqliteTables(Set::Live) })
    }

    /// Closes the file. Dropping the store without this is safe.
    pub async fn close(&self) {
        self.file.close().await;
    }

    /// The file beneath.
    #[cfg(test)]
    pub(crate) fn file_for_tests(&self) -> &File {
        &self.file
    }
}

impl Reader for SqliteReadStore {
    type Dialect = SqliteTables;

    fn dialect(&self) -> &SqliteTables {
        &self.tables
    }

    async fn fetch(&self, statement: Statement<Sqlite>) -> Result<Vec<SqliteRow>, ReadStoreError> {
        let Statement { mut query, persistent } = statement;
        let rows = query.build().persistent(persistent).fetch_all(self.file.readers()).await;
        Ok(rows.map_err(|error| self.file.failed(error))?)
    }

    fn row_of(&self, table: &'static Table, first: usize, found: &SqliteRow) -> Result<Row, Misshapen> {
        row_of(table, first, found)
    }

    fn number_of(&self, found: &SqliteRow, place: usize) -> Result<i64, ReadStoreError> {
        Ok(found.try_get(place).map_err(|error| self.file.failed(error))?)
    }
}

/// How a batch ended.
enum Applied {
    Written,
    /// This one's checkpoint was not where it should be: nothing was written.
    Moved {
        projection: &'static str,
    },
    /// This one has no shadow.
    NotBegun {
        projection: &'static str,
    },
}

#[async_trait]
impl ReadStore for SqliteReadStore {
    async fn checkpoint(&self, projection: &str) -> Result<u64, ReadStoreError> {
        let found = checkpoint(self.file.readers(), self.tables.0, projection).await;
        Ok(found.map_err(|error| self.file.failed(error))?.unwrap_or(0))
    }

    async fn load(&self, table: &'static Table, keys: &[RowKey]) -> Result<Vec<Option<Row>>, ReadStoreError> {
        tables::load(self, table, keys).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), ReadStoreError> {
        self.apply_all(vec![batch]).await
    }

    /// All in one transaction: one that is refused takes the others with it.
    async fn apply_all(&self, batches: Vec<Batch>) -> Result<(), ReadStoreError> {
        let (file, writer, set) = (self.file.clone(), self.file.writer()?.clone(), self.tables.0);
        let steps = batches.iter().map(|batch| Step::of(&self.tables, batch)).collect::<Result<Vec<_>, _>>()?;
        let work = async move { write(&writer, set, steps).await.map_err(|error| file.failed(error)) };
        match self.file.to_the_end(work).await? {
            Applied::Written => Ok(()),
            Applied::Moved { projection } => Err(ReadStoreError::CheckpointMoved { projection }),
            Applied::NotBegun { projection } => Err(not_begun(projection)),
        }
    }

    async fn query(&self, table: &'static Table, filter: &[(&'static str, Value)]) -> Result<Vec<Row>, ReadStoreError> {
        tables::query(self, table, filter).await
    }

    async fn page(&self, table: &'static Table, query: &PageQuery) -> Result<Vec<Row>, ReadStoreError> {
        tables::page(self, table, query).await
    }

    async fn count(&self, table: &'static Table, conditions: &[Condition]) -> Result<u64, ReadStoreError> {
        tables::count(self, table, conditions).await
    }

    async fn sums(
        &self,
        table: &'static Table,
        columns: &[&'static str],
        conditions: &[Condition],
    ) -> Result<Vec<i64>, ReadStoreError> {
        tables::sums(self, table, columns, conditions).await
    }

    async fn reset(&self, projection: &str, table: &'static Table) -> Result<(), ReadStoreError> {
        let (file, writer, set) = (self.file.clone(), self.file.writer()?.clone(), self.tables.0);
        let projection = projection.to_owned();
        let work = async move { forget(&writer, set, &projection, table).await.map_err(|error| file.failed(error)) };
        Ok(self.file.to_the_end(work).await?)
    }
}

/// Rows and checkpoints in one transaction.
async fn write(writer: &SqlitePool, set: Set, steps: Vec<Step<Sqlite>>) -> Result<Applied, sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    for Step { projection, from, to, statements } in steps {
        let known = checkpoint(&mut *change, set, projection).await?;
        let refused = match (set, known) {
            (Set::Shadow | Set::Before, None) => Some(Applied::NotBegun { projection }),
            (_, known) => (known.unwrap_or(0) != from).then_some(Applied::Moved { projection }),
        };
        if let Some(refused) = refused {
            change.rollback().await?;
            return Ok(refused);
        }
        if to != from {
            move_to(&mut change, set, projection, to).await?;
        }
        for Statement { mut query, persistent } in statements {
            query.build().persistent(persistent).execute(&mut *change).await?;
        }
    }
    change.commit().await?;
    Ok(Applied::Written)
}

/// Where a projection stands in a set; `None` when nothing is known of it there.
pub(super) async fn checkpoint(
    executor: impl SqliteExecutor<'_>,
    set: Set,
    projection: &str,
) -> Result<Option<u64>, sqlx::Error> {
    let asked = format!("SELECT position FROM {} WHERE projection = ?1", name_in(set, "checkpoints"));
    let found = sqlx::query_scalar(AssertSqlSafe(asked)).bind(projection.to_owned()).fetch_optional(executor).await?;
    Ok(found.map(|position: i64| u64::try_from(position).unwrap_or(0)))
}

/// Says where a projection stands in a set.
pub(super) async fn move_to(
    connection: &mut SqliteConnection,
    set: Set,
    projection: &str,
    to: u64,
) -> Result<(), sqlx::Error> {
    let moved = format!(
        "INSERT INTO {} (projection, position) VALUES (?1, ?2) ON CONFLICT (projection) DO UPDATE SET position = ?2",
        name_in(set, "checkpoints")
    );
    let to = i64::try_from(to).unwrap_or(i64::MAX);
    sqlx::query(AssertSqlSafe(moved)).bind(projection.to_owned()).bind(to).execute(connection).await.map(|_| ())
}

async fn forget(writer: &SqlitePool, set: Set, projection: &str, table: &'static Table) -> Result<(), sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    let name = quoted(&name_in(set, table.name));
    sqlx::raw_sql(AssertSqlSafe(format!("DELETE FROM {name}"))).execute(&mut *change).await?;
    // Where there is no checkpoint, there is none to move: a shadow that nobody began stays so.
    if checkpoint(&mut *change, set, projection).await?.is_some() {
        move_to(&mut change, set, projection, 0).await?;
    }
    change.commit().await
}
