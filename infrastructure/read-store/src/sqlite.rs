//! Read models in an SQLite file.

mod dialect;
mod rows;
mod shadows;
mod snapshots;
mod store;

#[cfg(test)]
pub(crate) use dialect::SqliteTables;
pub use snapshots::SqliteSnapshots;
pub use store::SqliteReadStore;
