//! Why there is no connection, or why a schema cannot be used. No message holds a password.

use crate::connect::OLDEST_MAJOR;
use thiserror::Error;

/// Why there is no connection: one sentence each, with what to do about it.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// It is no address.
    #[error("this is no address of PostgreSQL, which looks like postgres://user:password@host:5432/database")]
    NoAddress {
        /// Which part of it, if it has the right beginning.
        #[source]
        source: Option<sqlx::Error>,
    },
    /// Nobody answers there, or a server that starts or stops.
    #[error("no PostgreSQL server answers at {server}")]
    Unreachable {
        /// Where.
        server: String,
        /// What the system said.
        #[source]
        source: sqlx::Error,
    },
    /// User or password is wrong.
    #[error("the PostgreSQL server at {server} refuses user {user}: check name, password and pg_hba.conf")]
    Refused {
        /// Where.
        server: String,
        /// The user.
        user: String,
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// There is no such database.
    #[error("the PostgreSQL server at {server} has no database {database}: make it with `createdb {database}`")]
    NoDatabase {
        /// Where.
        server: String,
        /// The database.
        database: String,
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// The user may not connect to the database.
    #[error(
        "user {user} may not connect to database {database} at {server}: `GRANT CONNECT ON DATABASE {database} TO {user}`"
    )]
    NoRight {
        /// Where.
        server: String,
        /// The user.
        user: String,
        /// The database.
        database: String,
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// It has no connection to spare.
    #[error(
        "the PostgreSQL server at {server} has no connection to spare: raise its max_connections, or the user's own limit"
    )]
    Full {
        /// Where.
        server: String,
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// It is too old.
    #[error("the PostgreSQL server at {server} has version {major}, and version {OLDEST_MAJOR} or newer is needed")]
    Old {
        /// Where.
        server: String,
        /// Its major version.
        major: u32,
    },
    /// None of the servers named takes writes.
    #[error("none of the servers named in the address takes writes: they are replicas")]
    OnlyReplicas,
    /// The address asks for an encrypted connection and it could not be made.
    #[error("the connection to the PostgreSQL server at {server} could not be encrypted as the address asks")]
    NotEncrypted {
        /// Where.
        server: String,
        /// What went wrong.
        #[source]
        source: sqlx::Error,
    },
    /// Something else.
    #[error("the PostgreSQL server at {server} could not be used")]
    Other {
        /// Where.
        server: String,
        /// What went wrong.
        #[source]
        source: sqlx::Error,
    },
}

/// Why a schema cannot be used.
#[derive(Debug, Error)]
pub enum SchemaError {
    /// It was made by an older program. Only [`crate::Schema::check`] and [`crate::Schema::open`] say this.
    #[error("schema {schema} lacks {missing} of this program's migrations: run `dragoman migrate`")]
    Behind {
        /// The schema.
        schema: &'static str,
        /// How many are to be applied.
        missing: usize,
    },
    /// A newer program brought it further.
    #[error(
        "schema {schema} has migration {found}, and this program knows those up to {known}: use the newer program that applied it"
    )]
    Newer {
        /// The schema.
        schema: &'static str,
        /// The newest applied.
        found: i32,
        /// The newest known here.
        known: i32,
    },
    /// What was applied under a number is not what this program knows under it.
    #[error("schema {schema} has drifted: its migration {number} ({name}) is not the one of this program")]
    Drifted {
        /// The schema.
        schema: &'static str,
        /// The first migration that differs.
        number: i32,
        /// Its name in the database.
        name: String,
    },
    /// Somebody else uses a schema of this name.
    #[error("schema {schema} holds something that this program did not make: use another database")]
    Foreign {
        /// The schema.
        schema: &'static str,
    },
    /// The user may not do what is needed.
    #[error(
        "user {user} lacks rights on schema {schema}: `GRANT CREATE ON DATABASE {database} TO {user}` lets it make the \
         schema, or let the schema's owner run `dragoman migrate`"
    )]
    NoRight {
        /// The schema.
        schema: &'static str,
        /// The user.
        user: String,
        /// The database.
        database: String,
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// The server takes no writes: it is a replica.
    #[error("schema {schema} must be brought up to date, and this server only reads: use the primary")]
    ReadOnly {
        /// The schema.
        schema: &'static str,
    },
    /// A migration failed; it left nothing behind.
    #[error("migration {number} ({name}) of schema {schema} failed")]
    Failed {
        /// The schema.
        schema: &'static str,
        /// Which.
        number: i32,
        /// What it is about.
        name: &'static str,
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// The database could not be used.
    #[error("schema {schema} could not be used")]
    Storage {
        /// The schema.
        schema: &'static str,
        /// What went wrong.
        #[source]
        source: sqlx::Error,
    },
}
