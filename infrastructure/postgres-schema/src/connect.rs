//! Connections: their address, their time-outs, and what is said when there can be none.

use crate::error::ConnectError;
use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgDatabaseError},
};
use std::{str::FromStr, time::Duration};

/// The oldest major version that is supported.
pub const OLDEST_MAJOR: u32 = 15;
/// How long to wait for a connection.
pub const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Time-outs of each session, in milliseconds: nothing that this program asks for may hang or hold a lock for ever. A
/// statement; waiting for a lock; a transaction that nobody goes on with. The last three let the server notice within a
/// minute that its client is gone.
const SESSION: [(&str, &str); 6] = [
    ("statement_timeout", "30000"),
    ("lock_timeout", "10000"),
    ("idle_in_transaction_session_timeout", "30000"),
    ("tcp_keepalives_idle", "20"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
];

/// How to connect to this address, `postgres://user:password@host:port/database`, with time-outs on every session.
pub fn connect_options(url: &str) -> Result<PgConnectOptions, ConnectError> {
    if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        return Err(ConnectError::NoAddress { source: None });
    }
    let options = PgConnectOptions::from_str(url);
    let options = options.map_err(|source| ConnectError::NoAddress { source: Some(source) })?;
    // The name stands in the server's list of sessions and in its log.
    let named = if options.get_application_name().is_none() { options.application_name("dragoman") } else { options };
    Ok(named.options(SESSION))
}

/// A connection to a server that is new enough, or the one sentence that says why there is none.
pub async fn connect(options: &PgConnectOptions) -> Result<PgConnection, ConnectError> {
    let connecting = tokio::time::timeout(CONNECT_MAX, PgConnection::connect_with(options)).await;
    let elapsed = |_| std::io::Error::from(std::io::ErrorKind::TimedOut).into();
    let connection =
        connecting.map_err(elapsed).and_then(|made| made).map_err(|error| ConnectError::of(options, error))?;
    let major = connection.server_version_num().map_or(0, |version| version / 10_000);
    if major < OLDEST_MAJOR {
        return Err(ConnectError::Old { server: server(options), major });
    }
    Ok(connection)
}

impl ConnectError {
    /// Sorts what went wrong while connecting.
    pub fn of(options: &PgConnectOptions, source: sqlx::Error) -> Self {
        let (server, user) = (server(options), options.get_username().to_owned());
        let database = options.get_database().map_or_else(|| user.clone(), str::to_owned);
        let code = source.as_database_error().and_then(|said| said.try_downcast_ref::<PgDatabaseError>());
        match code.map(PgDatabaseError::code) {
            // invalid_password, invalid_authorization_specification (postgresql.org/docs/current/errcodes-appendix.html).
            Some("28P01" | "28000") => Self::Refused { server, user, source },
            Some("3D000") => Self::NoDatabase { server, database, source },
            // insufficient_privilege: no CONNECT on the database.
            Some("42501") => Self::NoRight { server, user, database, source },
            Some("53300") => Self::Full { server, source },
            // cannot_connect_now: it starts or stops.
            Some("57P03") => Self::Unreachable { server, source },
            Some(_) => Self::Other { server, source },
            None if matches!(source, sqlx::Error::Io(_)) => Self::Unreachable { server, source },
            None if matches!(source, sqlx::Error::Tls(_)) => Self::NotEncrypted { server, source },
            None => Self::Other { server, source },
        }
    }
}

/// Where a server is.
fn server(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}
