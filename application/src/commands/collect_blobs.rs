//! Collect blobs: those go that nobody refers to any more, by what they were.
//!
//! Three classes are told apart. What a state of now refers to is *in force*, and stays. What an event referred to, and no
//! state since a while, was *replaced*: a line said anew, an earlier mix, a film that was withdrawn. It goes after a time of
//! its own, so that a mistake, or a log put back to an earlier moment, finds its media. What no event ever referred to is
//! *unreported*: a result is kept as a blob before the log hears of it, so a worker that dies in between leaves one that nobody
//! will ask for, and one that is about to be reported looks just the same. By how long the blob has been there, or held,
//! since ([`BlobStore::hold`]), these two are told apart.
//!
//! Why it cannot meet a running job: the time is taken first, and the log read to its end afterwards. An event that comes
//! later refers to what was put or held since, or to what a state referred to when it was decided; and each of those was
//! referred to by the state at the beginning of the time, or by an event since, or was put or held since. Deliberately
//! absent: files whose end is known at once, which go where it is known (`stages::clean`, `release_file`).

mod references;
mod states;
#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;

pub use references::references;
pub use states::BlobHolder;

use crate::{
    ports::{
        blob_store::{BlobError, BlobStore},
        clock::Clock,
        event_log::{EventLog, ReadError, StreamId},
    },
    stop::{StopSignal, Stopping},
};
use domain::value::{Sha256, Timestamp};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use thiserror::Error;
use tokio::time::sleep;

/// Blobs looked up in the log at a time: their digests, and which streams refer to them, are all that is kept in memory.
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
    /// How long a blob stays that was replaced. The grace, where that is longer.
    pub replaced_after: Duration,
}

/// What a round found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs that are kept.
    pub seen: u64,
    /// Those of them that no event ever referred to, and that went, or would.
    pub unreported: Removed,
    /// Those that were replaced, and went, or would.
    pub replaced: Removed,
}

/// Blobs that went, or would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Collected {
    /// All that went, or would, of whichever class.
    pub fn removed(&self) -> Removed {
        let Removed { blobs, bytes } = self.unreported;
        Removed { blobs: blobs + self.replaced.blobs, bytes: bytes + self.replaced.bytes }
    }
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

/// A blob of which it is not known yet that it is in force.
struct Candidate {
    bytes: u64,
    put_at: Timestamp,
    /// The streams whose events refer to it, as places in [`Candidates::streams`].
    referred_by: Vec<usize>,
}

/// Blobs that may have to go, and who refers to them.
#[derive(Default)]
struct Candidates {
    blobs: HashMap<Sha256, Candidate>,
    streams: Vec<StreamId>,
    places: HashMap<StreamId, usize>,
}

impl Candidates {
    /// A stream refers to a blob.
    fn referred(&mut self, sha256: &Sha256, stream: &StreamId) {
        let Some(blob) = self.blobs.get_mut(sha256) else { return };
        let place = *self.places.entry(stream.clone()).or_insert_with(|| {
            self.streams.push(stream.clone());
            self.streams.len() - 1
        });
        if !blob.referred_by.contains(&place) {
            blob.referred_by.push(place);
        }
    }

    /// The streams that refer to any, with what each of them refers to.
    fn by_stream(&self) -> BTreeMap<usize, HashSet<Sha256>> {
        let mut streams = BTreeMap::<usize, HashSet<Sha256>>::new();
        for (sha256, blob) in &self.blobs {
            for place in &blob.referred_by {
                streams.entry(*place).or_default().insert(*sha256);
            }
        }
        streams
    }
}

/// Until when a blob must have been put, or replaced, to go.
#[derive(Clone, Copy)]
struct Terms {
    put_before: Timestamp,
    replaced_before: Timestamp,
}

