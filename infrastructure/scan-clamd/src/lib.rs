//! Scans files with ClamAV's daemon, over its socket: the adapter of
//! [`application::ports::scanner::MalwareScanner`]. What is promised, and how to set the daemon up, is in `docs.md`.
//!
//! There is deliberately no library of ClamAV here, no database and no daemon of our own: signatures are the
//! operator's, and so is the process that parses what strangers send.

mod address;
mod answer;
mod client;
mod wire;

pub use address::{ClamdAddress, InvalidAddress};
pub use client::{ClamdScanner, Timeouts};
