//! The store of read models.

use crate::{
    error::StoreError,
    file::{File, Schema},
    page,
    sql::{self, Statement},
    value::row_of,
};
use application::ports::read_store::{Batch, Condition, PageQuery, ReadStore, ReadStoreError, Row, RowKey, Table};
use async_trait::async_trait;
use serde_json::Value;
use sqlx::{Row as _, SqliteConnection, SqlitePool};
use std::path::Path;

const SCHEMA: Schema = Schema {
    what: "read models",
    // "Drea" in ASCII.
    application_id: 0x4472_6561,
    migrations: &[
        include_str!("../../../migrations/sqlite/0002_read_models.sql"),
        include_str!("../../../migrations/sqlite/0006_server_read_models.sql"),
        include_str!("../../../migrations/sqlite/0007_read_model_indexes.sql"),
        include_str!("../../../migrations/sqlite/0010_tenancy_read_models.sql"),
        include_str!("../../../migrations/sqlite/0011_charges.sql"),
    ],
};

/// Read models in an SQLite file. Clones share it.
#[derive(Clone, Debug)]
pub struct SqliteReadStore {
    file: File,
}

impl SqliteReadStore {
    /// Opens the read models in this file, makes it if there is none, and brings its schema up to date.
    /// Refuses a file of a newer program, and one that holds something else.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: File::open(path, &SCHEMA).await? })
    }

    /// Opens the read models in this file for reading only, beside an owner or without one. There must be
    /// such a file, up to date.
    pub async fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: File::open_read_only(path, &SCHEMA).await? })
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

    async fn fetch(&self, statement: Statement) -> Result<Vec<sqlx::sqlite::SqliteRow>, StoreError> {
        let Statement { mut query, persistent } = statement;
        let rows = query.build().persistent(persistent).fetch_all(self.file.readers()).await;
        rows.map_err(|error| self.file.failed(error))
    }

    /// The numbers in the one row of an answer.
    async fn numbers(&self, statement: Statement, columns: usize) -> Result<Vec<i64>, StoreError> {
        let rows = self.fetch(statement).await?;
        let row = rows.first().ok_or_else(|| self.file.failed(sqlx::Error::RowNotFound))?;
        (0..columns).map(|place| row.try_get(place).map_err(|error| self.file.failed(error))).collect()
    }
}

/// How a batch ended.
enum Applied {
    Written,
    /// This one's checkpoint was not where it should be: nothing was written.
    Moved {
        projection: &'static str,
    },
}

/// What one projection changes, as statements.
struct Step {
    projection: &'static str,
    from: u64,
    to: u64,
    statements: Vec<Statement>,
}

impl Step {
    fn of(batch: &Batch) -> Result<Self, StoreError> {
        let mut statements = sql::deletes(batch.table, &batch.deletes)?;
        statements.extend(sql::upserts(batch.table, &batch.upserts)?);
        Ok(Self { projection: batch.projection, from: batch.from, to: batch.to, statements })
    }
}

#[async_trait]
impl ReadStore for SqliteReadStore {
    async fn checkpoint(&self, projection: &str) -> Result<u64, ReadStoreError> {
        let found = sqlx::query_scalar("SELECT position FROM checkpoints WHERE projection = ?1")
            .bind(projection.to_owned())
            .fetch_optional(self.file.readers())
            .await;
        let position: Option<i64> = found.map_err(|error| self.file.failed(error))?;
        Ok(position.and_then(|position| u64::try_from(position).ok()).unwrap_or(0))
    }

    async fn load(&self, table: &'static Table, keys: &[RowKey]) -> Result<Vec<Option<Row>>, ReadStoreError> {
        let mut rows = vec![None; keys.len()];
        for statement in sql::selects(table, keys)? {
            for found in self.fetch(statement).await? {
                let place: i64 = found.try_get(0).map_err(|error| self.file.failed(error))?;
                let slot = usize::try_from(place).ok().and_then(|place| rows.get_mut(place));
                if let Some(slot) = slot {
                    *slot = Some(row_of(table, 1, &found)?);
                }
            }
        }
        Ok(rows)
    }

