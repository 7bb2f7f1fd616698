//! Lets another role than the schema's owner keep read models.

use super::{PostgresReadStore, PostgresStoreError};
use postgres_schema::{connect, connect_options};
use sqlx::AssertSqlSafe;

impl PostgresReadStore {
    /// Lets a role read and fold the read models of this database. Making and swapping shadows is for the owner.
    pub async fn admit(url: &str, role: &str) -> Result<(), PostgresStoreError> {
        let mut connection = connect(&connect_options(url)?).await?;
        // A name cannot be bound; it is quoted as PostgreSQL quotes it.
        let role: String = sqlx::query_scalar("SELECT quote_ident($1)").bind(role).fetch_one(&mut connection).await?;
        // A shadow's table keeps its rights when it becomes the live one.
        let grants = format!(
            "GRANT USAGE ON SCHEMA dragoman_read, dragoman_read_shadow, dragoman_read_before TO {role}; \
             GRANT SELECT ON ALL TABLES IN SCHEMA dragoman_read_shadow, dragoman_read_before TO {role}; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA dragoman_read TO {role}; \
             REVOKE INSERT, UPDATE, DELETE ON dragoman_read.migrations FROM {role}; \
             ALTER DEFAULT PRIVILEGES IN SCHEMA dragoman_read_shadow \
                 GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
        );
        sqlx::raw_sql(AssertSqlSafe(grants)).execute(&mut connection).await?;
        Ok(())
    }
}
