//! The event log: the only truth.
//!
//! Promises, proven for every adapter by `application::testing::event_log_kit`:
//! positions are in commit order, and dense (1, 2, 3 …) where [`Capabilities`] say so, so that a reader
//! that has seen position p has seen everything up to p; an append is checked against the expected revision of its stream; an
//! append known by (tenant, command id, stream) returns its first outcome when repeated with the same
//! fingerprint and is refused with another; one bad append does not hurt others written with it;
//! what was acknowledged is durable; [`EventLog::verify`] re-checks density, contiguity and the hash
//! chains. One append writes to one stream.

use super::cluster::Lease;
use async_trait::async_trait;
use domain::{
    account::AccountEvent,
    asset::AssetEvent,
    dubbing::DubbingEvent,
    glossary::GlossaryEvent,
    project::ProjectEvent,
    queues::QueuesEvent,
    security::SecurityEvent,
    tenant::TenantEvent,
    track::TrackEvent,
    value::{
        AccountId, AssetId, DubbingId, GlossaryId, ProjectId, SecurityDayId, Sha256, TenantId, Timestamp, TrackId,
        WebhookId,
    },
    webhook::WebhookEvent,
};
use std::{fmt, str::FromStr};
use thiserror::Error;
use tokio::sync::watch;
use uuid::Uuid;

/// Writes and reads events.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Writes events to one stream, all or none.
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// Events of one stream from `from_revision` (the first is 1) on, at most `limit`, in order.
    async fn read_stream(
        &self,
        stream: &StreamId,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError>;

    /// Events after a position (0 reads from the beginning), at most `limit`, in order.
    async fn read_log(&self, after: u64, limit: usize) -> Result<LogPage, ReadError>;

    /// Whose a stream is: tenant and actor of its first event; `None` when there is none. Adapters do not open what is
    /// sealed for it, so that it takes as long for a stream that is there as for one that is not.
    async fn owner_of(&self, stream: &StreamId) -> Result<Option<(Tenant, String)>, ReadError> {
        let first = self.read_stream(stream, 1, 1).await?.into_iter().next();
        Ok(first.map(|event| (event.tenant, event.actor)))
    }

    /// The outcome of an earlier append by this command to this stream.
    async fn find_outcome(
        &self,
        tenant: &Tenant,
        command_id: Uuid,
        stream: &StreamId,
    ) -> Result<Option<Appended>, ReadError>;

    /// Position of the last event; 0 when there is none.
    async fn head(&self) -> Result<u64, ReadError>;

    /// Changes when something was appended by this process. A hint: consumers also poll.
    fn wakeups(&self) -> watch::Receiver<u64>;

    /// Hears from elsewhere that it reaches at least as far as this: whoever waits for wake-ups is woken.
    fn hear_of(&self, _head: u64) {}

    /// Reads everything and checks density, contiguity per stream, hash chains and event ids.
    async fn verify(&self) -> Result<LogVerification, ReadError>;

    /// What it promises beyond what every log does.
    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }
}

/// Tells all who follow a log ([`EventLog::wakeups`]) that it reaches as far as this, unless they know of more.
pub fn wake(wakeups: &watch::Sender<u64>, head: u64) {
    wakeups.send_if_modified(|seen| {
        let later = head > *seen;
        *seen = head.max(*seen);
        later
    });
}

/// What a log may promise beyond what every log does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Positions are 1, 2, 3 …; without it they only grow.
    pub dense_positions: bool,
    /// No event is recorded earlier than the one before it in the whole log; without it, than the one before it in its
    /// stream.
    pub ordered_times: bool,
    /// Bytes that the events of one append may have as they are stored, with all that is stored beside them; `None`
    /// where the log sets no limit.
    pub append_bytes_max: Option<usize>,
    /// It refuses appends under a lease that somebody else has taken since.
    pub fences: bool,
}

impl Capabilities {
    /// Everything that a log can promise.
    pub const ALL: Self = Self { dense_positions: true, ordered_times: true, append_bytes_max: None, fences: true };
}

/// The tenant an event belongs to. One machine without accounts has one: `local`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(pub String);

/// Namespace of tenants that are named by words; drawn once at random, fixed for ever.
const TENANTS: Uuid = Uuid::from_u128(0x2f0d_6c1b_94e7_4a58_8f3a_c1d2_76b0_e953);

impl Tenant {
    /// The tenant's id: its name, where that is one, and what follows from it otherwise.
    pub fn id(&self) -> TenantId {
        TenantId(Uuid::parse_str(&self.0).unwrap_or_else(|_| Uuid::new_v5(&TENANTS, self.0.as_bytes())))
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self("local".to_owned())
    }
}