    async fn apply(&self, batch: Batch) -> Result<(), ReadStoreError> {
        self.apply_all(vec![batch]).await
    }

    /// All in one transaction: one that is refused takes the others with it.
    async fn apply_all(&self, batches: Vec<Batch>) -> Result<(), ReadStoreError> {
        let (file, writer) = (self.file.clone(), self.file.writer()?.clone());
        let steps = batches.iter().map(Step::of).collect::<Result<Vec<_>, StoreError>>()?;
        let work = async move { write(&writer, steps).await.map_err(|error| file.failed(error)) };
        match self.file.to_the_end(work).await? {
            Applied::Written => Ok(()),
            Applied::Moved { projection } => Err(ReadStoreError::CheckpointMoved { projection }),
        }
    }

    async fn query(&self, table: &'static Table, filter: &[(&'static str, Value)]) -> Result<Vec<Row>, ReadStoreError> {
        let found = self.fetch(sql::query(table, filter)?).await?;
        let rows: Result<Vec<Row>, StoreError> = found.iter().map(|row| row_of(table, 0, row)).collect();
        Ok(rows?)
    }

    async fn page(&self, table: &'static Table, query: &PageQuery) -> Result<Vec<Row>, ReadStoreError> {
        let found = self.fetch(page::page(table, query)?).await?;
        let rows: Result<Vec<Row>, StoreError> = found.iter().map(|row| row_of(table, 0, row)).collect();
        Ok(rows?)
    }

    async fn count(&self, table: &'static Table, conditions: &[Condition]) -> Result<u64, ReadStoreError> {
        let counted = self.numbers(page::count(table, conditions)?, 1).await?;
        Ok(counted.first().and_then(|count| u64::try_from(*count).ok()).unwrap_or(0))
    }

    async fn sums(
        &self,
        table: &'static Table,
        columns: &[&'static str],
        conditions: &[Condition],
    ) -> Result<Vec<i64>, ReadStoreError> {
        if columns.is_empty() {
            return Ok(vec![]);
        }
        Ok(self.numbers(page::sums(table, columns, conditions)?, columns.len()).await?)
    }

    async fn reset(&self, projection: &str, table: &'static Table) -> Result<(), ReadStoreError> {
        let (file, writer, projection) = (self.file.clone(), self.file.writer()?.clone(), projection.to_owned());
        let work = async move { forget(&writer, &projection, table).await.map_err(|error| file.failed(error)) };
        Ok(self.file.to_the_end(work).await?)
    }
}

/// Rows and checkpoints in one transaction.
async fn write(writer: &SqlitePool, steps: Vec<Step>) -> Result<Applied, sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    for Step { projection, from, to, statements } in steps {
        if !advance(&mut change, projection, from, to).await? {
            change.rollback().await?;
            return Ok(Applied::Moved { projection });
        }
        for Statement { mut query, persistent } in statements {
            query.build().persistent(persistent).execute(&mut *change).await?;
        }
    }
    change.commit().await?;
    Ok(Applied::Written)
}

/// Compares and sets the checkpoint; `false` when it is elsewhere.
async fn advance(connection: &mut SqliteConnection, projection: &str, from: u64, to: u64) -> Result<bool, sqlx::Error> {
    let bound = |position: u64| i64::try_from(position).unwrap_or(i64::MAX);
    let moved = if from == 0 {
        "INSERT INTO checkpoints (projection, position) VALUES (?1, ?2) \
         ON CONFLICT (projection) DO UPDATE SET position = ?2 WHERE position = ?3"
    } else {
        "UPDATE checkpoints SET position = ?2 WHERE projection = ?1 AND position = ?3"
    };
    let moved =
        sqlx::query(moved).bind(projection.to_owned()).bind(bound(to)).bind(bound(from)).execute(connection).await?;
    Ok(moved.rows_affected() == 1)
}

async fn forget(writer: &SqlitePool, projection: &str, table: &'static Table) -> Result<(), sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    sql::clear(table).build().execute(&mut *change).await?;
    sqlx::query("DELETE FROM checkpoints WHERE projection = ?1")
        .bind(projection.to_owned())
        .execute(&mut *change)
        .await?;
    change.commit().await
}
