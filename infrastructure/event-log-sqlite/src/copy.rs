//! Rows as they are, for moving a log.

use crate::{
    SqliteEventLog, bound,
    error::LogError,
    options_to_write,
    table::{READ_LOG, insert, row_of},
    unreadable,
};
use application::ports::event_log::{AppendError, EventLog, LogVerification, ReadError};
use async_trait::async_trait;
use event_codec::{Row, RowLog};
use sqlx::{Connection, SqliteConnection};

#[async_trait]
impl RowLog for SqliteEventLog {
    async fn rows_after(&self, after: u64, limit: usize) -> Result<Vec<Row>, ReadError> {
        let found = sqlx::query(READ_LOG).bind(bound(after)).bind(bound(limit as u64)).fetch_all(&self.readers).await;
        found.map_err(unreadable)?.iter().map(|row| row_of(row).map_err(unreadable)).collect()
    }

    /// The file takes no position but the next one.
    async fn adopt(&self, rows: Vec<Row>) -> Result<(), AppendError> {
        let written = self.write_rows(&rows).await;
        written.map_err(|error| match error {
            error if error.is_out_of_room() => AppendError::OutOfRoom,
            error => AppendError::Unavailable(error.into()),
        })
    }

    async fn last_position(&self) -> Result<u64, ReadError> {
        self.head().await
    }

    async fn check(&self) -> Result<LogVerification, ReadError> {
        self.verify().await
    }
}

impl SqliteEventLog {
    async fn write_rows(&self, rows: &[Row]) -> Result<(), LogError> {
        if self.appender.is_none() {
            return Err(LogError::ReadOnly);
        }
        let mut connection = SqliteConnection::connect_with(&options_to_write(&self.file)).await?;
        let mut change = connection.begin_with("BEGIN IMMEDIATE").await?;
        insert(&mut change, rows).await?;
        change.commit().await?;
        self.ends.forget();
        Ok(connection.close().await?)
    }
}
