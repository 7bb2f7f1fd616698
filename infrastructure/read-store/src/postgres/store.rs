//! The store of read models.

use super::{
    checkpoints::{self, Refused},
    dialect::{PostgresTables, name_in},
    error::PostgresStoreError,
    rows::row_of,
    server::{self, Server},
};
use crate::{
    sets::Set,
    tables::{self, Misshapen, Reader, Statement, Step, not_begun},
};
use application::ports::read_store::{Batch, Condition, PageQuery, ReadStore, ReadStoreError, Row, RowKey, Table};
use async_trait::async_trait;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Row as _, postgres::PgRow};
use std::sync::Arc;
use uuid::Uuid;

/// Read models on PostgreSQL. Clones share the connections.
#[derive(Clone, Debug)]
pub struct PostgresReadStore {
    pub(super) server: Server,
    tables: PostgresTables,
}

impl PostgresReadStore {
    /// Connects to the read models in this database, `postgres://user:password@host:port/database`, and makes them in one
    /// that has none. One of an older program is refused until it is migrated ([`PostgresReadStore::migrate`]), and so is
    /// one of a newer program.
    pub async fn connect(url: &str) -> Result<Self, PostgresStoreError> {
        let (server, columns) = Server::connect(url).await?;
        Ok(Self { server, tables: PostgresTables { set: Set::Live, columns: Arc::new(columns) } })
    }

    /// Says whose events are folded here; refused where they are another installation's.
    pub async fn belong_to(&self, installation: Uuid) -> Result<(), PostgresStoreError> {
        let told = "INSERT INTO dragoman_read.installation (id) VALUES ($1) ON CONFLICT DO NOTHING";
        sqlx::query(told).bind(installation).execute(self.server.pool()).await?;
        let asked = sqlx::query_scalar("SELECT id FROM dragoman_read.installation");
        let owner: Uuid = asked.fetch_one(self.server.pool()).await?;
        if owner == installation { Ok(()) } else { Err(PostgresStoreError::OtherInstallation) }
    }

    /// The migrations that a database lacks. Changes nothing.
    pub async fn pending(url: &str) -> Result<Vec<postgres_schema::Step>, PostgresStoreError> {
        server::pending(url).await
    }

    /// Applies the migrations that a database lacks, and gives those that it applied.
    pub async fn migrate(url: &str) -> Result<Vec<postgres_schema::Step>, PostgresStoreError> {
        server::migrate(url).await
    }

    /// Closes all connections. Dropping the store without this is safe.
    pub async fn close(&self) {
        self.server.close().await;
    }

    /// The same tables in another set.
    pub(super) fn in_set(&self, set: Set) -> Self {
        let tables = PostgresTables { set, columns: Arc::clone(&self.tables.columns) };
        Self { server: self.server.clone(), tables }
    }
}

impl Reader for PostgresReadStore {
    type Dialect = PostgresTables;

    fn dialect(&self) -> &PostgresTables {
        &self.tables
    }

    async fn fetch(&self, statement: Statement<Postgres>) -> Result<Vec<PgRow>, ReadStoreError> {
        let Statement { mut query, persistent } = statement;
        let rows = query.build().persistent(persistent).fetch_all(self.server.pool()).await;
        Ok(rows.map_err(PostgresStoreError::from)?)
    }

    fn row_of(&self, table: &'static Table, first: usize, found: &PgRow) -> Result<Row, Misshapen> {
        row_of(&self.tables.columns, table, first, found)
    }

    fn number_of(&self, found: &PgRow, place: usize) -> Result<i64, ReadStoreError> {
        Ok(found.try_get(place).map_err(PostgresStoreError::from)?)
    }
}

#[async_trait]
impl ReadStore for PostgresReadStore {
    async fn checkpoint(&self, projection: &str) -> Result<u64, ReadStoreError> {
        let found = self.server.again(|| async {
            let found = checkpoints::of(self.server.pool(), self.tables.set, projection).await;
            Ok(found.map_err(PostgresStoreError::from)?)
        });
        Ok(found.await?.unwrap_or(0))
    }

