//! Loading aggregates and giving them commands.
//!
//! A state is folded once and kept; later loads read only what came after. A command is decided on what is kept, and
//! decided anew on what the log holds whenever nothing is to be written: the log checks the revision of each append, so
//! that a stale state can never decide anything. Of a long stream a state outlives the process, as a snapshot.

mod cache;
mod keeper;
mod kinds;
mod load;
mod meta;
#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
mod written;

use crate::ports::event_log::{
    Append, AppendError, Appended, DomainEvent, EventLog, ReadError, StreamId, TenancyStream, Tenant,
};
use crate::ports::snapshots::Snapshots;
use cache::Cache;
use domain::{
    account::Account,
    asset::Asset,
    dubbing::Dubbing,
    glossary::Glossary,
    project::Project,
    queues::Queues,
    security::SecurityDay,
    tenant::TenantState,
    track::Track,
    value::{AccountId, AssetId, DubbingId, GlossaryId, ProjectId, Sha256, TrackId, WebhookId},
    webhook::Webhook,
};
use keeper::Keeper;
pub use kinds::Aggregate;
pub use meta::{CommandMeta, sha256};
use std::sync::Arc;
use thiserror::Error;
pub use written::{Run, Written};

/// How often a command is decided anew because someone else appended first.
const CONFLICTS_MAX: u32 = 50;

/// Loads aggregates, and gives them commands.
pub struct Aggregates {
    log: Arc<dyn EventLog>,
    /// `None` where every state is folded from the log's beginning.
    keeper: Option<Keeper>,
    written: Written,
    dubbings: Cache<Dubbing>,
    tracks: Cache<Track>,
    assets: Cache<Asset>,
    projects: Cache<Project>,
    glossaries: Cache<Glossary>,
    tenants: Cache<TenantState>,
    accounts: Cache<Account>,
    webhooks: Cache<Webhook>,
    security_days: Cache<SecurityDay>,
    queues: Cache<Queues>,
}

/// An aggregate's state and the revision it was folded up to (0: no events yet).
#[derive(Clone, Debug)]
pub struct Loaded<S> {
    /// The state.
    pub state: Arc<S>,
    /// Revision of its last event.
    pub revision: u64,
    /// Hash of its last event; all zeros before the first.
    pub hash: Sha256,
    /// Whose it is; `None` before the first event.
    pub tenant: Option<Tenant>,
    /// The trace of the last command that belonged to one.
    pub traceparent: Option<String>,
    /// Revision of its newest snapshot that this process has heard of; 0 when there is none.
    kept: u64,
}

impl<S: Default> Loaded<S> {
    fn nothing() -> Self {
        let (state, hash) = (Arc::default(), Sha256::new([0; 32]));
        Self { state, revision: 0, hash, tenant: None, traceparent: None, kept: 0 }
    }
}

impl<S> Loaded<S> {
    /// Whether it is there, and this tenant's: what is another tenant's is as if it were not there.
    pub fn is_of(&self, tenant: &Tenant) -> bool {
        self.tenant.as_ref() == Some(tenant)
    }
}

/// Why a command brought nothing about.
#[derive(Debug, Error)]
pub enum CommandError<R: std::error::Error + Send + Sync + 'static> {
    /// It broke a rule.
    #[error(transparent)]
    Rejected(R),
    /// There is no such thing, or it is another tenant's.
    #[error("there is no such thing")]
    NotFound,
    /// It was decided on by looking at an older revision.
    #[error("it has changed since: it is at revision {actual}")]
    Stale {
        /// The revision that it is at.
        actual: u64,
    },
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

