//! The server's function `append`: what is sent to it, and what its answer means.

use crate::{
    error::LogError,
    table::{bound, column, moment_of, sha256},
};
use application::ports::{cluster::Lease, event_log::Appended};
use domain::value::{Sha256, Timestamp};
use event_codec::{Content, Outcome, Prepared, Tail, Verdict};
use event_log_groups::Answers;
use sqlx::{PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

const APPEND: &str = "SELECT * FROM dragoman_log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
     $16, $17, $18, $19, $20, $21, $22, $23)";

/// What the function gives back; arrays by append, in the order sent.
pub(crate) struct Answer {
    /// The last position before what was written.
    last: i64,
    /// 0 written, 1 known, 2 at another revision, 3 under a lease that somebody else has taken.
    verdicts: Vec<i16>,
    /// The fingerprint of the command then, where it is known.
    known: Vec<Option<Vec<u8>>>,
    /// The position of its last event then.
    positions: Vec<Option<i64>>,
    /// The revision then, or the stream's before.
    revisions: Vec<i64>,
    /// The hash then, or the stream's before.
    hashes: Vec<Vec<u8>>,
    /// The hash of the last event of what was written.
    ends: Vec<Vec<u8>>,
}

/// Has a group written, in which each append has a stream of its own.
pub(crate) async fn send(
    connection: &mut PgConnection,
    appends: &[Prepared],
    now: Timestamp,
) -> Result<Answer, LogError> {
    let firsts: Vec<&Content> =
        appends.iter().filter_map(|append| append.contents().next().map(|(content, _)| content)).collect();
    let events: Vec<(i32, &Content, &Sha256)> = (1..)
        .zip(appends)
        .flat_map(|(number, append)| append.contents().map(move |(content, digest)| (number, content, digest)))
        .collect();
    let digests: Vec<u8> = events.iter().flat_map(|(_, _, digest)| digest.as_bytes()).copied().collect();
    let by_append = |text: fn(&Content) -> &str| firsts.iter().map(|content| text(content)).collect::<Vec<&str>>();
    let by_event = |text: fn(&Content) -> &str| events.iter().map(|(_, event, _)| text(event)).collect::<Vec<&str>>();
    let ids = |id: fn(&Content) -> Uuid| events.iter().map(|(_, event, _)| id(event)).collect::<Vec<Uuid>>();
    let is_fenced = appends.iter().any(|append| append.under.is_some());
    let leases =
        is_fenced.then(|| appends.iter().map(|append| lease(append).map(|lease| &*lease.name)).collect::<Vec<_>>());
    let numbers = is_fenced
        .then(|| appends.iter().map(|append| lease(append).map(|lease| bound(lease.number))).collect::<Vec<_>>());
    let row = sqlx::query(APPEND)
        .bind(moment_of(now))
        .bind(appends.iter().map(|append| append.stream.to_string()).collect::<Vec<_>>())
        .bind(appends.iter().map(|append| bound(append.expected_revision)).collect::<Vec<_>>())
        .bind(appends.iter().map(|append| i32::try_from(append.events()).unwrap_or(i32::MAX)).collect::<Vec<_>>())
        .bind(firsts.iter().map(|content| content.event_id).collect::<Vec<_>>())
        .bind(appends.iter().map(|append| append.fingerprint.as_bytes().as_slice()).collect::<Vec<_>>())
        .bind(by_append(|content| &content.tenant))
        .bind(by_append(|content| &content.actor))
        .bind(leases)
        .bind(numbers)
        .bind(events.iter().map(|(number, _, _)| *number).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, event, _)| i32::try_from(event.ordinal).unwrap_or(i32::MAX)).collect::<Vec<_>>())
        .bind(ids(|event| event.event_id))
        .bind(by_event(|event| &event.event_type))
        .bind(events.iter().map(|(_, event, _)| event.schema_version.cast_signed()).collect::<Vec<_>>())
        .bind(ids(|event| event.command_id))
        .bind(events.iter().map(|(_, event, _)| event.causation_id).collect::<Vec<_>>())
        .bind(ids(|event| event.correlation_id))
        .bind(events.iter().map(|(_, event, _)| event.traceparent.as_deref()).collect::<Vec<_>>())
        .bind(by_event(|event| &event.subject_keys))
        .bind(by_event(|event| &event.artefacts))
        .bind(by_event(|event| &event.data))
        .bind(digests)
        .fetch_one(connection)
        .await?;
    Ok(Answer::of(&row)?)
}

fn lease(append: &Prepared) -> Option<&Lease> {
    append.under.as_ref()
}

/// What each append came to, in their order.
pub(crate) fn answers_of(answer: &Answer, appends: &[Prepared]) -> Result<Answers, LogError> {
    let mut position = u64::try_from(answer.last).map_err(column)?;
    let mut told = Answers::with_capacity(appends.len());
    for (number, append) in appends.iter().enumerate() {
        let judged = answer.judged(number)?.ok_or_else(|| LogError::Column(ANSWER_TOO_SHORT.into()))?;
        let verdict = append.judge(judged.known.as_ref(), &judged.tail, judged.is_fenced);
        told.push(match (verdict, judged.end) {
            (Verdict::Write, Some(hash)) => {
                position += append.events();
                let revision = append.expected_revision + append.events();
                Ok(Appended { position, revision, hash, replayed: false })
            }
            (Verdict::Replayed(first), None) => Ok(first),
            (Verdict::Refused(error), None) => Err(error),
            (Verdict::Write, None) | (Verdict::Replayed(_) | Verdict::Refused(_), Some(_)) => {
                return Err(LogError::Column("server and program judge an append differently".into()));
            }
        });
    }
    Ok(told)
}

const ANSWER_TOO_SHORT: &str = "the server's answer has too few appends";

/// What the server says of one append.
struct Judged {
    known: Option<Outcome>,
    tail: Tail,
    is_fenced: bool,
    /// The hash of its last event, if it was written.
    end: Option<Sha256>,
}

impl Answer {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            last: row.try_get("last")?,
            verdicts: row.try_get("verdicts")?,
            known: row.try_get("known")?,
            positions: row.try_get("positions")?,
            revisions: row.try_get("revisions")?,
            hashes: row.try_get("hashes")?,
            ends: row.try_get("ends")?,
        })
    }

    /// Of the append of this number; `None` when the answer has fewer.
    fn judged(&self, number: usize) -> Result<Option<Judged>, LogError> {
        let (Some(verdict), Some(fingerprint), Some(position), Some(revision), Some(hash), Some(end)) = (
            self.verdicts.get(number),
            self.known.get(number),
            self.positions.get(number),
            self.revisions.get(number),
            self.hashes.get(number),
            self.ends.get(number),
        ) else {
            return Ok(None);
        };
        let (revision, hash) = (u64::try_from(*revision).map_err(column)?, sha256(hash)?);
        let known = match (fingerprint, position) {
            (Some(fingerprint), Some(position)) => {
                let (fingerprint, position) = (sha256(fingerprint)?, u64::try_from(*position).map_err(column)?);
                Some(Outcome { fingerprint, position, revision, hash })
            }
            (_, _) => None,
        };
        let end = if *verdict == 0 { Some(sha256(end)?) } else { None };
        Ok(Some(Judged { known, tail: Tail { revision, hash }, is_fenced: *verdict == 3, end }))
    }
}
