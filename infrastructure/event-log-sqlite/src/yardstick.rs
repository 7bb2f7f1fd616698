//! What SQLite does with the same rows when nothing is judged: inserts on one connection, synced at every commit as the
//! log's are, to measure the log against.

use crate::{error::LogError, make_private, options_to_write, schema, table::insert};
use event_codec::Row;
use sqlx::{Connection, SqliteConnection};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// A table of the same columns, with a primary key and nothing else.
const PLAIN: &str = "CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT, revision INTEGER, event_id TEXT, \
     event_type TEXT, schema_version INTEGER, recorded_at TEXT, tenant TEXT, actor TEXT, command_id TEXT, \
     fingerprint TEXT, ordinal INTEGER, causation_id TEXT, correlation_id TEXT, subject_keys TEXT, artefacts TEXT, \
     data TEXT, prev_hash TEXT, hash TEXT, traceparent TEXT) STRICT";

/// Into what rows are inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Into {
    /// A table of the same columns, with a primary key.
    Plain,
    /// The log's own table, with its indexes and guards.
    Own,
}

/// `INSERT`s of so many rows each, one transaction each, into a new file until the time is over; gives rows a second.
pub async fn inserts(
    file: &Path,
    table: Into,
    template: &Row,
    rows_each: usize,
    time: Duration,
) -> Result<f64, LogError> {
    make_private(file).map_err(LogError::Create)?;
    let mut connection = SqliteConnection::connect_with(&options_to_write(file)).await?;
    match table {
        Into::Plain => sqlx::raw_sql(PLAIN).execute(&mut connection).await.map(|_| ())?,
        Into::Own => schema::migrate(&mut connection, "yardstick").await?,
    }
    let mut rows = vec![template.clone(); rows_each];
    for (number, row) in (1..).zip(&mut rows) {
        // Each is another stream's, as those of a group are.
        row.content.stream = format!("dubbing-{}", scattered(number));
    }
    let (mut position, began) = (0_u64, Instant::now());
    while began.elapsed() < time {
        for row in &mut rows {
            position += 1;
            (row.position, row.content.revision) = (position, position);
            (row.content.event_id, row.content.command_id) = (scattered(position), scattered(!position));
        }
        let mut change = connection.begin_with("BEGIN IMMEDIATE").await?;
        insert(&mut change, &rows).await?;
        change.commit().await?;
    }
    let rate = position as f64 / began.elapsed().as_secs_f64();
    connection.close().await?;
    Ok(rate)
}

/// An id as unlike its neighbours as those of a log are: the number times an odd one (Knuth's multiplicative hash).
fn scattered(number: u64) -> Uuid {
    Uuid::from_u128(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}
