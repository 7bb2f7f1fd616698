//! The schema of the log: its migrations, and its name.

use crate::{error::LogError, servers::Servers};
use postgres_schema::{Migration, Schema, Step};
use sqlx::PgConnection;

/// What the database is brought to.
pub(crate) const SCHEMA: Schema = Schema {
    name: "dragoman_log",
    migrations: &[Migration {
        number: 101,
        name: "event_log",
        sql: include_str!("../../../migrations/postgres/0101_event_log.sql"),
    }],
};

/// Names the log, if it has no name yet, or checks that it is the log of this name.
pub(crate) async fn name(connection: &mut PgConnection, name: &str) -> Result<(), LogError> {
    // Asked first: who may only append may not name it.
    let asked = "SELECT name FROM dragoman_log.log";
    let found: Option<String> = sqlx::query_scalar(asked).fetch_optional(&mut *connection).await?;
    let found = match found {
        Some(found) => found,
        None => {
            let named = "INSERT INTO dragoman_log.log (name) VALUES ($1) ON CONFLICT DO NOTHING";
            sqlx::query(named).bind(name).execute(&mut *connection).await?;
            sqlx::query_scalar(asked).fetch_one(connection).await?
        }
    };
    if found == name { Ok(()) } else { Err(LogError::OtherLog { found, expected: name.to_owned() }) }
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
pub async fn admit(url: &str, role: &str, log: &str) -> Result<(), LogError> {
    let mut connection = Servers::of(url)?.primary().await?;
    // It may not name the log itself.
    name(&mut connection, log).await?;
    sqlx::query("SELECT dragoman_log.admit($1::name)").bind(role).execute(&mut connection).await?;
    Ok(())
}
