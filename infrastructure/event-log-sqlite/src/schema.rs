//! The file's schema: made, brought up to date, or refused.

use crate::error::LogError;
use sqlx::{Connection, SqliteConnection};

/// Migrations in order; the schema's number is how many of them the file has seen.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/sqlite/0001_event_log.sql"),
    include_str!("../../../migrations/sqlite/0004_event_traces.sql"),
];

/// The newest schema known here.
const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Brings the file up to date and names the log in it, or checks that it is the log of this name.
pub(crate) async fn migrate(connection: &mut SqliteConnection, name: &str) -> Result<(), LogError> {
    let mut change = connection.begin_with("BEGIN IMMEDIATE").await?;
    let found = version(&mut change).await?;
    if found > KNOWN {
        return Err(LogError::Newer { found, known: KNOWN });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(done) {
        sqlx::raw_sql(*migration).execute(&mut *change).await?;
    }
    if found < KNOWN {
        // A pragma takes no bound values; the number is this program's own.
        let pragma = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {KNOWN}"));
        sqlx::raw_sql(pragma).execute(&mut *change).await?;
    }
    sqlx::query("INSERT INTO log (only_row, name) VALUES (1, ?1) ON CONFLICT DO NOTHING")
        .bind(name)
        .execute(&mut *change)
        .await?;
    check_name(&mut change, name).await?;
    change.commit().await?;
    Ok(())
}

/// Checks that the file is the log of this name and up to date, without changing it.
pub(crate) async fn check(connection: &mut SqliteConnection, name: &str) -> Result<(), LogError> {
    let found = version(connection).await?;
    if found > KNOWN {
        return Err(LogError::Newer { found, known: KNOWN });
    }
    if found < KNOWN {
        return Err(LogError::Older { found, known: KNOWN });
    }
    check_name(connection, name).await
}

async fn version(connection: &mut SqliteConnection) -> Result<i64, LogError> {
    Ok(sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await?)
}

async fn check_name(connection: &mut SqliteConnection, expected: &str) -> Result<(), LogError> {
    let found: String = sqlx::query_scalar("SELECT name FROM log").fetch_one(connection).await?;
    if found == expected { Ok(()) } else { Err(LogError::OtherLog { found, expected: expected.to_owned() }) }
}
