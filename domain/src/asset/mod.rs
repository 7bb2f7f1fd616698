//! The asset: a source that somebody handed in. Stream `asset-<id>`.
//!
//! It is looked at once, before anything decodes it in earnest: what is hostile or cannot be dubbed is put aside, with
//! the reason. Reading order: command, event, state, decide, tests.

mod command;
mod decide;
mod event;
mod state;
#[cfg(test)]
mod tests;

pub use command::{AssetCommand, AssetRejection};
pub use event::{
    AssetEvent, AssetSound, AssetText, AssetVideo, Quarantine, ScanVerdict, ValidatedAsset, WhyNotScanned,
    WhyQuarantined,
};
pub use state::{Asset, Phase, Uploaded};
