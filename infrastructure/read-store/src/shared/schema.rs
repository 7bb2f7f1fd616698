//! The schema: its migrations, and who may use it.

use super::{SharedDatabase, SharedStoreError};
use postgres_schema::{Migration, Schema, Servers, Step};
use sqlx::{AssertSqlSafe, Connection as _};

/// What the database is brought to.
pub(crate) const SCHEMA: Schema = Schema {
    name: "dragoman_shared",
    migrations: &[
        Migration {
            number: 201,
            name: "credentials",
            sql: include_str!("../../../../migrations/postgres/0201_credentials.sql"),
        },
        Migration {
            number: 202,
            name: "requests",
            sql: include_str!("../../../../migrations/postgres/0202_requests.sql"),
        },
        Migration {
            number: 203,
            name: "webhook_deliveries",
            sql: include_str!("../../../../migrations/postgres/0203_webhook_deliveries.sql"),
        },
        Migration { number: 204, name: "memos", sql: include_str!("../../../../migrations/postgres/0204_memos.sql") },
    ],
};

impl SharedDatabase {
    /// Makes the schema in a database that has none; refuses one that is not up to date.
    pub(crate) async fn make(url: &str) -> Result<(), SharedStoreError> {
        let mut connection = Servers::of(url)?.primary().await?;
        SCHEMA.open(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// Whether a database has the schema, up to date or not.
    pub(crate) async fn is_made(url: &str) -> Result<bool, SharedStoreError> {
        Ok(Self::pending(url).await?.len() < SCHEMA.migrations.len())
    }

    /// The migrations that a database lacks. Changes nothing.
    pub async fn pending(url: &str) -> Result<Vec<Step>, SharedStoreError> {
        let mut connection = Servers::of(url)?.primary().await?;
        let steps = SCHEMA.pending(&mut connection).await?;
        connection.close().await?;
        Ok(steps)
    }

    /// Applies the migrations that a database lacks, and gives those that it applied.
    pub async fn migrate(url: &str) -> Result<Vec<Step>, SharedStoreError> {
        let mut connection = Servers::of(url)?.primary().await?;
        let steps = SCHEMA.bring_up_to_date(&mut connection).await?;
        connection.close().await?;
        Ok(steps)
    }

    /// Lets a role use what is here. Whoever may only read the log may not: what proves who somebody is stands here.
    pub async fn admit(url: &str, role: &str) -> Result<(), SharedStoreError> {
        let mut connection = Servers::of(url)?.primary().await?;
        // A name cannot be bound; it is quoted as PostgreSQL quotes it.
        let role: String = sqlx::query_scalar("SELECT quote_ident($1)").bind(role).fetch_one(&mut connection).await?;
        let grants = format!(
            "GRANT USAGE ON SCHEMA dragoman_shared TO {role}; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA dragoman_shared TO {role}; \
             REVOKE INSERT, UPDATE, DELETE ON dragoman_shared.migrations FROM {role}; \
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA dragoman_shared TO {role}"
        );
        sqlx::raw_sql(AssertSqlSafe(grants)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}
