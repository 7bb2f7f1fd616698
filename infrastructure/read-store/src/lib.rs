//! Read models, in an SQLite file or on PostgreSQL; memos, requests and credentials in SQLite files of their own.
//!
//! Requests and credentials are written as their own pages say. The others can be lost without harm: read models are
//! folded anew from the log, memos are results that are made again. So no commit of theirs waits for the disk (in
//! SQLite, write-ahead mode with `synchronous=NORMAL`): a power cut may take back the last transactions, each of them
//! whole, rows together with their checkpoint, and the files stay sound. Deliberately absent: what the rows mean
//! (`projections`).

mod credentials;
mod deliveries;
mod error;
mod file;
mod memo;
mod moving;
mod postgres;
mod requests;
mod sealing;
mod sets;
mod shared;
mod snapshots;
mod sql;
mod sqlite;
mod tables;
#[cfg(test)]
mod tests;

pub use credentials::{PostgresCredentialStore, SqliteCredentialStore};
pub use deliveries::{PostgresDeliveryStore, SqliteDeliveryStore};
pub use error::StoreError;
pub use memo::{PostgresMemoStore, SqliteMemoStore};
pub use moving::{CopiedKept, KeptCopyError, KeptFiles, KeptPlace, TakenOver, copy_kept};
pub use postgres::{PostgresReadStore, PostgresSnapshots, PostgresStoreError};
pub use requests::{PostgresRequestStore, SqliteRequestStore};
pub use shared::{SharedDatabase, SharedStoreError};
pub use sqlite::{SqliteReadStore, SqliteSnapshots};
pub use tables::Misshapen;
