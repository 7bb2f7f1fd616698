//! What the application needs from outside, one trait per file.

pub mod asset_index;
pub mod blob_store;
pub mod child;
pub mod clock;
pub mod engine;
pub mod event_log;
pub mod key_vault;
pub mod memo_store;
pub mod meter;
pub mod provenance;
pub mod read_store;
pub mod request_store;
pub mod scanner;
pub mod shelf;
pub mod trace;
pub mod upload_store;
pub mod work_queue;
