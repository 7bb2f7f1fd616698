//! What a failure of the server means for who asked.

use crate::error::ConnectError;
use sqlx::postgres::PgDatabaseError;

/// What a failure means for who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no room left on the server's disk.
    Full,
    /// What was sent breaks a rule, or cannot be kept.
    Unfit,
    /// The server is away, changes over, or was too busy: the same may succeed later.
    Passing,
    /// Anything else.
    Other,
}

impl Kind {
    /// Sorts a failure by its SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html).
    pub fn of(error: &sqlx::Error) -> Self {
        let said = match error {
            sqlx::Error::Database(said) => said,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::WorkerCrashed => return Self::Passing,
            _ => return Self::Other,
        };
        let Some(said) = said.try_downcast_ref::<PgDatabaseError>() else { return Self::Other };
        match said.code() {
            // disk_full; could not extend a file says so, too.
            "53100" => Self::Full,
            // read_only_sql_transaction: it has become a replica; lock_not_available, query_canceled: a time-out.
            "25006" | "55P03" | "57014" => Self::Passing,
            // undefined_table, invalid_schema_name: a replica does not have the schema yet, which was seen on the primary.
            "42P01" | "3F000" => Self::Passing,
            code if ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)) => Self::Passing,
            code if ["22", "23", "54"].iter().any(|class| code.starts_with(class)) => Self::Unfit,
            _ => Self::Other,
        }
    }
}

impl ConnectError {
    /// What it means for who asked.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unreachable { .. } | Self::Full { .. } | Self::OnlyReplicas => Kind::Passing,
            Self::Other { source, .. } => Kind::of(source),
            Self::NoAddress { .. }
            | Self::Refused { .. }
            | Self::NoDatabase { .. }
            | Self::NoRight { .. }
            | Self::Old { .. }
            | Self::NotEncrypted { .. } => Kind::Other,
        }
    }
}
