//! Values as the file keeps them, and back.

use domain::value::{Sha256, Timestamp};
use sqlx::{Row as _, sqlite::SqliteRow};
use std::error::Error;
use uuid::Uuid;

/// An id as it is kept.
pub(super) fn id(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// A digest as it is kept.
pub(super) fn digest(digest: &Sha256) -> Vec<u8> {
    digest.as_bytes().to_vec()
}

/// A time as it is kept.
pub(super) fn ms(moment: Timestamp) -> i64 {
    count(moment.unix_ms())
}

/// A number as it is kept: what is too large for SQLite is as large as can be.
pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The id in a column.
pub(super) fn read_id(row: &SqliteRow, column: &str) -> Result<Uuid, sqlx::Error> {
    let bytes: Vec<u8> = row.try_get(column)?;
    Uuid::from_slice(&bytes).map_err(|error| misshapen(column, error))
}

/// The digest in a column.
pub(super) fn read_digest(row: &SqliteRow, column: &str) -> Result<Sha256, sqlx::Error> {
    read_digest_or_none(row, column)?.ok_or_else(|| misshapen(column, "there is no digest"))
}

/// The digest in a column that may be empty.
pub(super) fn read_digest_or_none(row: &SqliteRow, column: &str) -> Result<Option<Sha256>, sqlx::Error> {
    let bytes: Option<Vec<u8>> = row.try_get(column)?;
    let digest = |bytes: Vec<u8>| bytes.try_into().map_err(|_| misshapen(column, "a digest has 32 bytes"));
    Ok(bytes.map(digest).transpose()?.map(Sha256::new))
}

/// The time in a column.
pub(super) fn read_time(row: &SqliteRow, column: &str) -> Result<Timestamp, sqlx::Error> {
    read_count(row, column).map(Timestamp::from_unix_ms)
}

/// The time in a column that may be empty.
pub(super) fn read_time_or_none(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    let ms: Option<i64> = row.try_get(column)?;
    ms.map(|ms| u64::try_from(ms).map(Timestamp::from_unix_ms).map_err(|error| misshapen(column, error))).transpose()
}

/// The number in a column.
pub(super) fn read_count(row: &SqliteRow, column: &str) -> Result<u64, sqlx::Error> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|error| misshapen(column, error))
}

/// A value that nobody here wrote.
pub(super) fn misshapen(column: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: source.into() }
}
