//! Sets of rows beside the live ones: tables of the same name in other schemas, which change places.
//!
//! A table takes its indexes, constraints and comments along, under the same names. Who may read it is said anew when it
//! becomes live, as it was said of the one in whose place it comes.

use super::{
    checkpoints,
    dialect::{name_in, schema_of},
    error::PostgresStoreError,
    store::PostgresReadStore,
};
use crate::sets::{self, Set};
use application::ports::{
    read_store::{ReadStore, ReadStoreError, Table},
    shadow_store::{SWAPS, ShadowStore, Standing},
};
use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};
use std::sync::Arc;

/// How long a swap waits for those who read the table: everybody who comes meanwhile waits behind it. It is tried again.
const LOCK_MAX_MS: u32 = 2_000;
/// The lock that lets only one at a time make, swap and drop tables. "Drea" in ASCII.
const LOCK: i64 = 0x4472_6561;

#[async_trait]
impl ShadowStore for PostgresReadStore {
    fn shadows(&self) -> Arc<dyn ReadStore> {
        Arc::new(self.in_set(Set::Shadow))
    }

    async fn begin(&self, projection: &'static str, table: &'static Table) -> Result<(), ReadStoreError> {
        self.change(move |pool| begin(pool, projection, table)).await
    }

    async fn swap(&self, projection: &'static str, table: &'static Table, at: u64) -> Result<(), ReadStoreError> {
        match self.change(move |pool| swap(pool, projection, table, at)).await? {
            true => Ok(()),
            false => Err(ReadStoreError::CheckpointMoved { projection }),
        }
    }

    async fn roll_back(&self, projection: &'static str, table: &'static Table) -> Result<bool, ReadStoreError> {
        self.change(move |pool| roll_back(pool, projection, table)).await
    }

    async fn discard(&self, projection: &'static str, table: &'static Table) -> Result<(), ReadStoreError> {
        self.change(move |pool| discard(pool, projection, table)).await
    }

    async fn standing(&self, projection: &'static str, _table: &'static Table) -> Result<Standing, ReadStoreError> {
        let asked = || async {
            let asked = sqlx::query_as(AssertSqlSafe(sets::standing(name_in))).bind(projection);
            Ok(asked.fetch_one(self.server.pool()).await.map_err(PostgresStoreError::from)?)
        };
        let (live, shadow, before): (Option<i64>, Option<i64>, Option<i64>) = self.server.again(asked).await?;
        let position = |found: Option<i64>| found.and_then(|found| u64::try_from(found).ok());
        Ok(Standing { live: position(live).unwrap_or(0), shadow: position(shadow), before: position(before) })
    }
}

impl PostgresReadStore {
    /// Changes something to the end, even if whoever waits for it gives up.
    async fn change<T: Send + 'static, Done>(
        &self,
        change: impl Fn(PgPool) -> Done + Send + Sync + 'static,
    ) -> Result<T, ReadStoreError>
    where
        Done: Future<Output = Result<T, sqlx::Error>> + Send + 'static,
    {
        let server = self.server.clone();
        let work = async move {
            let attempt = || async { Ok(change(server.pool().clone()).await.map_err(PostgresStoreError::from)?) };
            server.again(attempt).await
        };
        self.server.to_the_end(work).await
    }
}

/// A transaction in which nobody else makes, swaps or drops tables of read models.
async fn alone(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut change = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *change).await?;
    run(&mut change, format!("SET LOCAL lock_timeout = {LOCK_MAX_MS}")).await?;
    Ok(change)
}

async fn begin(pool: PgPool, projection: &'static str, table: &'static Table) -> Result<(), sqlx::Error> {
    let mut change = alone(&pool).await?;
    drop_from(&mut change, Set::Shadow, projection, table).await?;
    let (live, shadow) = (name_in(Set::Live, table.name), name_in(Set::Shadow, table.name));
    for statement in made(&mut change, ALIKE, &live, &shadow).await? {
        run(&mut change, statement).await?;
    }
    run_for(&mut change, projection, [sets::begun(name_in, Set::Shadow)]).await?;
    change.commit().await
}

/// `false` when a checkpoint is elsewhere.
async fn swap(pool: PgPool, projection: &'static str, table: &'static Table, at: u64) -> Result<bool, sqlx::Error> {
    let mut change = alone(&pool).await?;
    // In the order in which whoever writes rows takes them.
    let live = checkpoints::locked(&mut change, Set::Live, &[projection, SWAPS]).await?;
    let shadow = checkpoints::locked(&mut change, Set::Shadow, &[projection]).await?;
    if live.get(projection).copied().unwrap_or(0) != at || shadow.get(projection) != Some(&at) {
        return Ok(false);
    }
    drop_table(&mut change, Set::Before, table).await?;
    grant_alike(&mut change, table, Set::Shadow).await?;
    rename(&mut change, table, Set::Live, Set::Before).await?;
    rename(&mut change, table, Set::Shadow, Set::Live).await?;
    let before = [sets::begun(name_in, Set::Live)].into_iter().chain(sets::carried(name_in, Set::Live, Set::Before));
    let now = sets::carried(name_in, Set::Shadow, Set::Live);
    run_for(&mut change, projection, before.chain(now)).await?;
    run(&mut change, sets::counted(name_in)).await?;
    change.commit().await?;
    Ok(true)
}

