//! The table of events: rows in, rows out.

use crate::error::LogError;
use domain::value::{Sha256, Timestamp};
use event_codec::{Content, Link, Row};
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection, sqlite::SqliteRow};
use std::{error::Error, str::FromStr};
use uuid::Uuid;

/// Every column, in the order of `columns`' callers; written once so that reads and writes agree.
macro_rules! columns {
    () => {
        "position, stream, revision, event_id, event_type, schema_version, recorded_at, tenant, actor, command_id, \
         fingerprint, ordinal, causation_id, correlation_id, subject_keys, artefacts, data, prev_hash, hash, \
         traceparent"
    };
}

/// Rows of a stream: name, first revision, limit.
pub(crate) const READ_STREAM: &str =
    concat!("SELECT ", columns!(), " FROM events WHERE stream = ?1 AND revision >= ?2 ORDER BY revision LIMIT ?3");

/// Rows after a position: position, limit.
pub(crate) const READ_LOG: &str =
    concat!("SELECT ", columns!(), " FROM events WHERE position > ?1 ORDER BY position LIMIT ?2");

/// Every row, in order of position.
pub(crate) const READ_ALL: &str = concat!("SELECT ", columns!(), " FROM events ORDER BY position");

/// Every link, in order of stream and revision.
pub(crate) const READ_LINKS: &str =
    "SELECT position, stream, revision, prev_hash, hash FROM events ORDER BY stream, revision, position";

/// The last position, 0 when there is none.
pub(crate) const HEAD: &str = "SELECT coalesce(max(position), 0) FROM events";

/// Rows written by one statement: 20 values each, far below SQLite's 32,766 a statement.
const ROWS_A_STATEMENT: usize = 64;

/// Writes rows in their order, in a transaction of the caller's.
pub(crate) async fn insert(connection: &mut SqliteConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    write(connection, "", rows, "").await
}

/// Writes rows in their order, in a transaction of their own. All in one go: each call to the connection's thread costs
/// as much as writing a row. After an error nobody knows whether the transaction goes on: the connection is not to be
/// used any more.
pub(crate) async fn commit(connection: &mut SqliteConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    write(connection, "BEGIN IMMEDIATE; ", rows, "COMMIT").await
}

async fn write(connection: &mut SqliteConnection, before: &str, rows: &[Row], after: &str) -> Result<(), sqlx::Error> {
    let mut statements = QueryBuilder::<Sqlite>::new(before);
    for chunk in rows.chunks(ROWS_A_STATEMENT) {
        statements.push(concat!("INSERT INTO events (", columns!(), ") "));
        statements.push_values(chunk, |mut values, Row { position, recorded_at, prev_hash, hash, content }| {
            values
                .push_bind(*position as i64)
                .push_bind(&content.stream)
                .push_bind(content.revision as i64)
                .push_bind(content.event_id.to_string())
                .push_bind(&content.event_type)
                .push_bind(content.schema_version)
                .push_bind(recorded_at.to_string())
                .push_bind(&content.tenant)
                .push_bind(&content.actor)
                .push_bind(content.command_id.to_string())
                .push_bind(content.fingerprint.to_string())
                .push_bind(content.ordinal)
                .push_bind(content.causation_id.map(|id| id.to_string()))
                .push_bind(content.correlation_id.to_string())
                .push_bind(&content.subject_keys)
                .push_bind(&content.artefacts)
                .push_bind(&content.data)
                .push_bind(prev_hash.to_string())
                .push_bind(hash.to_string())
                .push_bind(&content.traceparent);
        });
        statements.push("; ");
    }
    statements.push(after);
    // Few shapes come again and again; one that is long is as good as never the same.
    let is_usual = rows.len() <= ROWS_A_STATEMENT;
    statements.build().persistent(is_usual).execute(connection).await?;
    Ok(())
}

/// The position of a row, whatever its other columns hold.
pub(crate) fn position_of(row: &SqliteRow) -> Result<u64, LogError> {
    number(row, "position")
}

/// A whole row.
pub(crate) fn row_of(row: &SqliteRow) -> Result<Row, LogError> {
    Ok(Row {
        position: number(row, "position")?,
        recorded_at: parsed::<Timestamp>(row, "recorded_at")?,
        prev_hash: parsed::<Sha256>(row, "prev_hash")?,
        hash: parsed::<Sha256>(row, "hash")?,
        content: Content {
            stream: text(row, "stream")?,
            revision: number(row, "revision")?,
            event_id: parsed::<Uuid>(row, "event_id")?,
            event_type: text(row, "event_type")?,
            schema_version: row.try_get("schema_version").map_err(column)?,
            tenant: text(row, "tenant")?,
            actor: text(row, "actor")?,
            command_id: parsed::<Uuid>(row, "command_id")?,
            fingerprint: parsed::<Sha256>(row, "fingerprint")?,
            ordinal: row.try_get("ordinal").map_err(column)?,
            causation_id: row
                .try_get::<Option<&str>, _>("causation_id")
                .map_err(column)?
                .map(|id| id.parse::<Uuid>().map_err(column))
                .transpose()?,
            traceparent: row.try_get("traceparent").map_err(column)?,
            correlation_id: parsed::<Uuid>(row, "correlation_id")?,
            subject_keys: text(row, "subject_keys")?,
            artefacts: text(row, "artefacts")?,
            data: text(row, "data")?,
        },
    })
}

/// A row of [`READ_LINKS`].
pub(crate) fn link_of(row: &SqliteRow) -> Result<Link, LogError> {
    Ok(Link {
        position: number(row, "position")?,
        stream: text(row, "stream")?,
        revision: number(row, "revision")?,
        prev_hash: parsed(row, "prev_hash")?,
        hash: parsed(row, "hash")?,
    })
}

/// A column that holds a number from 0 on.
pub(crate) fn number(row: &SqliteRow, name: &str) -> Result<u64, LogError> {
    u64::try_from(row.try_get::<i64, _>(name).map_err(column)?).map_err(column)
}

/// A column that holds the text form of a value.
pub(crate) fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &SqliteRow,
    name: &str,
) -> Result<T, LogError> {
    row.try_get::<&str, _>(name).map_err(column)?.parse().map_err(column)
}

fn text(row: &SqliteRow, name: &str) -> Result<String, LogError> {
    row.try_get(name).map_err(column)
}

fn column(error: impl Error + Send + Sync + 'static) -> LogError {
    LogError::Column(Box::new(error))
}
