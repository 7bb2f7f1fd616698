//! The collector of blobs, over an open program and by itself.

use super::{nodes, stores};
use crate::{config::Blobs, exit::Failure, home::Home};
use application::{
    commands::collect_blobs::CollectBlobs,
    ports::{blob_store::BlobStore, event_log::EventLog},
};
use host::{RandomIds, SystemClock};
use std::sync::Arc;

/// What removes files that no event of this log refers to.
pub fn collector(log: Arc<dyn EventLog>, blobs: Arc<dyn BlobStore>, config: &Blobs) -> CollectBlobs {
    CollectBlobs { log, blobs, clock: Arc::new(SystemClock), grace: config.collect_after }
}

/// The same without everything else, over a data folder that the caller owns.
pub async fn collector_alone(home: &Home, config: &Blobs) -> Result<CollectBlobs, Failure> {
    let opened = stores::event_log(home, stores::codec_without_keys(), Arc::new(SystemClock)).await?;
    let blobs = nodes::blob_store(home, &RandomIds, opened.cluster).await?;
    Ok(collector(opened.log, blobs, config))
}
