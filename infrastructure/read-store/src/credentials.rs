//! Credentials, in an SQLite file or on PostgreSQL: the same tables, the same statements, another keeper.
//!
//! Nothing else knows what stands here, so every commit waits for the disk. Secrets are sealed under a key of the
//! installation, bound to owner and name; the rest are digests. Reads see what was acknowledged before.

mod accounts;
mod addresses;
mod in_database;
mod in_file;
mod keys;
mod port;
mod rotation;
mod secrets;
mod sessions;
#[cfg(test)]
mod tests;
mod tickets;
mod writer;

pub use in_database::PostgresCredentialStore;
pub(crate) use in_file::SCHEMA;
pub use in_file::SqliteCredentialStore;

use crate::sql::{Sql, Work};
use application::ports::{credentials::CredentialError, key_vault::Key};
use async_trait::async_trait;

/// What is kept, for messages.
pub(crate) const WHAT: &str = "credentials";

/// Credentials kept by this keeper.
pub struct CredentialsIn<K> {
    keeper: K,
    seal: Key,
}

/// Who keeps the rows.
#[async_trait]
pub trait Keeper: Send + Sync {
    /// How they are asked for.
    #[expect(private_bounds, reason = "nobody outside makes a keeper")]
    type Connection: Sql;

    /// Looks something up.
    async fn read<Asked: Send + Sync + 'static, Found: Send + 'static>(
        &self,
        asked: Asked,
        work: Work<Self::Connection, Asked, Found>,
    ) -> Result<Found, CredentialError>;

    /// Changes something, in a transaction that comes to its end even if the caller goes.
    async fn write<Asked: Send + Sync + 'static, Done: Send + 'static>(
        &self,
        asked: Asked,
        work: Work<Self::Connection, Asked, Done>,
    ) -> Result<Done, CredentialError>;
}
