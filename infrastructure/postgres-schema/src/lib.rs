//! What every adapter on PostgreSQL needs and none should have for itself: a connection that says in one sentence why
//! it cannot be had, and a schema of numbered migrations that only one program at a time brings up to date.
//!
//! An adapter has a [`Schema`] of its own, so that several may share one database. Applied migrations are never
//! edited: their digests are kept, and another digest is refused. Deliberately absent: what the schemas hold.

mod connect;
mod error;
mod kind;
mod schema;
mod servers;
#[cfg(test)]
mod tests;

pub use connect::{CONNECT_MAX, OLDEST_MAJOR, connect, connect_options};
pub use error::{ConnectError, SchemaError};
pub use kind::Kind;
pub use schema::{Migration, Schema, Step};
pub use servers::Servers;
