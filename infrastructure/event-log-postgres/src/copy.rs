//! Rows as they are, for moving a log. Only the schema's owner may write them.

use crate::{
    PostgresEventLog,
    error::LogError,
    table::{HEAD, bound, moment_of, row_of},
    unreadable,
};
use application::ports::event_log::{AppendError, EventLog, LogVerification, ReadError};
use async_trait::async_trait;
use event_codec::{Content, Row, RowLog};
use postgres_schema::Kind;
use sqlx::{Connection, PgConnection};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The lock on positions: see the function `append`.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1147237229, 1)";

const EVENTS: &str = "INSERT INTO dragoman_log.live (position, stream, revision, event_id, event_type, schema_version, \
     recorded_at, tenant, actor, command_id, fingerprint, ordinal, causation_id, correlation_id, traceparent, \
     subject_keys, artefacts, data, prev_hash, hash) \
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::smallint[], \
     $7::timestamptz[], $8::text[], $9::text[], $10::uuid[], $11::bytea[], $12::integer[], $13::uuid[], $14::uuid[], \
     $15::text[], $16::text[], $17::text[], $18::text[], $19::bytea[], $20::bytea[])";

const STREAMS: &str = "INSERT INTO dragoman_log.streams (stream, revision, hash, tenant, actor) \
     SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::text[], $5::text[]) \
     ON CONFLICT (stream) DO UPDATE SET revision = excluded.revision, hash = excluded.hash";

const COMMANDS: &str = "INSERT INTO dragoman_log.commands (first_event_id, position) \
     SELECT * FROM unnest($1::uuid[], $2::bigint[]) ON CONFLICT (first_event_id) DO UPDATE SET position = excluded.position";

#[async_trait]
impl RowLog for PostgresEventLog {
    async fn rows_after(&self, after: u64, limit: usize) -> Result<Vec<Row>, ReadError> {
        let (rows, _) = self.ask(|| self.log_rows(after, limit)).await?;
        rows.iter().map(|row| row_of(row).map_err(unreadable)).collect()
    }

    async fn adopt(&self, rows: Vec<Row>) -> Result<(), AppendError> {
        let written = async {
            let mut connection = self.servers.primary().await?;
            write(&mut connection, &rows).await?;
            Ok(connection.close().await?)
        };
        written.await.map_err(|error: LogError| match error.kind() {
            Kind::Full => AppendError::OutOfRoom,
            Kind::Unfit | Kind::Passing | Kind::Other => AppendError::Unavailable(error.into()),
        })
    }

    async fn last_position(&self) -> Result<u64, ReadError> {
        self.head().await
    }

    async fn check(&self) -> Result<LogVerification, ReadError> {
        self.verify().await
    }
}

async fn write(connection: &mut PgConnection, rows: &[Row]) -> Result<(), LogError> {
    let mut change = connection.begin().await?;
    sqlx::query(LOCK).execute(&mut *change).await?;
    let head: i64 = sqlx::query_scalar(HEAD).fetch_one(&mut *change).await?;
    if rows.iter().zip(head + 1..).any(|(row, due)| bound(row.position) != due) {
        return Err(LogError::Column("the rows do not follow the last one".into()));
    }
    insert(&mut change, rows).await?;
    let (mut streams, mut commands) = (BTreeMap::<&str, (&Row, &Row)>::new(), BTreeMap::<Uuid, i64>::new());
    for row in rows {
        let Content { tenant, command_id, stream, .. } = &row.content;
        streams.entry(stream).or_insert((row, row)).1 = row;
        commands.insert(Content::id_of(tenant, *command_id, stream, 0), bound(row.position));
    }
    sqlx::query(STREAMS)
        .bind(streams.keys().copied().collect::<Vec<&str>>())
        .bind(streams.values().map(|(_, last)| bound(last.content.revision)).collect::<Vec<_>>())
        .bind(streams.values().map(|(_, last)| last.hash.as_bytes().as_slice()).collect::<Vec<_>>())
        // Taken only for a stream that is new here, of which this is the first event.
        .bind(streams.values().map(|(first, _)| first.content.tenant.as_str()).collect::<Vec<_>>())
        .bind(streams.values().map(|(first, _)| first.content.actor.as_str()).collect::<Vec<_>>())
        .execute(&mut *change)
        .await?;
    sqlx::query(COMMANDS)
        .bind(commands.keys().copied().collect::<Vec<Uuid>>())
        .bind(commands.values().copied().collect::<Vec<_>>())
        .execute(&mut *change)
        .await?;
    Ok(change.commit().await?)
}

async fn insert(connection: &mut PgConnection, rows: &[Row]) -> Result<(), LogError> {
    let texts = |text: fn(&Content) -> &str| rows.iter().map(|row| text(&row.content)).collect::<Vec<&str>>();
    let ids = |id: fn(&Content) -> Uuid| rows.iter().map(|row| id(&row.content)).collect::<Vec<Uuid>>();
    sqlx::query(EVENTS)
        .bind(rows.iter().map(|row| bound(row.position)).collect::<Vec<_>>())
        .bind(texts(|content| &content.stream))
        .bind(rows.iter().map(|row| bound(row.content.revision)).collect::<Vec<_>>())
        .bind(ids(|content| content.event_id))
        .bind(texts(|content| &content.event_type))
        .bind(rows.iter().map(|row| row.content.schema_version.cast_signed()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| moment_of(row.recorded_at)).collect::<Vec<_>>())
        .bind(texts(|content| &content.tenant))
        .bind(texts(|content| &content.actor))
        .bind(ids(|content| content.command_id))
        .bind(rows.iter().map(|row| row.content.fingerprint.as_bytes().as_slice()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| i32::try_from(row.content.ordinal).unwrap_or(i32::MAX)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.content.causation_id).collect::<Vec<_>>())
        .bind(ids(|content| content.correlation_id))
        .bind(rows.iter().map(|row| row.content.traceparent.as_deref()).collect::<Vec<_>>())
        .bind(texts(|content| &content.subject_keys))
        .bind(texts(|content| &content.artefacts))
        .bind(texts(|content| &content.data))
        .bind(rows.iter().map(|row| row.prev_hash.as_bytes().as_slice()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.hash.as_bytes().as_slice()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
