//! Read models on PostgreSQL, in schemas of their own, so that a log may share the database.
//!
//! Columns have real types, and what comes back is what was written, to the byte: see [`columns`]. Commits do not wait
//! for the disk: after a crash the last transactions may be missing, each whole, rows together with their checkpoint,
//! and their events are folded again.

mod checkpoints;
mod columns;
mod dialect;
mod error;
mod operands;
mod rights;
mod rows;
mod server;
mod shadows;
mod snapshots;
mod store;
mod values;

pub use error::PostgresStoreError;
pub use snapshots::PostgresSnapshots;
pub use store::PostgresReadStore;
