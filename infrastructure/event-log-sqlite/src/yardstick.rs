//! What SQLite does with the same rows when nothing is promised: plain inserts on one connection, synced at every commit
//! as the log's are, to measure the log against.

use crate::{error::LogError, make_private, options_to_write, table::insert};
use event_codec::Row;
use sqlx::{Connection, SqliteConnection};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// A table of the same columns, with a primary key and nothing else.
const TABLE: &str = "CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT, revision INTEGER, event_id TEXT, \
     event_type TEXT, schema_version INTEGER, recorded_at TEXT, tenant TEXT, actor TEXT, command_id TEXT, \
     fingerprint TEXT, ordinal INTEGER, causation_id TEXT, correlation_id TEXT, subject_keys TEXT, artefacts TEXT, \
     data TEXT, prev_hash TEXT, hash TEXT, traceparent TEXT) STRICT";

/// Plain `INSERT`s of so many rows each, one transaction each, into a new file until the time is over; gives rows a
/// second.
pub async fn plain_inserts(file: &Path, template: &Row, rows_each: usize, time: Duration) -> Result<f64, LogError> {
    make_private(file).map_err(LogError::Create)?;
    let mut connection = SqliteConnection::connect_with(&options_to_write(file)).await?;
    sqlx::raw_sql(TABLE).execute(&mut connection).await?;
    let mut rows = vec![template.clone(); rows_each];
    let (mut position, began) = (0_u64, Instant::now());
    while began.elapsed() < time {
        for row in &mut rows {
            position += 1;
            row.position = position;
        }
        let mut change = connection.begin_with("BEGIN IMMEDIATE").await?;
        insert(&mut change, &rows).await?;
        change.commit().await?;
    }
    let rate = position as f64 / began.elapsed().as_secs_f64();
    connection.close().await?;
    Ok(rate)
}
