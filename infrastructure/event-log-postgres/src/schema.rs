//! The schema of the log: its migrations, and its name.

use crate::error::LogError;
use postgres_schema::{Migration, Schema, Servers, Step};
use sqlx::PgConnection;
use uuid::Uuid;

/// What the database is brought to.
pub(crate) const SCHEMA: Schema = Schema {
    name: "dragoman_log",
    migrations: &[
        Migration {
            number: 101,
            name: "event_log",
            sql: include_str!("../../../migrations/postgres/0101_event_log.sql"),
        },
        Migration {
            number: 102,
            name: "node_work",
            sql: include_str!("../../../migrations/postgres/0102_node_work.sql"),
        },
        Migration { number: 103, name: "append", sql: include_str!("../../../migrations/postgres/0103_append.sql") },
    ],
};

/// Names the log and says whose it is, where nobody has, or checks that it is this log of this installation. Without an
/// installation, any will do.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    expected: &str,
    installation: Option<Uuid>,
) -> Result<(), LogError> {
    let asked = sqlx::query_as("SELECT name, installation FROM dragoman_log.claim($1, $2)");
    let (found, owner): (String, Option<Uuid>) = asked.bind(expected).bind(installation).fetch_one(connection).await?;
    if found != expected {
        return Err(LogError::OtherLog { found, expected: expected.to_owned() });
    }
    if installation.is_some() && owner != installation { Err(LogError::OtherInstallation) } else { Ok(()) }
}

/// The migrations that the log in this database lacks. Changes nothing.
pub async fn pending(url: &str) -> Result<Vec<Step>, LogError> {
    let mut connection = Servers::of(url)?.primary().await?;
    Ok(SCHEMA.pending(&mut connection).await?)
}

/// Applies the migrations that the log in this database lacks, and gives those that it applied.
pub async fn migrate(url: &str) -> Result<Vec<Step>, LogError> {
    let mut connection = Servers::of(url)?.primary().await?;
    Ok(SCHEMA.bring_up_to_date(&mut connection).await?)
}

/// Lets a role use the log in this database: read it and append to it, and change nothing that is written.
pub async fn admit(url: &str, role: &str) -> Result<(), LogError> {
    let mut connection = Servers::of(url)?.primary().await?;
    sqlx::query("SELECT dragoman_log.admit($1::name)").bind(role).execute(&mut connection).await?;
    Ok(())
}
