//! What the database does with the same rows when nothing is promised: plain inserts on one connection, to measure the
//! log against.

use crate::{error::LogError, table::bound};
use event_codec::Row;
use postgres_schema::Servers;
use sqlx::{Postgres, QueryBuilder};
use std::time::Duration;
use tokio::time::Instant;

/// Plain `INSERT`s of so many rows each, one transaction each, until the time is over; gives rows a second. The rows are
/// those of an append, into a table of the same columns with a primary key, which is dropped at the end.
pub async fn plain_inserts(url: &str, template: &Row, rows_each: usize, time: Duration) -> Result<f64, LogError> {
    let mut connection = Servers::of(url)?.primary().await?;
    let make = "DROP TABLE IF EXISTS dragoman_log.yardstick; \
        CREATE TABLE dragoman_log.yardstick (LIKE dragoman_log.live, PRIMARY KEY (position))";
    sqlx::raw_sql(make).execute(&mut connection).await?;
    let (mut position, began) = (0_u64, Instant::now());
    while began.elapsed() < time {
        let mut insert = QueryBuilder::<Postgres>::new("INSERT INTO dragoman_log.yardstick ");
        let next = position + rows_each as u64;
        insert.push_values(position..next, |mut values, position| {
            let Row { content, hash, prev_hash, recorded_at, .. } = template;
            values
                .push_bind(bound(position))
                .push_bind(&content.stream)
                .push_bind(bound(content.revision))
                .push_bind(content.event_id)
                .push_bind(&content.event_type)
                .push_bind(content.schema_version.cast_signed())
                .push_bind(crate::table::moment_of(*recorded_at))
                .push_bind(&content.tenant)
                .push_bind(&content.actor)
                .push_bind(content.command_id)
                .push_bind(content.fingerprint.as_bytes().as_slice())
                .push_bind(i32::try_from(content.ordinal).unwrap_or(i32::MAX))
                .push_bind(content.causation_id)
                .push_bind(content.correlation_id)
                .push_bind(content.traceparent.as_deref())
                .push_bind(&content.subject_keys)
                .push_bind(&content.artefacts)
                .push_bind(&content.data)
                .push_bind(prev_hash.as_bytes().as_slice())
                .push_bind(hash.as_bytes().as_slice());
        });
        insert.build().execute(&mut connection).await?;
        position = next;
    }
    let rate = position as f64 / began.elapsed().as_secs_f64();
    sqlx::raw_sql("DROP TABLE dragoman_log.yardstick").execute(&mut connection).await?;
    Ok(rate)
}
