//! Why read models on PostgreSQL could not be used.

use crate::tables::Misshapen;
use application::ports::read_store::ReadStoreError;
use postgres_schema::{ConnectError, SchemaError};
use sqlx::postgres::PgDatabaseError;
use thiserror::Error;

/// Why read models on PostgreSQL could not be opened or used. No message holds a password.
#[derive(Debug, Error)]
pub enum PostgresStoreError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The schema cannot be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Another installation's events are folded here.
    #[error("the read models there are folded from another installation's events: name another database")]
    OtherInstallation,
    /// The user may not do what was asked.
    #[error(
        "this user of PostgreSQL may not do that to the read models: the owner of their schema may, and lets others \
             read and fold them with `dragoman migrate --grant ROLE` (again after each update)"
    )]
    NoRight {
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// A statement failed.
    #[error("the read models on PostgreSQL could not be used")]
    Storage {
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// Something that this program did not make depends on a table that is to be dropped.
    #[error("something that depends on a table of the read models keeps it from being dropped, drop it first: {what}")]
    Depended {
        /// What it is, in the server's words.
        what: String,
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// The server did not answer in time; whether it did what was asked is not known.
    #[error("PostgreSQL did not answer about the read models within {seconds} seconds")]
    Silent {
        /// How long it was waited for.
        seconds: u64,
    },
    /// A row does not have the columns of its table, or a value cannot be kept.
    #[error(transparent)]
    Misshapen(#[from] Misshapen),
    /// The work was interrupted: the runtime is ending.
    #[error("the work on the read models was interrupted")]
    Interrupted,
}

impl From<sqlx::Error> for PostgresStoreError {
    fn from(source: sqlx::Error) -> Self {
        // insufficient_privilege.
        if code(&source) == Some("42501") {
            return Self::NoRight { source };
        }
        // dependent_objects_still_exist.
        let depended = said(&source).filter(|said| said.code() == "2BP01");
        match depended.map(|said| said.detail().unwrap_or_default().to_owned()) {
            Some(what) => Self::Depended { what, source },
            None => Self::Storage { source },
        }
    }
}

impl PostgresStoreError {
    /// Whether the server's disk is full.
    pub fn is_out_of_room(&self) -> bool {
        // disk_full (postgresql.org/docs/current/errcodes-appendix.html).
        matches!(self, Self::Storage { source } if code(source) == Some("53100"))
    }

    /// Whether the connection is gone, and another one may do.
    pub(crate) fn is_lost(&self) -> bool {
        let Self::Storage { source } = self else { return false };
        match source {
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
            // connection_exception and its kin; admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout.
            _ => code(source)
                .is_some_and(|code| code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03" | "57P05")),
        }
    }

    /// Whether the transaction was undone through no fault of its own, and may be tried again.
    pub(crate) fn is_undone(&self) -> bool {
        // serialization_failure, deadlock_detected, lock_not_available.
        matches!(self, Self::Storage { source } if matches!(code(source), Some("40001" | "40P01" | "55P03")))
    }
}

impl From<PostgresStoreError> for ReadStoreError {
    fn from(error: PostgresStoreError) -> Self {
        if error.is_out_of_room() { Self::OutOfRoom } else { Self::Unavailable(Box::new(error)) }
    }
}

/// The SQLSTATE of an error.
fn code(error: &sqlx::Error) -> Option<&str> {
    said(error).map(PgDatabaseError::code)
}

fn said(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}