/// `false` when there is nothing to go back to.
async fn roll_back(pool: PgPool, projection: &'static str, table: &'static Table) -> Result<bool, sqlx::Error> {
    let mut change = alone(&pool).await?;
    checkpoints::locked(&mut change, Set::Live, &[projection, SWAPS]).await?;
    if !checkpoints::locked(&mut change, Set::Before, &[projection]).await?.contains_key(projection) {
        return Ok(false);
    }
    grant_alike(&mut change, table, Set::Before).await?;
    drop_table(&mut change, Set::Live, table).await?;
    rename(&mut change, table, Set::Before, Set::Live).await?;
    run_for(&mut change, projection, sets::carried(name_in, Set::Before, Set::Live)).await?;
    run(&mut change, sets::counted(name_in)).await?;
    change.commit().await?;
    Ok(true)
}

async fn discard(pool: PgPool, projection: &'static str, table: &'static Table) -> Result<(), sqlx::Error> {
    let mut change = alone(&pool).await?;
    drop_from(&mut change, Set::Shadow, projection, table).await?;
    change.commit().await
}

/// Drops what a projection has in a set. The checkpoint goes first: whoever folds holds it.
async fn drop_from(
    connection: &mut PgConnection,
    set: Set,
    projection: &str,
    table: &'static Table,
) -> Result<(), sqlx::Error> {
    run_for(connection, projection, sets::removed(name_in, set)).await?;
    drop_table(connection, set, table).await
}

async fn drop_table(connection: &mut PgConnection, set: Set, table: &'static Table) -> Result<(), sqlx::Error> {
    run(connection, format!("DROP TABLE IF EXISTS {}", name_in(set, table.name))).await
}

async fn rename(connection: &mut PgConnection, table: &'static Table, from: Set, to: Set) -> Result<(), sqlx::Error> {
    run(connection, format!("ALTER TABLE {} SET SCHEMA {}", name_in(from, table.name), schema_of(to))).await
}

/// Lets everybody do with a table what they may do with the live one.
async fn grant_alike(connection: &mut PgConnection, table: &'static Table, set: Set) -> Result<(), sqlx::Error> {
    let (live, other) = (name_in(Set::Live, table.name), name_in(set, table.name));
    for statement in made(connection, GRANTED, &live, &other).await? {
        run(connection, statement).await?;
    }
    Ok(())
}

/// Statements that a query makes: about a table, `$2`, from another one, `$1`.
async fn made(
    connection: &mut PgConnection,
    query: &'static str,
    from: &str,
    to: &str,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(query).bind(from).bind(to).fetch_all(connection).await
}

/// Makes a table like another one: columns with their comments, key, indexes and settings.
const ALIKE: &str = "\
SELECT statement FROM (
    SELECT 1 AS step, format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES)%s', $2::text, $1::text,
        ' WITH (' || array_to_string(reloptions, ', ') || ')') AS statement
    FROM pg_class WHERE oid = $1::regclass
    UNION ALL
    SELECT 2, format('ALTER TABLE %s ADD CONSTRAINT %I %s', $2, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'p'
    UNION ALL
    SELECT 3, replace(pg_get_indexdef(indexrelid), format(' ON %s USING ', $1::regclass), format(' ON %s USING ', $2))
    FROM pg_index WHERE indrelid = $1::regclass AND NOT indisprimary
    UNION ALL
    SELECT 4, format('COMMENT ON TABLE %s IS %L', $2, obj_description($1::regclass, 'pg_class'))
) AS statements ORDER BY step, statement";

/// Grants what is granted on another table, to all but its owner, on the whole of it and on columns.
const GRANTED: &str = "\
SELECT format('GRANT %s%s ON %s TO %s%s', privilege_type, ' (' || quote_ident(of_column) || ')', $2::text,
    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
    CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM (
    SELECT NULL::name AS of_column, relowner, acl.* FROM pg_class, aclexplode(relacl) AS acl
    WHERE oid = $1::regclass
    UNION ALL
    SELECT attname, relowner, acl.* FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid, aclexplode(attacl) AS acl
    WHERE pg_class.oid = $1::regclass AND NOT attisdropped
) AS granted WHERE grantee <> relowner";

/// Statements about a projection.
async fn run_for(
    connection: &mut PgConnection,
    projection: &str,
    statements: impl IntoIterator<Item = String>,
) -> Result<(), sqlx::Error> {
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement)).bind(projection).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn run(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(|_| ())
}
