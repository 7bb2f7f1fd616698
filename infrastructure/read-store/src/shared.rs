//! What the nodes of an installation share beside the log and cannot be folded anew from it: credentials, requests,
//! deliveries; and memos, which may as well be shared. In a schema of its own in the database of the log, so that one backup
//! holds both, and one restore brings back both as of the same moment.
//!
//! Many processes change it at a time. Each change is a statement, or a transaction that holds the rows it looked at; none
//! holds a table. Deliberately absent: what the rows mean (the stores themselves).

mod database;
mod error;
mod nodes;
mod schema;
#[cfg(test)]
pub(crate) mod tests;

pub use database::SharedDatabase;
pub(crate) use database::{Done, SESSION};
pub use error::SharedStoreError;
