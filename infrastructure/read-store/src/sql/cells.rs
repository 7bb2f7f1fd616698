//! What stands in rows.

use domain::value::{Sha256, Timestamp};
use std::error::Error;
use uuid::Uuid;

/// A row, by the names of its columns.
pub(crate) trait Cells: Send {
    /// The id in a column, if there is one.
    fn id_or_none(&self, column: &str) -> Result<Option<Uuid>, sqlx::Error>;

    /// The bytes in a column, if there are any.
    fn bytes_or_none(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error>;

    /// The number in a column, if there is one.
    fn number_or_none(&self, column: &str) -> Result<Option<i64>, sqlx::Error>;

    /// The text in a column, if there is one.
    fn text_or_none(&self, column: &str) -> Result<Option<String>, sqlx::Error>;

    /// Whether a column says so.
    fn flag(&self, column: &str) -> Result<bool, sqlx::Error>;

    /// The id in a column.
    fn id(&self, column: &str) -> Result<Uuid, sqlx::Error> {
        self.id_or_none(column)?.ok_or_else(|| misshapen(column, "there is no id"))
    }

    /// The bytes in a column.
    fn bytes(&self, column: &str) -> Result<Vec<u8>, sqlx::Error> {
        self.bytes_or_none(column)?.ok_or_else(|| misshapen(column, "there are no bytes"))
    }

    /// The text in a column.
    fn text(&self, column: &str) -> Result<String, sqlx::Error> {
        self.text_or_none(column)?.ok_or_else(|| misshapen(column, "there is no text"))
    }

    /// The number in a column.
    fn number(&self, column: &str) -> Result<i64, sqlx::Error> {
        self.number_or_none(column)?.ok_or_else(|| misshapen(column, "there is no number"))
    }

    /// The number in a column, which counts something.
    fn count(&self, column: &str) -> Result<u64, sqlx::Error> {
        u64::try_from(self.number(column)?).map_err(|error| misshapen(column, error))
    }

    /// The digest in a column.
    fn digest(&self, column: &str) -> Result<Sha256, sqlx::Error> {
        self.digest_or_none(column)?.ok_or_else(|| misshapen(column, "there is no digest"))
    }

    /// The digest in a column, if there is one.
    fn digest_or_none(&self, column: &str) -> Result<Option<Sha256>, sqlx::Error> {
        let digest = |bytes: Vec<u8>| bytes.try_into().map_err(|_| misshapen(column, "a digest has 32 bytes"));
        Ok(self.bytes_or_none(column)?.map(digest).transpose()?.map(Sha256::new))
    }

    /// The time in a column.
    fn time(&self, column: &str) -> Result<Timestamp, sqlx::Error> {
        self.count(column).map(Timestamp::from_unix_ms)
    }

    /// The time in a column, if there is one.
    fn time_or_none(&self, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
        let time = |ms| u64::try_from(ms).map(Timestamp::from_unix_ms).map_err(|error| misshapen(column, error));
        self.number_or_none(column)?.map(time).transpose()
    }
}

/// A value that nobody here wrote.
pub(crate) fn misshapen(column: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: source.into() }
}
