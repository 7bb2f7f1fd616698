//! The one writer: writes a group of appends in one transaction, and answers each.
//!
//! Positions are given inside the transaction, after every check, so that a rollback leaves no hole.
//! A connection that has failed is thrown away: what state its transaction is in is anyone's guess.

use crate::{
    ends::Ends,
    error::{Kind, LogError, kind},
    table::{insert, number, parsed},
};
use application::ports::{
    clock::Clock,
    event_log::{Appended, wake},
};
use domain::value::Timestamp;
use event_codec::{Outcome, Prepared, Row, Tail, Verdict};
use event_log_groups::{Answers, GroupWriter};
use serde_json::json;
use sqlx::{Connection, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::watch;

/// The one writer.
pub(crate) struct Writer {
    /// How to reach the file.
    pub options: SqliteConnectOptions,
    /// The connection in use; none after a failure.
    pub connection: Option<SqliteConnection>,
    /// The log's clock.
    pub clock: Arc<dyn Clock>,
    /// Told the last position after each commit.
    pub wakeups: watch::Sender<u64>,
    /// Told the ends of streams before that.
    pub ends: Arc<Ends>,
}

impl GroupWriter for Writer {
    type Error = LogError;

    async fn write(&mut self, appends: &[Prepared]) -> Result<Answers, LogError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await?,
        };
        let written = transact(&mut connection, appends, self.clock.as_ref()).await;
        // What an error has left behind is anyone's guess, too.
        let (answers, head) = written.inspect_err(|_| self.ends.forget())?;
        self.connection = Some(connection);
        let streams = appends.iter().map(|append| append.stream.to_string()).collect::<Vec<_>>();
        let written = streams.iter().zip(&answers).filter_map(|(stream, answer)| match answer {
            Ok(Appended { revision, replayed: false, .. }) => Some((&**stream, *revision)),
            Ok(_) | Err(_) => None,
        });
        self.ends.keep(written);
        wake(&self.wakeups, head);
        Ok(answers)
    }

    fn is_of_one(error: &LogError) -> bool {
        matches!(error, LogError::Storage(error) if matches!(kind(error), Kind::Full | Kind::Constraint))
    }

    fn is_out_of_room(error: &LogError) -> bool {
        error.is_out_of_room()
    }

    async fn close(self) {
        if let Some(connection) = self.connection {
            // The file is whole either way; closing only tidies the write-ahead log up.
            let _closed = connection.close().await;
        }
    }
}

/// Judges every append, writes those that pass, commits. Gives the answers and the last position.
async fn transact(
    connection: &mut SqliteConnection,
    appends: &[Prepared],
    clock: &dyn Clock,
) -> Result<(Answers, u64), LogError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut known = known_outcomes(&mut transaction, appends).await?;
    let mut tails = stream_tails(&mut transaction, appends).await?;
    let (mut head, last) = log_head(&mut transaction).await?;
    let recorded_at = last.map_or(clock.now(), |last| last.max(clock.now()));
    let mut rows: Vec<Row> = Vec::new();
    let mut answers = Vec::with_capacity(appends.len());
    for append in appends {
        let command = (append.tenant.0.clone(), append.command_id.to_string(), append.stream.to_string());
        let tail = tails.get(&command.2).copied().unwrap_or(Tail::EMPTY);
        answers.push(match append.judge(known.get(&command), &tail) {
            Verdict::Replayed(first) => Ok(first),
            Verdict::Refused(error) => Err(error),
            Verdict::Write => {
                let (end, written) = append.chain(&tail, head, recorded_at);
                head += append.events();
                rows.extend(written);
                tails.insert(command.2.clone(), end);
                let (fingerprint, position, Tail { revision, hash }) = (append.fingerprint, head, end);
                known.insert(command, Outcome { fingerprint, position, revision, hash });
                Ok(Appended { position, revision, hash, replayed: false })
            }
        });
    }
    insert(&mut transaction, &rows).await?;
    transaction.commit().await?;
    Ok((answers, head))
}

/// Tenant, command id and stream.
type Command = (String, String, String);

/// What the appends' commands came to before, where they did.
async fn known_outcomes(
    connection: &mut SqliteConnection,
    appends: &[Prepared],
) -> Result<HashMap<Command, Outcome>, LogError> {
    let wanted: Vec<_> =
        appends.iter().map(|append| json!([append.tenant.0, append.command_id, append.stream.to_string()])).collect();
    let found = sqlx::query(
        // Beside the one `max`, SQLite takes the other columns from the row that has it.
        "SELECT tenant, command_id, stream, fingerprint, max(position) AS position, revision, hash FROM json_each(?1) AS wanted CROSS JOIN events \
         ON tenant = wanted.value ->> 0 AND command_id = wanted.value ->> 1 AND stream = wanted.value ->> 2 \
         GROUP BY tenant, command_id, stream",
    )
    .bind(json!(wanted).to_string())
    .fetch_all(connection)
    .await?;
    found
        .iter()
        .map(|row| {
            let command = (row.try_get("tenant")?, row.try_get("command_id")?, row.try_get("stream")?);
            Ok((command, outcome_of(row)?))
        })
        .collect()
}

/// An outcome from columns `fingerprint`, `position`, `revision`, `hash`.
pub(crate) fn outcome_of(row: &sqlx::sqlite::SqliteRow) -> Result<Outcome, LogError> {
    Ok(Outcome {
        fingerprint: parsed(row, "fingerprint")?,
        position: number(row, "position")?,
        revision: number(row, "revision")?,
        hash: parsed(row, "hash")?,
    })
}

/// The ends of the appends' streams, where they exist.
async fn stream_tails(
    connection: &mut SqliteConnection,
    appends: &[Prepared],
) -> Result<HashMap<String, Tail>, LogError> {
    let mut wanted: Vec<_> = appends.iter().map(|append| append.stream.to_string()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let found = sqlx::query(
        "SELECT stream, revision, hash FROM json_each(?1) AS wanted CROSS JOIN events ON stream = wanted.value \
         AND revision = (SELECT max(revision) FROM events WHERE stream = wanted.value)",
    )
    .bind(json!(wanted).to_string())
    .fetch_all(connection)
    .await?;
    found
        .iter()
        .map(|row| {
            let tail = Tail { revision: number(row, "revision")?, hash: parsed(row, "hash")? };
            Ok((row.try_get("stream")?, tail))
        })
        .collect()
}

/// The last position, and when it was written.
async fn log_head(connection: &mut SqliteConnection) -> Result<(u64, Option<Timestamp>), LogError> {
    let last = sqlx::query("SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    match last {
        Some(row) => Ok((number(&row, "position")?, Some(parsed(&row, "recorded_at")?))),
        None => Ok((0, None)),
    }
}
