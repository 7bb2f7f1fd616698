//! Why a log could not be opened or used, and what a failure of the server means.

use postgres_schema::{ConnectError, SchemaError};
use sqlx::postgres::PgDatabaseError;
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
    /// None of the servers named takes writes.
    #[error("none of the servers named in the address takes writes: they are replicas")]
    OnlyReplicas,
    /// The database holds another log.
    #[error("the database holds the log “{found}”, not “{expected}”")]
    OtherLog {
        /// Its name.
        found: String,
        /// The name of the log asked for.
        expected: String,
    },
    /// Another installation's keys are needed to read it.
    #[error("this event log belongs to another data folder, which has the keys of what is sealed in it")]
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

/// What a failure means for who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// There is no room left on the server's disk.
    Full,
    /// What was sent breaks a rule, or cannot be kept.
    Unfit,
    /// The server is away, changes over, or was too busy: the same may succeed later.
    Passing,
    /// Anything else.
    Other,
}

impl LogError {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            LogError::Storage(error) => kind(error),
            LogError::Connect(ConnectError::Unreachable { .. } | ConnectError::Full { .. })
            | LogError::OnlyReplicas
            | LogError::Silent => Kind::Passing,
            LogError::Connect(ConnectError::Other { source, .. }) => kind(source),
            LogError::Connect(_)
            | LogError::Schema(_)
            | LogError::NoRight(_)
            | LogError::OtherLog { .. }
            | LogError::OtherInstallation
            | LogError::Interrupted
            | LogError::Column(_) => Kind::Other,
        }
    }
}

/// Sorts a failure by its SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html).
pub(crate) fn kind(error: &sqlx::Error) -> Kind {
    let said = match error {
        sqlx::Error::Database(said) => said,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => return Kind::Passing,
        _ => return Kind::Other,
    };
    let Some(said) = said.try_downcast_ref::<PgDatabaseError>() else { return Kind::Other };
    match said.code() {
        // disk_full; could not extend a file says so, too.
        "53100" => Kind::Full,
        // read_only_sql_transaction: it has become a replica; lock_not_available, query_canceled: a time-out.
        "25006" | "55P03" | "57014" => Kind::Passing,
        // undefined_table, invalid_schema_name: a replica does not have the schema yet, which was seen on the primary.
        "42P01" | "3F000" => Kind::Passing,
        code if ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)) => Kind::Passing,
        code if ["22", "23", "54"].iter().any(|class| code.starts_with(class)) => Kind::Unfit,
        _ => Kind::Other,
    }
}