/// The name of a stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// `dubbing-<id>`.
    Dubbing(DubbingId),
    /// `track-<id>-<lang>`.
    Track(TrackId),
    /// `asset-<id>`.
    Asset(AssetId),
    /// `project-<id>`.
    Project(ProjectId),
    /// `glossary-<id>`.
    Glossary(GlossaryId),
    /// About who uses all this.
    Tenancy(TenancyStream),
}

/// The id of the one stream about the queues; drawn once at random, fixed for ever.
const QUEUES: Uuid = Uuid::from_u128(0x6b1d_70c2_35f4_4f0e_9a83_1c5e_2f7a_90d4);

/// The name of a stream about tenants and their people, or about how all this is run for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TenancyStream {
    /// `tenant-<id>`.
    Tenant(TenantId),
    /// `account-<id>`.
    Account(AccountId),
    /// `webhook-<id>`.
    Webhook(WebhookId),
    /// `security-<id>`.
    Security(SecurityDayId),
    /// `queues-<id>`: there is one.
    Queues,
}

impl TenancyStream {
    fn id(self) -> Uuid {
        match self {
            TenancyStream::Tenant(id) => id.0,
            TenancyStream::Account(id) => id.0,
            TenancyStream::Webhook(id) => id.0,
            TenancyStream::Security(id) => id.0,
            TenancyStream::Queues => QUEUES,
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            TenancyStream::Tenant(_) => "tenant-",
            TenancyStream::Account(_) => "account-",
            TenancyStream::Webhook(_) => "webhook-",
            TenancyStream::Security(_) => "security-",
            TenancyStream::Queues => "queues-",
        }
    }
}

impl StreamId {
    /// The dubbing it belongs to, if it belongs to one.
    pub fn dubbing(&self) -> Option<DubbingId> {
        match self {
            StreamId::Dubbing(id) => Some(*id),
            StreamId::Track(track) => Some(track.dubbing),
            StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => None,
        }
    }

    /// What all events about one thing have in common, and the owner of the key that seals them: the dubbing, or what
    /// else the stream is about.
    pub fn subject(&self) -> Uuid {
        match self {
            StreamId::Dubbing(id) => id.0,
            StreamId::Track(track) => track.dubbing.0,
            StreamId::Asset(id) => id.0,
            StreamId::Project(id) => id.0,
            StreamId::Glossary(id) => id.0,
            StreamId::Tenancy(stream) => stream.id(),
        }
    }

    /// What its name begins with.
    pub fn prefix(&self) -> &'static str {
        match self {
            StreamId::Dubbing(_) => "dubbing-",
            StreamId::Track(_) => "track-",
            StreamId::Asset(_) => "asset-",
            StreamId::Project(_) => "project-",
            StreamId::Glossary(_) => "glossary-",
            StreamId::Tenancy(stream) => stream.prefix(),
        }
    }

    /// What kind of thing it is about, as a word: `dubbing`, `track`, `asset` …
    pub fn category(&self) -> &'static str {
        self.prefix().trim_end_matches('-')
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamId::Track(track) => write!(f, "track-{track}"),
            StreamId::Dubbing(_)
            | StreamId::Asset(_)
            | StreamId::Project(_)
            | StreamId::Glossary(_)
            | StreamId::Tenancy(_) => {
                write!(f, "{}{}", self.prefix(), self.subject())
            }
        }
    }
}

/// The text is not the name of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not the name of a stream")]
pub struct InvalidStreamId;

impl FromStr for StreamId {
    type Err = InvalidStreamId;

    fn from_str(text: &str) -> Result<Self, InvalidStreamId> {
        let (kind, rest) = text.split_once('-').ok_or(InvalidStreamId)?;
        let id = || Uuid::parse_str(rest).map_err(|_| InvalidStreamId);
        let tenancy = |stream| Ok(StreamId::Tenancy(stream));
        match kind {
            "dubbing" => return Ok(StreamId::Dubbing(DubbingId(id()?))),
            "asset" => return Ok(StreamId::Asset(AssetId(id()?))),
            "project" => return Ok(StreamId::Project(ProjectId(id()?))),
            "glossary" => return Ok(StreamId::Glossary(GlossaryId(id()?))),
            "tenant" => return tenancy(TenancyStream::Tenant(TenantId(id()?))),
            "account" => return tenancy(TenancyStream::Account(AccountId(id()?))),
            "webhook" => return tenancy(TenancyStream::Webhook(WebhookId(id()?))),
            "security" => return tenancy(TenancyStream::Security(SecurityDayId(id()?))),
            "queues" if id()? == QUEUES => return tenancy(TenancyStream::Queues),
            "track" => {}
            _ => return Err(InvalidStreamId),
        }
        let (id, language) = rest.split_at_checked(36).ok_or(InvalidStreamId)?;
        let language = language.strip_prefix('-').ok_or(InvalidStreamId)?;
        Ok(StreamId::Track(TrackId {
            dubbing: id.parse().map_err(|_| InvalidStreamId)?,
            language: language.parse().map_err(|_| InvalidStreamId)?,
        }))
    }
}

