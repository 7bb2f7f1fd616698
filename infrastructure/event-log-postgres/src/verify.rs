//! The check of the whole log, in one snapshot and in flat memory.

use crate::{
    error::LogError,
    table::{READ_ALL, READ_LINKS, link_of, position_of, row_of},
};
use application::ports::event_log::LogVerification;
use event_codec::{Audit, EventCodec};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _};

/// Checks rows and chains, and that what the log knows of its streams and commands is what the rows say.
pub(crate) async fn verify(connection: &mut PgConnection, codec: &EventCodec) -> Result<LogVerification, LogError> {
    let mut snapshot = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // Reading everything takes as long as it takes, and sorting may use some memory.
    sqlx::raw_sql("SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '64MB'").execute(&mut *snapshot).await?;
    let mut audit = Audit::new(codec);
    {
        let mut rows = sqlx::query(READ_ALL).fetch(&mut *snapshot);
        while let Some(row) = rows.try_next().await? {
            match row_of(&row) {
                Ok(row) => audit.row(&row),
                Err(_) => audit.unreadable(position_of(&row)?),
            }
        }
    }
    {
        let mut rows = sqlx::query(READ_LINKS).fetch(&mut *snapshot);
        while let Some(row) = rows.try_next().await? {
            // A row that does not read as a link was already named by the first pass.
            if let Ok(link) = link_of(&row) {
                audit.link(link);
            }
        }
    }
    for (what, query) in BESIDE {
        let mut rows = sqlx::query(AssertSqlSafe(query)).fetch(&mut *snapshot);
        while let Some(row) = rows.try_next().await? {
            let name: String = row.try_get(0)?;
            audit.fault(format!("{what} {name} are not what the events say"));
        }
    }
    snapshot.rollback().await?;
    Ok(audit.finish())
}

/// What is kept beside the events, and queries for what of it is wrong.
const BESIDE: [(&str, &str); 2] = [
    (
        "the end or the owner kept for stream",
        "WITH said AS (SELECT stream, max(revision) AS revision FROM dragoman_log.events GROUP BY stream) \
         SELECT coalesce(said.stream, kept.stream) FROM said FULL JOIN dragoman_log.streams AS kept USING (stream) \
         LEFT JOIN dragoman_log.events AS last ON last.stream = said.stream AND last.revision = said.revision \
         LEFT JOIN dragoman_log.events AS first ON first.stream = said.stream AND first.revision = 1 \
         WHERE (kept.revision, kept.hash, kept.tenant, kept.actor) \
             IS DISTINCT FROM (last.revision, last.hash, first.tenant, first.actor) LIMIT 100",
    ),
    (
        "what is kept for the command of event",
        "WITH said AS (SELECT tenant, command_id, stream, max(position) AS position, \
             (array_agg(event_id ORDER BY ordinal))[1] AS first_event_id \
             FROM dragoman_log.events GROUP BY tenant, command_id, stream) \
         SELECT coalesce(said.first_event_id, kept.first_event_id)::text \
         FROM said FULL JOIN dragoman_log.commands AS kept USING (first_event_id) \
         WHERE kept.position IS DISTINCT FROM said.position LIMIT 100",
    ),
];
