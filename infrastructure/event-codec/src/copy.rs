//! Moving a log from one store to another, row by row, as it is.
//!
//! Positions, times, hashes and sealed data stay the same, so that everything that was ever said about the log stays true.

use crate::row::Row;
use application::ports::event_log::{AppendError, LogVerification, ReadError};
use async_trait::async_trait;
use domain::value::Sha256;
use thiserror::Error;

/// Rows read and written in one step.
const PAGE: usize = 2_000;

/// A log whose rows can be taken, and given, as they are.
#[async_trait]
pub trait RowLog: Send + Sync {
    /// Rows after a position, at most `limit`, in order.
    async fn rows_after(&self, after: u64, limit: usize) -> Result<Vec<Row>, ReadError>;

    /// Writes rows that follow the last one without a hole, all or none.
    async fn adopt(&self, rows: Vec<Row>) -> Result<(), AppendError>;

    /// The last position; 0 when there is none.
    async fn last_position(&self) -> Result<u64, ReadError>;

    /// The check of the whole log.
    async fn check(&self) -> Result<LogVerification, ReadError>;
}

/// Why a log was not copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// The target holds something else.
    #[error("the target holds another log: its event {position} is not the source's; name an empty database")]
    OtherLog {
        /// Where they differ.
        position: u64,
    },
    /// The target has more events than the source.
    #[error("the target has {target} events and the source {source_events}: it is the newer one")]
    Newer {
        /// Events of the target.
        target: u64,
        /// Events of the source.
        source_events: u64,
    },
    /// A log is damaged.
    #[error("the {which} is damaged: {fault}")]
    Damaged {
        /// `source` or `copy`.
        which: &'static str,
        /// The first thing that is wrong.
        fault: String,
    },
    /// A log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The target could not be written.
    #[error(transparent)]
    Write(#[from] AppendError),
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Events that were there already.
    pub before: u64,
    /// Events that are there now.
    pub events: u64,
    /// Streams that they make up.
    pub streams: u64,
}

/// Copies what the target lacks, and checks it whole. Interrupted, it goes on where it was. `progress` hears the position
/// reached and the source's last one.
pub async fn copy(
    source: &dyn RowLog,
    target: &dyn RowLog,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Copied, CopyError> {
    let head = source.last_position().await?;
    let before = target.last_position().await?;
    let common = before.min(head);
    if common > 0 && hash_at(source, common).await? != hash_at(target, common).await? {
        return Err(CopyError::OtherLog { position: common });
    }
    if before > head {
        return Err(CopyError::Newer { target: before, source_events: head });
    }
    let mut at = before;
    progress(at, head);
    while at < head {
        let rows = source.rows_after(at, PAGE).await?;
        let Some(last) = rows.last().map(|row| row.position) else {
            return Err(CopyError::Damaged { which: "source", fault: format!("there is nothing after event {at}") });
        };
        target.adopt(rows).await?;
        at = last;
        progress(at, head);
    }
    let found = target.check().await?;
    match found.faults.into_iter().next() {
        Some(fault) => Err(CopyError::Damaged { which: "copy", fault }),
        None if hash_at(source, at).await? != hash_at(target, at).await? => Err(CopyError::OtherLog { position: at }),
        None => Ok(Copied { before, events: found.events, streams: found.streams }),
    }
}

async fn hash_at(log: &dyn RowLog, position: u64) -> Result<Option<Sha256>, ReadError> {
    let row = log.rows_after(position.saturating_sub(1), 1).await?.into_iter().next();
    Ok(row.filter(|row| row.position == position).map(|row| row.hash))
}
