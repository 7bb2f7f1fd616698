//! Sets of rows beside the live ones, in the same file: tables whose names begin with the set's.
//!
//! Indexes have names of their own in SQLite, and cannot be renamed. So only the live table has any: they are made when
//! it takes its place, under the names that migrations know. A table that is folded anew is filled faster without.

use super::{
    dialect::{SqliteTables, name_in},
    store::{self, SqliteReadStore},
};
use crate::{
    error::StoreError,
    sets::{self, Set},
    tables::quoted,
};
use application::ports::{
    read_store::{ReadStore, ReadStoreError, Table},
    shadow_store::{ShadowStore, Standing},
};
use async_trait::async_trait;
use sqlx::{AssertSqlSafe, SqliteConnection, SqlitePool};
use std::sync::Arc;

#[async_trait]
impl ShadowStore for SqliteReadStore {
    fn shadows(&self) -> Arc<dyn ReadStore> {
        Arc::new(Self { file: self.file.clone(), tables: SqliteTables(Set::Shadow) })
    }

    async fn begin(&self, projection: &'static str, table: &'static Table) -> Result<(), ReadStoreError> {
        Ok(self.change(move |writer| begin(writer, projection, table)).await?)
    }

    async fn swap(&self, projection: &'static str, table: &'static Table, at: u64) -> Result<(), ReadStoreError> {
        match self.change(move |writer| swap(writer, projection, table, at)).await? {
            true => Ok(()),
            false => Err(ReadStoreError::CheckpointMoved { projection }),
        }
    }

    async fn roll_back(&self, projection: &'static str, table: &'static Table) -> Result<bool, ReadStoreError> {
        Ok(self.change(move |writer| roll_back(writer, projection, table)).await?)
    }

    async fn discard(&self, projection: &'static str, table: &'static Table) -> Result<(), ReadStoreError> {
        Ok(self.change(move |writer| discard(writer, projection, table)).await?)
    }

    async fn standing(&self, projection: &'static str, _table: &'static Table) -> Result<Standing, ReadStoreError> {
        let asked = sqlx::query_as(AssertSqlSafe(sets::standing(name_in))).bind(projection);
        let found = asked.fetch_one(self.file.readers()).await;
        let (live, shadow, before): (Option<i64>, Option<i64>, Option<i64>) =
            found.map_err(|error| self.file.failed(error))?;
        let position = |found: Option<i64>| found.and_then(|found| u64::try_from(found).ok());
        Ok(Standing { live: position(live).unwrap_or(0), shadow: position(shadow), before: position(before) })
    }
}

impl SqliteReadStore {
    /// Changes something to the end, even if whoever waits for it gives up.
    async fn change<T: Send + 'static, Done>(
        &self,
        change: impl FnOnce(SqlitePool) -> Done + Send + 'static,
    ) -> Result<T, StoreError>
    where
        Done: Future<Output = Result<T, sqlx::Error>> + Send + 'static,
    {
        let (file, writer) = (self.file.clone(), self.file.writer()?.clone());
        self.file.to_the_end(async move { change(writer).await.map_err(|error| file.failed(error)) }).await
    }
}

async fn begin(writer: SqlitePool, projection: &'static str, table: &'static Table) -> Result<(), sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    drop_from(&mut change, Set::Shadow, projection, table).await?;
    let made = sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1");
    let made: String = made.bind(table.name).fetch_one(&mut *change).await?;
    // The name stands before the first parenthesis, as it was first written or as a renaming left it.
    let columns = made.find('(').map_or("", |place| &made[place..]);
    run(&mut change, format!("CREATE TABLE {} {columns}", quoted(&name_in(Set::Shadow, table.name)))).await?;
    run_for(&mut change, projection, [sets::begun(name_in, Set::Shadow)]).await?;
    change.commit().await
}

