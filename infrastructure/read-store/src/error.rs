//! Why a file could not be opened or used.

use crate::tables::Misshapen;
use application::ports::{
    credentials::CredentialError, delivery_store::DeliveryStoreError, memo_store::MemoError,
    read_store::ReadStoreError, request_store::RequestStoreError,
};
use thiserror::Error;

/// Why a file of read models, memos, requests or credentials could not be opened or used. Messages name no path: the caller
/// knows it.
#[derive(Debug, Error)]
pub enum StoreError {
    /// SQLite could not use the file.
    #[error("the file of {what} could not be used")]
    Storage {
        /// What it holds.
        what: &'static str,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
    /// The file is no SQLite file, or a broken one.
    #[error("the file of {what} is damaged: {}", remedy(what))]
    Damaged {
        /// What it holds.
        what: &'static str,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
    /// The file could not be made.
    #[error("the file of {what} could not be made")]
    Create {
        /// What it is to hold.
        what: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is to be read only, and there is none.
    #[error("there is no file of {what} yet")]
    Absent {
        /// What it would hold.
        what: &'static str,
    },
    /// A newer program wrote it.
    #[error(
        "the file of {what} has schema {found}, and this program knows schemas up to {known}: use the newer program that wrote it"
    )]
    Newer {
        /// What it holds.
        what: &'static str,
        /// The file's schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// It must be brought up to date by its owner first.
    #[error("the file of {what} has schema {found} where schema {known} is needed: open it once for writing")]
    Older {
        /// What it holds.
        what: &'static str,
        /// The file's schema.
        found: i64,
        /// The schema needed.
        known: i64,
    },
    /// The file holds something else.
    #[error("the file is not one of {what}")]
    Foreign {
        /// What it should hold.
        what: &'static str,
    },
    /// It was opened for reading only.
    #[error("the file of {what} is open for reading only")]
    ReadOnly {
        /// What it holds.
        what: &'static str,
    },
    /// A row does not have the columns of its table, or a value cannot be kept.
    #[error(transparent)]
    Misshapen(#[from] Misshapen),
    /// The work was interrupted: the runtime is ending.
    #[error("the work on the file of {what} was interrupted")]
    Interrupted {
        /// What it holds.
        what: &'static str,
    },
}

impl StoreError {
    /// Sorts what SQLite said.
    pub(crate) fn of(what: &'static str, source: sqlx::Error) -> Self {
        // SQLITE_CORRUPT, SQLITE_NOTADB (sqlite.org/rescode.html).
        if matches!(code(&source).map(|code| code & 0xff), Some(11 | 26)) {
            return Self::Damaged { what, source };
        }
        Self::Storage { what, source }
    }

    /// Whether somebody else has what is needed of the file locked.
    pub(crate) fn is_busy(&self) -> bool {
        // SQLITE_BUSY, with whatever it says more.
        matches!(self, Self::Storage { source, .. } if code(source).is_some_and(|code| code & 0xff == 5))
    }

    /// Whether the disk is full.
    pub fn is_out_of_room(&self) -> bool {
        match self {
            // SQLITE_FULL; SQLITE_IOERR_SHMSIZE: the shared-memory file beside it could not grow.
            Self::Storage { source, .. } => code(source).is_some_and(|code| code & 0xff == 13 || code == 4874),
            Self::Create { source, .. } => application::ports::engine::is_out_of_room(source),
            Self::Damaged { .. }
            | Self::Absent { .. }
            | Self::Newer { .. }
            | Self::Older { .. }
            | Self::Foreign { .. }
            | Self::ReadOnly { .. }
            | Self::Misshapen(_)
            | Self::Interrupted { .. } => false,
        }
    }
}

impl From<StoreError> for ReadStoreError {
    fn from(error: StoreError) -> Self {
        if error.is_out_of_room() { Self::OutOfRoom } else { Self::Unavailable(Box::new(error)) }
    }
}

impl From<StoreError> for RequestStoreError {
    fn from(error: StoreError) -> Self {
        if error.is_out_of_room() { Self::OutOfRoom } else { Self::Unavailable(Box::new(error)) }
    }
}

impl From<StoreError> for CredentialError {
    fn from(error: StoreError) -> Self {
        if error.is_out_of_room() { Self::OutOfRoom } else { Self::Unavailable(Box::new(error)) }
    }
}

impl From<StoreError> for DeliveryStoreError {
    fn from(error: StoreError) -> Self {
        if error.is_out_of_room() { Self::OutOfRoom } else { Self::Unavailable(Box::new(error)) }
    }
}

impl From<StoreError> for MemoError {
    fn from(error: StoreError) -> Self {
        Self(Box::new(error))
    }
}

/// What to do about a damaged file.
fn remedy(what: &str) -> &'static str {
    // Nothing else knows what these were.
    if what == crate::credentials::WHAT { "restore it from a backup" } else { "delete it, and it is made anew" }
}

/// SQLite's extended result code.
fn code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error()?.code()?.parse().ok()
}
