//! Why a log could not be opened or used.

use thiserror::Error;

/// Why a log could not be opened or used. Messages name no path: the caller knows it.
#[derive(Debug, Error)]
pub enum LogError {
    /// SQLite could not use the file.
    #[error("the event log's file could not be used")]
    Storage(#[from] sqlx::Error),
    /// The file could not be made.
    #[error("the event log's file could not be made")]
    Create(#[source] std::io::Error),
    /// A newer program wrote it.
    #[error(
        "the event log has schema {found}, and this program knows schemas up to {known}: use the newer program that wrote it"
    )]
    Newer {
        /// The file's schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// The file holds no log, or one that must be brought up to date by its owner first.
    #[error("the file has schema {found} where schema {known} is needed: open it once for writing")]
    Older {
        /// The file's schema; 0 when it is not an event log at all.
        found: i64,
        /// The schema needed.
        known: i64,
    },
    /// The file holds another log.
    #[error("the file holds the log “{found}”, not “{expected}”")]
    OtherLog {
        /// Its name.
        found: String,
        /// The name of the log asked for.
        expected: String,
    },
    /// It was opened for reading only.
    #[error("the event log is open for reading only")]
    ReadOnly,
    /// What was to be done with the rows did not come to an end.
    #[error("the event log's work was interrupted")]
    Interrupted,
    /// A column of a row does not hold what it should.
    #[error("a column of the stored event does not hold what it should")]
    Column(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl LogError {
    /// Whether it is that the disk is full.
    pub fn is_out_of_room(&self) -> bool {
        matches!(self, LogError::Storage(error) if kind(error) == Kind::Full)
    }
}

/// What SQLite says of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// There is no room left.
    Full,
    /// A row breaks a rule of the table.
    Constraint,
    /// The file is not what it should be.
    Damaged,
    /// Anything else.
    Other,
}

/// Sorts a failure by SQLite's result code (sqlite.org/rescode.html).
pub(crate) fn kind(error: &sqlx::Error) -> Kind {
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<u32>().ok());
    match code {
        // SQLITE_FULL; SQLITE_IOERR_SHMSIZE: the shared-memory file beside the log could not grow.
        Some(code) if code & 0xff == 13 || code == 4874 => Kind::Full,
        Some(code) if code & 0xff == 19 => Kind::Constraint,
        Some(code) if matches!(code & 0xff, 11 | 26) => Kind::Damaged,
        Some(_) | None => Kind::Other,
    }
}
