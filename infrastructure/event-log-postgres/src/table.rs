//! The tables of events: rows in, rows out.

use crate::error::LogError;
use domain::value::{Sha256, Timestamp};
use event_codec::{Content, Link, Row};
use sqlx::{Decode, Postgres, Row as _, Type, postgres::PgRow};
use std::error::Error;
use time::OffsetDateTime;

/// Every column, in the order in which [`row_of`] takes them.
macro_rules! columns {
    () => {
        "position, stream, revision, event_id, event_type, schema_version, recorded_at, tenant, actor, command_id, \
         fingerprint, ordinal, causation_id, correlation_id, traceparent, subject_keys, artefacts, data, prev_hash, hash"
    };
}

/// New rows of a stream: name, first revision, limit.
pub(crate) const LIVE_STREAM: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM dragoman_log.live WHERE stream = $1 AND revision >= $2 ORDER BY revision LIMIT $3"
);

/// Old rows of a stream: name, first revision, the revision before which to stop, limit.
pub(crate) const OLD_STREAM: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM dragoman_log.archive WHERE stream = $1 AND revision >= $2 AND revision < $3 ORDER BY revision LIMIT $4"
);

/// New rows after a position: position, limit.
pub(crate) const LIVE_LOG: &str =
    concat!("SELECT ", columns!(), " FROM dragoman_log.live WHERE position > $1 ORDER BY position LIMIT $2");

/// Old rows after a position: position, the last position wanted, limit.
pub(crate) const OLD_LOG: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM dragoman_log.archive WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3"
);

/// Every row, in order of position.
pub(crate) const READ_ALL: &str = concat!("SELECT ", columns!(), " FROM dragoman_log.events ORDER BY position");

/// Every link, in order of stream and revision.
pub(crate) const READ_LINKS: &str = "SELECT position, stream, revision, prev_hash, hash FROM dragoman_log.events \
     ORDER BY stream, revision, position";

/// The last position, 0 when there is none.
pub(crate) const HEAD: &str = "SELECT coalesce((SELECT max(position) FROM dragoman_log.live), \
     (SELECT max(last) FROM dragoman_log.parts), 0)";

/// The position of a row, whatever its other columns hold.
pub(crate) fn position_of(row: &PgRow) -> Result<u64, LogError> {
    number(row, 0)
}

/// A whole row.
pub(crate) fn row_of(row: &PgRow) -> Result<Row, LogError> {
    Ok(Row {
        position: number(row, 0)?,
        recorded_at: moment(get(row, 6)?),
        prev_hash: digest(row, 18)?,
        hash: digest(row, 19)?,
        content: Content {
            stream: get(row, 1)?,
            revision: number(row, 2)?,
            event_id: get(row, 3)?,
            event_type: get(row, 4)?,
            schema_version: get::<i16>(row, 5)?.try_into().map_err(column)?,
            tenant: get(row, 7)?,
            actor: get(row, 8)?,
            command_id: get(row, 9)?,
            fingerprint: digest(row, 10)?,
            ordinal: get::<i32>(row, 11)?.try_into().map_err(column)?,
            causation_id: get(row, 12)?,
            traceparent: get(row, 14)?,
            correlation_id: get(row, 13)?,
            subject_keys: get(row, 15)?,
            artefacts: get(row, 16)?,
            data: get(row, 17)?,
        },
    })
}

/// A row of [`READ_LINKS`].
pub(crate) fn link_of(row: &PgRow) -> Result<Link, LogError> {
    Ok(Link {
        position: number(row, 0)?,
        stream: get(row, 1)?,
        revision: number(row, 2)?,
        prev_hash: digest(row, 3)?,
        hash: digest(row, 4)?,
    })
}

/// A column that holds a number from 0 on.
pub(crate) fn number(row: &PgRow, place: usize) -> Result<u64, LogError> {
    get::<i64>(row, place)?.try_into().map_err(column)
}

/// A column that holds a digest.
pub(crate) fn digest(row: &PgRow, place: usize) -> Result<Sha256, LogError> {
    sha256(get(row, place)?)
}

/// The digest in these bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Result<Sha256, LogError> {
    bytes.try_into().map(Sha256::new).map_err(column)
}

/// PostgreSQL's time of ours. Both have milliseconds.
pub(crate) fn moment_of(at: Timestamp) -> OffsetDateTime {
    let since = time::Duration::milliseconds(i64::try_from(at.unix_ms()).unwrap_or(i64::MAX));
    OffsetDateTime::UNIX_EPOCH.checked_add(since).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn moment(at: OffsetDateTime) -> Timestamp {
    let ms = at.unix_timestamp_nanos().div_euclid(1_000_000);
    Timestamp::from_unix_ms(ms.try_into().unwrap_or(0))
}

fn get<'row, T: Decode<'row, Postgres> + Type<Postgres>>(row: &'row PgRow, place: usize) -> Result<T, LogError> {
    row.try_get(place).map_err(column)
}

/// PostgreSQL's integers are signed.
pub(crate) fn bound(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn column(error: impl Error + Send + Sync + 'static) -> LogError {
    LogError::Column(Box::new(error))
}
