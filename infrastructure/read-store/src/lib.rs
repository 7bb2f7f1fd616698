//! Read models, memos, requests and credentials in SQLite files of their own, beside the event log's.
//!
//! Requests and credentials are written as their own pages say. The others can be lost without harm: read models are folded anew from the log, memos are results that are
//! made again. So these are in write-ahead mode with `synchronous=NORMAL`: a power cut may take back the
//! last transactions, each of them whole, rows together with their checkpoint, and the files stay sound;
//! in return no commit waits for the disk. Deliberately absent: what the rows mean (`projections`).

mod credentials;
mod deliveries;
mod error;
mod file;
mod memo;
mod page;
mod requests;
mod sql;
mod store;
#[cfg(test)]
mod tests;
mod value;

pub use credentials::SqliteCredentialStore;
pub use deliveries::SqliteDeliveryStore;
pub use error::StoreError;
pub use memo::SqliteMemoStore;
pub use requests::SqliteRequestStore;
pub use store::SqliteReadStore;