impl CollectBlobs {
    /// One round over all blobs. As a trial it removes nothing, and tells what it would.
    pub async fn run(&self, is_trial: bool) -> Result<Collected, CollectError> {
        let terms = self.terms();
        let (mut collected, mut referred, mut last) = (Collected::default(), 0, None);
        loop {
            let listed = self.blobs.list(last.as_ref(), BLOBS).await?;
            last = listed.last().map(|blob| blob.sha256);
            let found = listed.len();
            collected.seen += found as u64;
            let new = |bytes, put_at| Candidate { bytes, put_at, referred_by: vec![] };
            let blobs = listed.into_iter().map(|blob| (blob.sha256, new(blob.bytes, blob.put_at))).collect();
            let mut candidates = Candidates { blobs, ..Candidates::default() };
            self.spare_what_events_told_since(&mut candidates, terms).await?;
            referred += found - candidates.blobs.values().filter(|blob| blob.referred_by.is_empty()).count();
            candidates.blobs.retain(|_, blob| blob.put_at < terms.of(blob));
            if referred == 0 && !candidates.blobs.is_empty() {
                return Err(CollectError::OtherLog(collected.seen));
            }
            self.spare_what_states_hold(&mut candidates, terms).await?;
            for (sha256, blob) in candidates.blobs {
                if is_trial || self.blobs.collect(&sha256, terms.of(&blob)).await? {
                    collected.count(&blob);
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
                Ok(collected) if collected.removed().blobs > 0 => {
                    let (seen, bytes) = (collected.seen, collected.removed().bytes);
                    let (unreported, replaced) = (collected.unreported.blobs, collected.replaced.blobs);
                    tracing::info!(seen, unreported, replaced, bytes, "blobs that nothing refers to were removed");
                }
                Ok(_) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "blobs that nothing refers to could not be removed");
                }
            }
        }
    }

    fn terms(&self) -> Terms {
        let now = self.clock.now().unix_ms();
        let ago = |time: Duration| {
            Timestamp::from_unix_ms(now.saturating_sub(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
        };
        Terms { put_before: ago(self.grace), replaced_before: ago(self.grace.max(self.replaced_after)) }
    }

    /// Reads the log: what an event referred to lately is in force; of what one referred to before, it is noted which.
    async fn spare_what_events_told_since(
        &self,
        candidates: &mut Candidates,
        terms: Terms,
    ) -> Result<(), CollectError> {
        let mut at = 0;
        while !candidates.blobs.is_empty() {
            let page = self.log.read_log(at, EVENTS).await?;
            for recorded in &page.events {
                let is_recent = recorded.recorded_at >= terms.replaced_before;
                references(&recorded.event, &mut |artefact| {
                    if is_recent {
                        candidates.blobs.remove(&artefact.sha256);
                    } else {
                        candidates.referred(&artefact.sha256, &recorded.stream);
                    }
                });
            }
            at = page.scanned_to;
            if at >= page.head {
                break;
            }
        }
        Ok(())
    }

    /// Spares what the state of any stream referred to when the time began.
    async fn spare_what_states_hold(&self, candidates: &mut Candidates, terms: Terms) -> Result<(), CollectError> {
        for (place, mut blobs) in candidates.by_stream() {
            blobs.retain(|sha256| candidates.blobs.contains_key(sha256));
            let (Some(stream), false) = (candidates.streams.get(place), blobs.is_empty()) else { continue };
            let Some(holder) = self.state_at(stream, terms.replaced_before).await? else { continue };
            holder.references(&mut |artefact| {
                candidates.blobs.remove(&artefact.sha256);
            });
        }
        Ok(())
    }

    /// A stream's state as it was at a moment; `None` for a stream that never refers to blobs.
    async fn state_at(&self, stream: &StreamId, moment: Timestamp) -> Result<Option<BlobHolder>, ReadError> {
        let Some(mut holder) = BlobHolder::new(stream) else { return Ok(None) };
        let mut next = 1;
        loop {
            let events = self.log.read_stream(stream, next, EVENTS).await?;
            let is_last = events.len() < EVENTS;
            for recorded in events {
                if recorded.recorded_at >= moment {
                    return Ok(Some(holder));
                }
                holder.evolve(&recorded.event);
                next = recorded.revision + 1;
            }
            if is_last {
                return Ok(Some(holder));
            }
        }
    }
}

impl Terms {
    /// Until when this blob must have been put, or held, to go.
    fn of(self, blob: &Candidate) -> Timestamp {
        if blob.referred_by.is_empty() { self.put_before } else { self.replaced_before }
    }
}

impl Collected {
    fn count(&mut self, blob: &Candidate) {
        let class = if blob.referred_by.is_empty() { &mut self.unreported } else { &mut self.replaced };
        class.blobs += 1;
        class.bytes += blob.bytes;
    }
}