impl Aggregates {
    /// Over this log.
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self {
            log,
            keeper: None,
            written: Written::default(),
            dubbings: Cache::default(),
            tracks: Cache::default(),
            assets: Cache::default(),
            projects: Cache::default(),
            glossaries: Cache::default(),
            tenants: Cache::default(),
            accounts: Cache::default(),
            webhooks: Cache::default(),
            security_days: Cache::default(),
            queues: Cache::default(),
        }
    }

    /// With snapshots of long streams, which are taken in the background. Only over a log that opens what is sealed: what
    /// another one reads as erased would be kept as erased.
    #[must_use]
    pub fn with_snapshots(self, snapshots: Arc<dyn Snapshots>) -> Self {
        Self { keeper: Some(Keeper::new(snapshots)), ..self }
    }

    /// The log underneath.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// What was appended through this lately.
    pub fn written(&self) -> &Written {
        &self.written
    }

    /// A dubbing as it is now.
    pub async fn dubbing(&self, id: DubbingId) -> Result<Loaded<Dubbing>, ReadError> {
        self.load(&StreamId::Dubbing(id)).await
    }

    /// A track as it is now.
    pub async fn track(&self, id: &TrackId) -> Result<Loaded<Track>, ReadError> {
        self.load(&StreamId::Track(id.clone())).await
    }

    /// An asset as it is now.
    pub async fn asset(&self, id: AssetId) -> Result<Loaded<Asset>, ReadError> {
        self.load(&StreamId::Asset(id)).await
    }

    /// A project as it is now.
    pub async fn project(&self, id: ProjectId) -> Result<Loaded<Project>, ReadError> {
        self.load(&StreamId::Project(id)).await
    }

    /// A glossary as it is now.
    pub async fn glossary(&self, id: GlossaryId) -> Result<Loaded<Glossary>, ReadError> {
        self.load(&StreamId::Glossary(id)).await
    }

    /// A tenant as it is now.
    pub async fn tenant(&self, tenant: &Tenant) -> Result<Loaded<TenantState>, ReadError> {
        self.load(&StreamId::Tenancy(TenancyStream::Tenant(tenant.id()))).await
    }

    /// An account as it is now.
    pub async fn account(&self, id: AccountId) -> Result<Loaded<Account>, ReadError> {
        self.load(&StreamId::Tenancy(TenancyStream::Account(id))).await
    }

    /// A webhook as it is now.
    pub async fn webhook(&self, id: WebhookId) -> Result<Loaded<Webhook>, ReadError> {
        self.load(&StreamId::Tenancy(TenancyStream::Webhook(id))).await
    }

    /// The queues as they are now.
    pub async fn queues(&self) -> Result<Loaded<Queues>, ReadError> {
        self.load(&StreamId::Tenancy(TenancyStream::Queues)).await
    }

    /// What a command that its giver may give again came to before; `None` when it was not given, or wrote nothing.
    pub async fn given(&self, stream: &StreamId, meta: &CommandMeta) -> Result<Option<Appended>, ReadError> {
        match meta.tenant.as_ref().filter(|_| meta.is_repeatable) {
            Some(tenant) => self.log.find_outcome(tenant, meta.id, stream).await,
            None => Ok(None),
        }
    }

    /// The end of a command that is to be refused before it is decided: its first outcome, if it was given before and
    /// what it needs has gone or changed since; the refusal otherwise. So a repetition that is not refused asks the log
    /// nothing.
    pub async fn unless_given<E: From<ReadError>>(
        &self,
        stream: &StreamId,
        meta: &CommandMeta,
        refusal: E,
    ) -> Result<Appended, E> {
        self.given(stream, meta).await?.ok_or(refusal)
    }

    /// Gives a command to an aggregate that nobody has heard of yet, most likely: the log is not asked first.
    pub async fn begin<A: Aggregate>(
        &self,
        stream: &StreamId,
        command: A::Command,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, CommandError<A::Rejection>>
    where
        A::Command: Clone,
        A::Rejection: std::error::Error + Send + Sync + 'static,
    {
        let guess = A::cache(self).get(stream).unwrap_or_else(Loaded::nothing);
        self.decide(Some(guess), stream, command, meta).await
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
        self.decide(A::cache(self).get(stream), stream, command, meta).await
    }

    /// Decides on a state that is likely to be as it is now, if there is one: only what is written is decided on it,
    /// for the log checks that. Decides on what the log holds otherwise.
    async fn decide<A: Aggregate>(
        &self,
        mut guess: Option<Loaded<A>>,
        stream: &StreamId,
        command: A::Command,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, CommandError<A::Rejection>>
    where
        A::Command: Clone,
        A::Rejection: std::error::Error + Send + Sync + 'static,
    {
        for _ in 0..CONFLICTS_MAX {
            let guessed = guess.take();
            let is_guess = guessed.is_some();
            let loaded = match guessed {
                Some(loaded) => loaded,
                None => self.load::<A>(stream).await?,
            };
            if loaded.tenant.is_some() && meta.tenant.is_some() && loaded.tenant != meta.tenant {
                return Err(CommandError::NotFound);
            }
            let tenant = meta.tenant.clone().or_else(|| loaded.tenant.clone()).unwrap_or_default();
            let decided = match meta.expected_revision {
                Some(expected) if expected != loaded.revision => Err(CommandError::Stale { actual: loaded.revision }),
                Some(_) | None => A::decide(&loaded.state, command.clone()).map_err(CommandError::Rejected),
            };
            let events = match decided {
                Ok(events) if !events.is_empty() => events,
                _ if is_guess => continue,
                // Given once more, after what it brought about, a command is answered as the first time.
                undone => match self.given(stream, meta).await? {
                    Some(appended) => return Ok(Some(appended)),
                    None => return undone.map(|_| None),
                },
            };
            match self.write::<A>(stream, loaded, meta, tenant, events).await {
                Ok(appended) => return Ok(Some(appended)),
                Err(AppendError::WrongRevision { .. }) => {}
                Err(error) => return Err(CommandError::Append(error)),
            }
        }
        Err(CommandError::Conflict)
    }

    /// Appends what was decided on a state, and keeps the state that this makes of it.
    async fn write<A: Aggregate>(
        &self,
        stream: &StreamId,
        mut loaded: Loaded<A>,
        meta: &CommandMeta,
        tenant: Tenant,
        events: Vec<A::Event>,
    ) -> Result<Appended, AppendError> {
        let events: Vec<DomainEvent> = events.into_iter().map(A::into_domain).collect();
        loaded.traceparent = meta.traceparent.clone().or(loaded.traceparent);
        let append = Append {
            tenant: tenant.clone(),
            actor: meta.actor.clone(),
            command_id: meta.id,
            fingerprint: meta.fingerprint,
            causation_id: None,
            traceparent: loaded.traceparent.clone(),
            stream: stream.clone(),
            expected_revision: loaded.revision,
            under: meta.under.clone(),
            events: events.clone(),
        };
        let _under_way = self.written.begin();
        let appended = self.log.append(append).await?;
        // What was written before was decided on another state.
        if !appended.replayed {
            A::cache(self).change(stream, loaded, |loaded| {
                (loaded.revision, loaded.hash) = (appended.revision, appended.hash);
                loaded.tenant.get_or_insert(tenant);
                let state = Arc::make_mut(&mut loaded.state);
                events.iter().filter_map(A::of).for_each(|event| A::evolve(state, event));
                self.take_snapshot(stream, loaded);
            });
            self.written.note(stream, events.len(), appended.position);
        }
        Ok(appended)
    }
}