    async fn load(&self, table: &'static Table, keys: &[RowKey]) -> Result<Vec<Option<Row>>, ReadStoreError> {
        self.server.again(|| tables::load(self, table, keys)).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), ReadStoreError> {
        self.apply_all(vec![batch]).await
    }

    /// All in one transaction: one that is refused takes the others with it.
    async fn apply_all(&self, batches: Vec<Batch>) -> Result<(), ReadStoreError> {
        let store = self.clone();
        self.server.to_the_end(async move { store.server.again(|| store.write(&batches)).await }).await
    }

    async fn query(&self, table: &'static Table, filter: &[(&'static str, Value)]) -> Result<Vec<Row>, ReadStoreError> {
        self.server.again(|| tables::query(self, table, filter)).await
    }

    async fn page(&self, table: &'static Table, query: &PageQuery) -> Result<Vec<Row>, ReadStoreError> {
        self.server.again(|| tables::page(self, table, query)).await
    }

    async fn count(&self, table: &'static Table, conditions: &[Condition]) -> Result<u64, ReadStoreError> {
        self.server.again(|| tables::count(self, table, conditions)).await
    }

    async fn sums(
        &self,
        table: &'static Table,
        columns: &[&'static str],
        conditions: &[Condition],
    ) -> Result<Vec<i64>, ReadStoreError> {
        self.server.again(|| tables::sums(self, table, columns, conditions)).await
    }

    async fn reset(&self, projection: &str, table: &'static Table) -> Result<(), ReadStoreError> {
        let (store, projection) = (self.clone(), projection.to_owned());
        let attempt = async move { store.server.again(|| store.forget(&projection, table)).await };
        self.server.to_the_end(attempt).await
    }
}

impl PostgresReadStore {
    async fn write(&self, batches: &[Batch]) -> Result<(), ReadStoreError> {
        let steps = batches.iter().map(|batch| Step::of(&self.tables, batch)).collect::<Result<Vec<_>, _>>()?;
        let refused = write(self.server.pool(), self.tables.set, steps).await;
        match refused.map_err(PostgresStoreError::from)? {
            None => Ok(()),
            Some(Refused::Moved { projection }) => Err(ReadStoreError::CheckpointMoved { projection }),
            Some(Refused::NotBegun { projection }) => Err(not_begun(projection)),
        }
    }

    async fn forget(&self, projection: &str, table: &'static Table) -> Result<(), ReadStoreError> {
        let forgotten = forget(self.server.pool(), self.tables.set, projection, table).await;
        Ok(forgotten.map_err(PostgresStoreError::from)?)
    }
}

/// Rows and checkpoints in one transaction; says which projection it was refused for, if it was.
async fn write(pool: &PgPool, set: Set, steps: Vec<Step<Postgres>>) -> Result<Option<Refused>, sqlx::Error> {
    let mut change = pool.begin().await?;
    if let Some(refused) = checkpoints::advance(&mut change, set, &steps).await? {
        change.rollback().await?;
        return Ok(Some(refused));
    }
    for Statement { mut query, persistent } in steps.into_iter().flat_map(|step| step.statements) {
        query.build().persistent(persistent).execute(&mut *change).await?;
    }
    change.commit().await?;
    Ok(None)
}

async fn forget(pool: &PgPool, set: Set, projection: &str, table: &'static Table) -> Result<(), sqlx::Error> {
    let mut change = pool.begin().await?;
    // First the checkpoint, as whoever writes rows does. It stays there: a step that is on its way finds it moved.
    checkpoints::rewind(&mut change, set, projection).await?;
    // However many rows there are.
    sqlx::raw_sql("SET LOCAL statement_timeout = 0").execute(&mut *change).await?;
    let clear = format!("DELETE FROM {}", name_in(set, table.name));
    sqlx::raw_sql(AssertSqlSafe(clear)).execute(&mut *change).await?;
    change.commit().await
}