/// An event of any aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainEvent {
    /// Of a dubbing.
    Dubbing(DubbingEvent),
    /// Of a track.
    Track(TrackEvent),
    /// Of an asset.
    Asset(AssetEvent),
    /// Of a project.
    Project(ProjectEvent),
    /// Of a glossary.
    Glossary(GlossaryEvent),
    /// Of who uses all this.
    Tenancy(TenancyEvent),
}

/// An event about tenants and their people, or about how all this is run for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenancyEvent {
    /// Of a tenant.
    Tenant(TenantEvent),
    /// Of an account.
    Account(AccountEvent),
    /// Of a webhook.
    Webhook(WebhookEvent),
    /// Of the security trail.
    Security(SecurityEvent),
    /// Of the queues.
    Queues(QueuesEvent),
}

/// What is to be written.
#[derive(Clone, Debug)]
pub struct Append {
    /// Whose.
    pub tenant: Tenant,
    /// Who asked for it: `cli`, `process-manager`, `worker`. Never a person's name.
    pub actor: String,
    /// The command that brought it about; deterministic where a repetition must be recognised.
    pub command_id: Uuid,
    /// Digest over the command's content: the same id with other content is refused.
    pub fingerprint: Sha256,
    /// The event that caused the command, if one did.
    pub causation_id: Option<Uuid>,
    /// The trace that the command belongs to, as W3C `traceparent`, if any.
    pub traceparent: Option<String>,
    /// Where to.
    pub stream: StreamId,
    /// The revision that the decision was made on; 0 for a stream that must not exist yet.
    pub expected_revision: u64,
    /// What its giver must hold still, if anything. Logs without [`Capabilities::fences`] do not look at it.
    pub under: Option<Lease>,
    /// What, in order; never empty.
    pub events: Vec<DomainEvent>,
}

/// Where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Position of the last event written.
    pub position: u64,
    /// Revision of the stream after it.
    pub revision: u64,
    /// Hash of the last event written.
    pub hash: Sha256,
    /// The command had been written before: nothing was written now.
    pub replayed: bool,
}

/// An event as written, with its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Name of the log.
    pub log: String,
    /// Place in the whole log.
    pub position: u64,
    /// Its stream.
    pub stream: StreamId,
    /// Place in the stream, from 1.
    pub revision: u64,
    /// UUIDv5 of (command id, stream, ordinal within the append).
    pub event_id: Uuid,
    /// Its type's name: `UtteranceTranscribed`.
    pub event_type: String,
    /// Version of its shape as stored, before upcasting.
    pub schema_version: u16,
    /// The log's clock.
    pub recorded_at: Timestamp,
    /// Whose.
    pub tenant: Tenant,
    /// Who asked for it.
    pub actor: String,
    /// The command that brought it about.
    pub command_id: Uuid,
    /// The event that caused the command.
    pub causation_id: Option<Uuid>,
    /// The trace that the command belongs to, as W3C `traceparent`, if any.
    pub traceparent: Option<String>,
    /// Hash of the event before in the same stream; all zeros for the first.
    pub prev_hash: Sha256,
    /// Hash of this event, over everything above but `position`, and the stored data.
    pub hash: Sha256,
    /// What happened, in its newest shape, unsealed as far as keys exist.
    pub event: DomainEvent,
}

/// Some events, and how far the reader has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// In order of position.
    pub events: Vec<Recorded>,
    /// Everything up to this position has been seen.
    pub scanned_to: u64,
    /// The last position at the time of reading.
    pub head: u64,
}

/// What `verify` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogVerification {
    /// Events read.
    pub events: u64,
    /// Streams seen.
    pub streams: u64,
    /// What is wrong, one sentence each, naming the position; empty when all is well. At most 100.
    pub faults: Vec<String>,
}

/// Why nothing was appended.
#[derive(Debug, Error)]
pub enum AppendError {
    /// Someone else appended to the stream since the decision was made.
    #[error("stream is at revision {actual}, not {expected}")]
    WrongRevision {
        /// What the decision was made on.
        expected: u64,
        /// What the stream is at.
        actual: u64,
    },
    /// The command id was used before, for something else.
    #[error("this command id was used before for another command")]
    CommandIdReused,
    /// Another node has taken what its giver held.
    #[error("another node has taken over what this was decided under")]
    Fenced,
    /// The log's disk is full.
    #[error("the disk that holds the event log is full")]
    OutOfRoom,
    /// The log could not be written.
    #[error("the event log could not be written")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why nothing was read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A stored event does not have a shape that this program knows.
    #[error("event {event_type} at position {position} cannot be read")]
    Undecodable {
        /// Where.
        position: u64,
        /// Which type.
        event_type: String,
        /// The name of its stream, as stored; empty when not even that can be read.
        stream: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The log could not be read.
    #[error("the event log could not be read")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