/// `false` when a checkpoint is elsewhere.
async fn swap(
    writer: SqlitePool,
    projection: &'static str,
    table: &'static Table,
    at: u64,
) -> Result<bool, sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    let live = store::checkpoint(&mut *change, Set::Live, projection).await?.unwrap_or(0);
    if live != at || store::checkpoint(&mut *change, Set::Shadow, projection).await? != Some(at) {
        return Ok(false);
    }
    drop_table(&mut change, Set::Before, table).await?;
    let indexes = take_indexes(&mut change, table).await?;
    rename(&mut change, table, Set::Live, Set::Before).await?;
    rename(&mut change, table, Set::Shadow, Set::Live).await?;
    make_indexes(&mut change, indexes).await?;
    let before = [sets::begun(name_in, Set::Live)].into_iter().chain(sets::carried(name_in, Set::Live, Set::Before));
    let now = sets::carried(name_in, Set::Shadow, Set::Live);
    run_for(&mut change, projection, before.chain(now)).await?;
    run(&mut change, sets::counted(name_in)).await?;
    change.commit().await?;
    Ok(true)
}

/// `false` when there is nothing to go back to.
async fn roll_back(writer: SqlitePool, projection: &'static str, table: &'static Table) -> Result<bool, sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    if store::checkpoint(&mut *change, Set::Before, projection).await?.is_none() {
        return Ok(false);
    }
    let indexes = take_indexes(&mut change, table).await?;
    drop_table(&mut change, Set::Live, table).await?;
    rename(&mut change, table, Set::Before, Set::Live).await?;
    make_indexes(&mut change, indexes).await?;
    run_for(&mut change, projection, sets::carried(name_in, Set::Before, Set::Live)).await?;
    run(&mut change, sets::counted(name_in)).await?;
    change.commit().await?;
    Ok(true)
}

async fn discard(writer: SqlitePool, projection: &'static str, table: &'static Table) -> Result<(), sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    drop_from(&mut change, Set::Shadow, projection, table).await?;
    change.commit().await
}

/// Drops what a projection has in a set.
async fn drop_from(
    connection: &mut SqliteConnection,
    set: Set,
    projection: &str,
    table: &'static Table,
) -> Result<(), sqlx::Error> {
    drop_table(connection, set, table).await?;
    run_for(connection, projection, sets::removed(name_in, set)).await
}

async fn drop_table(connection: &mut SqliteConnection, set: Set, table: &'static Table) -> Result<(), sqlx::Error> {
    run(connection, format!("DROP TABLE IF EXISTS {}", quoted(&name_in(set, table.name)))).await
}

async fn rename(
    connection: &mut SqliteConnection,
    table: &'static Table,
    from: Set,
    to: Set,
) -> Result<(), sqlx::Error> {
    let (from, to) = (quoted(&name_in(from, table.name)), quoted(&name_in(to, table.name)));
    run(connection, format!("ALTER TABLE {from} RENAME TO {to}")).await
}

/// Drops the live table's indexes, and gives the statements that make them again.
async fn take_indexes(connection: &mut SqliteConnection, table: &'static Table) -> Result<Vec<String>, sqlx::Error> {
    let found = sqlx::query_as(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL ORDER BY name",
    );
    let found: Vec<(String, String)> = found.bind(table.name).fetch_all(&mut *connection).await?;
    for (name, _) in &found {
        run(connection, format!("DROP INDEX {}", quoted(name))).await?;
    }
    Ok(found.into_iter().map(|(_, sql)| sql).collect())
}

async fn make_indexes(connection: &mut SqliteConnection, indexes: Vec<String>) -> Result<(), sqlx::Error> {
    for index in indexes {
        run(connection, index).await?;
    }
    Ok(())
}

/// Statements about a projection.
async fn run_for(
    connection: &mut SqliteConnection,
    projection: &str,
    statements: impl IntoIterator<Item = String>,
) -> Result<(), sqlx::Error> {
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement)).bind(projection.to_owned()).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn run(connection: &mut SqliteConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(|_| ())
}
