//! Why a log could not be opened or used.

use postgres_schema::{ConnectError, Kind, SchemaError};
use thiserror::Error;

/// Why a log could not be opened or used. No message holds a password.
#[derive(Debug, Error)]
pub enum LogError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The schema is not as it should be.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The server could not do what was asked.
    #[error("the event log's database could not be used")]
    Storage(#[source] sqlx::Error),
    /// The user may not do what was asked.
    #[error(
        "this user of PostgreSQL may not do that to the event log: the owner of its schema may, and lets others use \
             it with `dragoman migrate --grant ROLE` (again after each update)"
    )]
    NoRight(#[source] sqlx::Error),
    /// The database holds another log.
    #[error("the database holds the log “{found}”, not “{expected}”")]
    OtherLog {
        /// Its name.
        found: String,
        /// The name of the log asked for.
        expected: String,
    },
    /// Another installation's keys are needed to read it.
    #[error(
        "this event log belongs to another data folder, which has the keys of what is sealed in it; nodes of one installation find them in node.shared_dir"
    )]
    OtherInstallation,
    /// The server did not answer in time.
    #[error("the event log's database did not answer in time")]
    Silent,
    /// The work on rows was interrupted: the runtime is ending.
    #[error("the event log's work was interrupted")]
    Interrupted,
    /// A column of a row, or an answer, does not hold what it should.
    #[error("a column of the stored event does not hold what it should")]
    Column(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<sqlx::Error> for LogError {
    fn from(error: sqlx::Error) -> Self {
        // insufficient_privilege.
        let refused = error.as_database_error().and_then(|said| said.code()).is_some_and(|code| code == "42501");
        if refused { Self::NoRight(error) } else { Self::Storage(error) }
    }
}

impl LogError {
    /// What it means for who asked.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            LogError::Storage(error) => Kind::of(error),
            LogError::Connect(error) => error.kind(),
            LogError::Silent => Kind::Passing,
            LogError::Schema(_)
            | LogError::NoRight(_)
            | LogError::OtherLog { .. }
            | LogError::OtherInstallation
            | LogError::Interrupted
            | LogError::Column(_) => Kind::Other,
        }
    }
}
