//! Collect blobs: those go that no event refers to, once they are old enough.
//!
//! A result is kept as a blob before the log hears of it, so a worker that dies in between, or whose attempt is not
//! waited for any more, leaves a blob that nobody will ever ask for. What no event refers to may also be about to be
//! reported: by how long the blob has been there, or held, since ([`BlobStore::hold`]), the two are told apart. The time
//! is taken first and the log read to its end afterwards, so that whatever was reported within the grace is seen. Deliberately
//! absent: forgetting what events refer to; that is decided where it is known why (`stages::clean`, `release_file`).

mod references;

pub use references::references;

use crate::{
    ports::{
        blob_store::{BlobError, BlobStore},
        clock::Clock,
        event_log::{EventLog, ReadError},
    },
    stop::{StopSignal, Stopping},
};
use domain::value::{Sha256, Timestamp};
use std::{collections::HashMap, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::time::sleep;

/// Blobs looked up in the log at a time: their digests are all that is kept in memory.
const BLOBS: usize = 1 << 18;
/// Events read at a time.
const EVENTS: usize = 512;

/// The use case, with what it needs.
#[derive(Clone)]
pub struct CollectBlobs {
    /// What refers to blobs.
    pub log: Arc<dyn EventLog>,
    /// The blobs.
    pub blobs: Arc<dyn BlobStore>,
    /// How old they are.
    pub clock: Arc<dyn Clock>,
    /// How long a blob may be there before an event refers to it: longer than any attempt takes from keeping a result to
    /// reporting it.
    pub grace: Duration,
}

/// What a round found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs that are kept.
    pub seen: u64,
    /// Those of them that went, or would.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Why a round came to nothing, or not to its end.
#[derive(Debug, Error)]
pub enum CollectError {
    /// Hardly the log that they were kept for.
    #[error("no event refers to any of the {0} blobs that are kept: this may be the wrong log, so nothing is removed")]
    OtherLog(u64),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Blobs could not be listed or removed.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// A blob that no event was seen to refer to yet.
#[derive(Clone, Copy)]
struct Unclaimed {
    bytes: u64,
    is_old: bool,
}

impl CollectBlobs {
    /// One round over all blobs. As a trial it removes nothing, and tells what it would.
    pub async fn run(&self, is_trial: bool) -> Result<Collected, CollectError> {
        let grace = u64::try_from(self.grace.as_millis()).unwrap_or(u64::MAX);
        let put_before = Timestamp::from_unix_ms(self.clock.now().unix_ms().saturating_sub(grace));
        let (mut collected, mut claimed, mut last) = (Collected::default(), 0, None);
        loop {
            let listed = self.blobs.list(last.as_ref(), BLOBS).await?;
            last = listed.last().map(|blob| blob.sha256);
            let found = listed.len();
            collected.seen += found as u64;
            let unclaimed = |bytes, put_at| Unclaimed { bytes, is_old: put_at < put_before };
            let listed = listed.into_iter().map(|blob| (blob.sha256, unclaimed(blob.bytes, blob.put_at))).collect();
            let mut orphans = self.unclaimed(listed).await?;
            claimed += found - orphans.len();
            orphans.retain(|_, blob| blob.is_old);
            if claimed == 0 && !orphans.is_empty() {
                return Err(CollectError::OtherLog(collected.seen));
            }
            for (sha256, blob) in orphans {
                if is_trial || self.blobs.collect(&sha256, put_before).await? {
                    collected.blobs += 1;
                    collected.bytes += blob.bytes;
                }
            }
            if found < BLOBS {
                return Ok(collected);
            }
        }
    }

    /// Round after round, until it is to stop. What goes wrong is told, and tried again in the next round.
    pub async fn keep_on(&self, every: Duration, stop: &StopSignal) {
        loop {
            tokio::select! {
                () = stop.reached(Stopping::AtSafePoint) => return,
                () = sleep(every) => {}
            }
            match self.run(false).await {
                Ok(Collected { seen, blobs, bytes }) if blobs > 0 => {
                    tracing::info!(seen, blobs, bytes, "blobs that nothing refers to were removed");
                }
                Ok(_) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "blobs that nothing refers to could not be removed");
                }
            }
        }
    }

    /// Those of them that no event refers to.
    async fn unclaimed(
        &self,
        mut blobs: HashMap<Sha256, Unclaimed>,
    ) -> Result<HashMap<Sha256, Unclaimed>, CollectError> {
        let mut at = 0;
        while !blobs.is_empty() {
            let page = self.log.read_log(at, EVENTS).await?;
            for recorded in &page.events {
                references(&recorded.event, &mut |artefact| {
                    blobs.remove(&artefact.sha256);
                });
            }
            at = page.scanned_to;
            if at >= page.head {
                break;
            }
        }
        Ok(blobs)
    }
}
