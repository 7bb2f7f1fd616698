//! What removes files that nothing refers to any more, beside the crew of one node.

use super::membership::BLOBS;
use crate::{
    config::{Config, NodeRole},
    wiring::collector,
};
use application::{
    cluster::Holdings,
    crew::Beside,
    ports::{blob_store::BlobStore, event_log::EventLog},
    stop::StopSignal,
};
use std::sync::Arc;

/// Rounds within the time for which files are kept that no event refers to.
const ROUNDS_IN_GRACE: u32 = 4;

/// What runs beside the crew where dubbings are driven.
pub fn beside(
    log: &Arc<dyn EventLog>,
    blobs: &Arc<dyn BlobStore>,
    config: &Config,
    holdings: &Holdings,
) -> Option<Beside> {
    if !config.node.roles.contains(&NodeRole::Flow) {
        return None;
    }
    let collector = collector(Arc::clone(log), Arc::clone(blobs), &config.blobs);
    let every = collector.grace / ROUNDS_IN_GRACE;
    let collecting = Beside::new("collection of blobs", move || {
        let collector = collector.clone();
        async move {
            collector.keep_on(every, &StopSignal::never()).await;
            "it came to an end".to_owned()
        }
    });
    Some(collecting.on_duty(holdings.clone(), BLOBS))
}
