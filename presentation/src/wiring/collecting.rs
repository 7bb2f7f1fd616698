//! The collector of blobs, over an open program and by itself.

use super::{nodes, stores};
use crate::{config::Blobs, exit::Failure, home::Home};
use application::{
    commands::collect_blobs::CollectBlobs,
    ports::{blob_store::BlobStore, event_log::EventLog},
};
use host::{RandomIds, SystemClock};
use std::sync::Arc;

/// What removes files that nothing in this log refers to any more.
pub fn collector(log: Arc<dyn EventLog>, blobs: Arc<dyn BlobStore>, config: &Blobs) -> CollectBlobs {
    let clock = Arc::new(SystemClock);
    CollectBlobs { log, blobs, clock, grace: config.collect_after, replaced_after: config.replaced_after }
}

/// The same without everything else, over a data folder that the caller owns.
pub async fn collector_alone(home: &Home, config: &Blobs) -> Result<CollectBlobs, Failure> {
    let opened = stores::event_log(home, stores::codec_without_keys(), Arc::new(SystemClock)).await?;
    let blobs = nodes::blob_store(home, &RandomIds, opened.cluster).await?;
    Ok(collector(opened.log, blobs, config))
}
