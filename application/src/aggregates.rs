//! Loading aggregates and giving them commands.
//!
//! A state is folded once and kept; later loads read only what came after. The cache is checked by
//! revision at each append, so that a stale state can never decide anything.

use crate::ports::event_log::{Append, AppendError, Appended, DomainEvent, EventLog, ReadError, StreamId, Tenant};
use domain::{
    decider::Decider,
    dubbing::{Dubbing, DubbingEvent},
    track::{Track, TrackEvent},
    value::{DubbingId, Sha256, TrackId},
};
use sha2::Digest;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use thiserror::Error;
use uuid::Uuid;

/// How often a command is decided anew because someone else appended first.
const CONFLICTS_MAX: u32 = 50;
/// Events read in one go.
const PAGE: usize = 512;
/// Namespace of derived command ids; drawn once at random, fixed for ever.
const NAMESPACE: Uuid = Uuid::from_u128(0x8a4c_1f6e_77b2_4d0e_b7c9_0d3f_52a8_16e4);

/// Loads dubbings and tracks, and gives them commands.
pub struct Aggregates {
    log: Arc<dyn EventLog>,
    dubbings: Cache<Dubbing>,
    tracks: Cache<Track>,
}

type Cache<S> = Mutex<HashMap<StreamId, Loaded<S>>>;

/// An aggregate's state and the revision it was folded up to (0: no events yet).
#[derive(Clone, Debug)]
pub struct Loaded<S> {
    /// The state.
    pub state: Arc<S>,
    /// Revision of its last event.
    pub revision: u64,
    /// Hash of its last event; all zeros before the first.
    pub hash: Sha256,
}

/// Who gives a command, and how a repetition is recognised.
#[derive(Clone, Debug)]
pub struct CommandMeta {
    /// Who: `cli`, `process-manager`, `worker`.
    pub actor: &'static str,
    /// The command's id.
    pub id: Uuid,
    /// Digest over the command's content.
    pub fingerprint: Sha256,
}

impl CommandMeta {
    /// A command that is the same command whenever it has this name: UUIDv5 of it.
    pub fn derived(actor: &'static str, name: &str) -> Self {
        Self { actor, id: Uuid::new_v5(&NAMESPACE, name.as_bytes()), fingerprint: sha256(name.as_bytes()) }
    }

    /// A command given once, under an id that nobody else has.
    pub fn fresh(actor: &'static str, id: Uuid) -> Self {
        Self { actor, id, fingerprint: sha256(id.as_bytes()) }
    }
}

/// Digest of some bytes.
pub fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::new(sha2::Sha256::digest(bytes).into())
}

/// Why a command brought nothing about.
#[derive(Debug, Error)]
pub enum CommandError<R: std::error::Error + Send + Sync + 'static> {
    /// It broke a rule.
    #[error(transparent)]
    Rejected(R),
    /// Others kept appending first.
    #[error("the stream is written too busily to decide on it")]
    Conflict,
    /// The log could not be written.
    #[error(transparent)]
    Append(AppendError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// An aggregate that the log can keep.
pub trait Aggregate: Decider<State = Self> + Default + Clone + Send + Sync + 'static {
    /// Its events among all events; `None` for another aggregate's.
    fn of(event: &DomainEvent) -> Option<&Self::Event>;
    /// Its events as the log takes them.
    fn into_domain(event: Self::Event) -> DomainEvent;
    #[doc(hidden)]
    fn cache(aggregates: &Aggregates) -> &Mutex<HashMap<StreamId, Loaded<Self>>>;
}

impl Aggregate for Dubbing {
    fn of(event: &DomainEvent) -> Option<&DubbingEvent> {
        match event {
            DomainEvent::Dubbing(event) => Some(event),
            DomainEvent::Track(_) => None,
        }
    }

    fn into_domain(event: DubbingEvent) -> DomainEvent {
        DomainEvent::Dubbing(event)
    }

    fn cache(aggregates: &Aggregates) -> &Mutex<HashMap<StreamId, Loaded<Self>>> {
        &aggregates.dubbings
    }
}

impl Aggregate for Track {
    fn of(event: &DomainEvent) -> Option<&TrackEvent> {
        match event {
            DomainEvent::Track(event) => Some(event),
            DomainEvent::Dubbing(_) => None,
        }
    }

    fn into_domain(event: TrackEvent) -> DomainEvent {
        DomainEvent::Track(event)
    }

    fn cache(aggregates: &Aggregates) -> &Mutex<HashMap<StreamId, Loaded<Self>>> {
        &aggregates.tracks
    }
}

impl Aggregates {
    /// Over this log.
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, dubbings: Mutex::default(), tracks: Mutex::default() }
    }

    /// The log underneath.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// A dubbing as it is now.
    pub async fn dubbing(&self, id: DubbingId) -> Result<Loaded<Dubbing>, ReadError> {
        self.load(&StreamId::Dubbing(id)).await
    }

    /// A track as it is now.
    pub async fn track(&self, id: &TrackId) -> Result<Loaded<Track>, ReadError> {
        self.load(&StreamId::Track(id.clone())).await
    }

    /// An aggregate as it is now.
    pub async fn load<A: Aggregate>(&self, stream: &StreamId) -> Result<Loaded<A>, ReadError> {
        let cached = A::cache(self).lock().unwrap_or_else(PoisonError::into_inner).get(stream).cloned();
        let mut loaded =
            cached.unwrap_or_else(|| Loaded { state: Arc::default(), revision: 0, hash: Sha256::new([0; 32]) });
        loop {
            let page = self.log.read_stream(stream, loaded.revision + 1, PAGE).await?;
            let Some(last) = page.last() else {
                break;
            };
            (loaded.revision, loaded.hash) = (last.revision, last.hash);
            let state = Arc::make_mut(&mut loaded.state);
            for event in page.iter().filter_map(|recorded| A::of(&recorded.event)) {
                A::evolve(state, event);
            }
            if page.len() < PAGE {
                break;
            }
        }
        if loaded.revision > 0 {
            let mut cache = A::cache(self).lock().unwrap_or_else(PoisonError::into_inner);
            let newest = cache.entry(stream.clone()).or_insert_with(|| loaded.clone());
            if newest.revision < loaded.revision {
                *newest = loaded.clone();
            }
        }
        Ok(loaded)
    }

    /// Gives a command to an aggregate. `Ok(None)` means that it was already so.
    pub async fn execute<A: Aggregate>(
        &self,
        stream: &StreamId,
        command: A::Command,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, CommandError<A::Rejection>>
    where
        A::Command: Clone,
        A::Rejection: std::error::Error + Send + Sync + 'static,
    {
        for _ in 0..CONFLICTS_MAX {
            let loaded = self.load::<A>(stream).await?;
            let events = A::decide(&loaded.state, command.clone()).map_err(CommandError::Rejected)?;
            if events.is_empty() {
                return Ok(None);
            }
            let append = Append {
                tenant: Tenant::default(),
                actor: meta.actor.to_owned(),
                command_id: meta.id,
                fingerprint: meta.fingerprint,
                causation_id: None,
                stream: stream.clone(),
                expected_revision: loaded.revision,
                events: events.into_iter().map(A::into_domain).collect(),
            };
            match self.log.append(append).await {
                Ok(appended) => return Ok(Some(appended)),
                Err(AppendError::WrongRevision { .. }) => {}
                Err(error) => return Err(CommandError::Append(error)),
            }
        }
        Err(CommandError::Conflict)
    }
}
