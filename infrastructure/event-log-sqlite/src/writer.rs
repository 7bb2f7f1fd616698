//! The one writer: writes a group of appends in one transaction, and answers each.
//!
//! Positions are given inside the transaction, after every check, so that a rollback leaves no hole.
//! A connection that has failed is thrown away: what state its transaction is in is anyone's guess.

use crate::{
    ends::Ends,
    error::{Kind, LogError, kind},
    table::{commit, insert, number, parsed},
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
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use tokio::sync::watch;
use uuid::Uuid;

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
    /// The end of the log after the last commit; `None` while that is not known.
    pub end: Option<LogEnd>,
}

/// The last position, and when it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogEnd {
    position: u64,
    recorded_at: Option<Timestamp>,
}

/// What is to become of a group.
struct Judged {
    rows: Vec<Row>,
    written: Written,
}

/// What a transaction did.
struct Written {
    answers: Answers,
    ends: HashMap<String, Tail>,
    end: LogEnd,
}

impl GroupWriter for Writer {
    type Error = LogError;

    async fn write(&mut self, appends: &[Prepared]) -> Result<Answers, LogError> {
        match self.try_once(appends).await {
            // Either one of them was written before, or somebody else has written: this time the file is asked.
            Err(LogError::Storage(error)) if matches!(kind(&error), Kind::Constraint) => self.try_once(appends).await,
            outcome => outcome,
        }
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

impl Writer {
    async fn try_once(&mut self, appends: &[Prepared]) -> Result<Answers, LogError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await?,
        };
        let written = self.transact(&mut connection, appends).await;
        if written.is_err() {
            // What an error has left behind is anyone's guess, too.
            self.ends.forget();
            self.end = None;
        }
        let Written { answers, ends, end } = written?;
        self.connection = Some(connection);
        self.ends.keep(ends.iter().map(|(stream, end)| (&**stream, *end)));
        self.end = Some(end);
        wake(&self.wakeups, end.position);
        Ok(answers)
    }

    /// Judges every append, writes those that pass, commits.
    ///
    /// Appends that fit what is known of the file are not looked up in it: those that were written before are found out
    /// by the uniqueness of their events' ids, and streams that are there already by that of their revisions; then the
    /// group comes again, when nothing is known.
    async fn transact(&self, connection: &mut SqliteConnection, appends: &[Prepared]) -> Result<Written, LogError> {
        let streams: Vec<String> = appends.iter().map(|append| append.stream.to_string()).collect();
        if let (Some(end), Some(tails)) = (self.end, self.tails_to_fit(appends, &streams)) {
            let judged = self.judge(appends, streams, HashMap::new(), tails, end);
            commit(connection, &judged.rows).await?;
            return Ok(judged.written);
        }
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let known = known_outcomes(&mut transaction, appends).await?;
        let tails = stream_tails(&mut transaction, &streams).await?;
        let end = log_end(&mut transaction).await?;
        let judged = self.judge(appends, streams, known, tails, end);
        insert(&mut transaction, &judged.rows).await?;
        transaction.commit().await?;
        Ok(judged.written)
    }

    /// What becomes of each append, given what its command came to before, where streams end, and where the log does.
    fn judge(
        &self,
        appends: &[Prepared],
        streams: Vec<String>,
        mut known: HashMap<Command, Outcome>,
        mut tails: HashMap<String, Tail>,
        LogEnd { position: mut head, recorded_at: last }: LogEnd,
    ) -> Judged {
        let recorded_at = last.map_or(self.clock.now(), |last| last.max(self.clock.now()));
        let mut rows: Vec<Row> = Vec::new();
        let mut answers = Vec::with_capacity(appends.len());
        for (append, stream) in appends.iter().zip(streams) {
            let tail = tails.get(&stream).copied().unwrap_or(Tail::EMPTY);
            let command = (append.tenant.0.clone(), append.command_id, stream);
            answers.push(match append.judge(known.get(&command), &tail, false) {
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
        let end = LogEnd { position: head, recorded_at: if rows.is_empty() { last } else { Some(recorded_at) } };
        Judged { rows, written: Written { answers, ends: tails, end } }
    }

    /// The ends of streams as far as they are known, if each append follows its stream's end, or the append before it in
    /// the group. A stream of which nothing is known is taken to begin where that is expected.
    fn tails_to_fit(&self, appends: &[Prepared], streams: &[String]) -> Option<HashMap<String, Tail>> {
        let tails: HashMap<String, Tail> =
            streams.iter().filter_map(|stream| Some((stream.clone(), self.ends.of(stream)?))).collect();
        let mut reached: HashMap<&str, u64> = HashMap::new();
        let do_fit = appends.iter().zip(streams).all(|(append, stream)| {
            let end = reached.entry(stream).or_insert_with(|| tails.get(stream).map_or(0, |tail| tail.revision));
            let fits = *end == append.expected_revision;
            *end += append.events();
            fits
        });
        do_fit.then_some(tails)
    }
}

/// Tenant, command id and stream.
type Command = (String, Uuid, String);

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
            let command = (row.try_get("tenant")?, parsed(row, "command_id")?, row.try_get("stream")?);
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

/// The ends of streams, where they exist.
async fn stream_tails(
    connection: &mut SqliteConnection,
    streams: &[String],
) -> Result<HashMap<String, Tail>, LogError> {
    let wanted: BTreeSet<&String> = streams.iter().collect();
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
async fn log_end(connection: &mut SqliteConnection) -> Result<LogEnd, LogError> {
    let last = sqlx::query("SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    match last {
        Some(row) => {
            Ok(LogEnd { position: number(&row, "position")?, recorded_at: Some(parsed(&row, "recorded_at")?) })
        }
        None => Ok(LogEnd { position: 0, recorded_at: None }),
    }
}
