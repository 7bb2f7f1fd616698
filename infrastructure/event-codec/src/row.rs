//! What is stored: rows, how they are hashed and chained, and when an append may be written.

use crate::canon::field;
use application::ports::{
    cluster::Lease,
    event_log::{AppendError, Appended, StreamId, Tenant},
};
use domain::value::{Sha256, Timestamp};
use sha2::Digest;
use uuid::Uuid;

/// A row of the log's table of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Place in the whole log, from 1, without holes.
    pub position: u64,
    /// The log's clock; never earlier than in the row before.
    pub recorded_at: Timestamp,
    /// Hash of the event before in the same stream; all zeros for the first.
    pub prev_hash: Sha256,
    /// Hash of this event.
    pub hash: Sha256,
    /// All that was known before the log took the event.
    pub content: Content,
}

/// What the log stores of an event besides where and when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Name of the stream.
    pub stream: String,
    /// Place in the stream, from 1.
    pub revision: u64,
    /// UUIDv5 of (command id, stream, ordinal, tenant).
    pub event_id: Uuid,
    /// The type's name.
    pub event_type: String,
    /// Version of the data's shape.
    pub schema_version: u16,
    /// Whose.
    pub tenant: String,
    /// Who asked for it.
    pub actor: String,
    /// The command that brought it about.
    pub command_id: Uuid,
    /// Digest over that command's content.
    pub fingerprint: Sha256,
    /// Place within the command's append, from 0.
    pub ordinal: u32,
    /// The event that caused the command.
    pub causation_id: Option<Uuid>,
    /// The trace that the command belongs to, if any.
    pub traceparent: Option<String>,
    /// The dubbing, or what else the stream is about.
    pub correlation_id: Uuid,
    /// Owners of the keys that open the sealed values: a JSON list of ids.
    pub subject_keys: String,
    /// Artefacts the data refer to: a JSON list of `{role, sha256, media_type, bytes}`.
    pub artefacts: String,
    /// The event's data: JSON with sorted keys, personal values sealed.
    pub data: String,
}

/// Namespace of event ids; drawn once at random, fixed for ever.
const NAMESPACE: Uuid = Uuid::from_u128(0x8e2b_64d1_07c3_4a9e_b1f5_3d60_9c2a_75e4);

impl Content {
    /// The id of the event at this place of a command's append: writing a command twice names the
    /// same events.
    pub fn id_of(tenant: &str, command_id: Uuid, stream: &str, ordinal: u32) -> Uuid {
        Uuid::new_v5(&NAMESPACE, format!("{command_id}/{stream}/{ordinal}/{tenant}").as_bytes())
    }

    /// SHA-256 over every field with its length in front, and the log's name.
    pub(crate) fn digest(&self, log: &str) -> Sha256 {
        let mut bytes = Vec::with_capacity(self.data.len() + self.artefacts.len() + 512);
        field(&mut bytes, b"dragoman event 1");
        field(&mut bytes, log.as_bytes());
        field(&mut bytes, self.stream.as_bytes());
        field(&mut bytes, &self.revision.to_be_bytes());
        field(&mut bytes, self.event_id.as_bytes());
        field(&mut bytes, self.event_type.as_bytes());
        field(&mut bytes, &self.schema_version.to_be_bytes());
        field(&mut bytes, self.tenant.as_bytes());
        field(&mut bytes, self.actor.as_bytes());
        field(&mut bytes, self.command_id.as_bytes());
        field(&mut bytes, self.fingerprint.as_bytes());
        field(&mut bytes, &self.ordinal.to_be_bytes());
        field(&mut bytes, self.causation_id.as_ref().map_or(&[], |id| id.as_bytes()));
        field(&mut bytes, self.correlation_id.as_bytes());
        field(&mut bytes, self.subject_keys.as_bytes());
        field(&mut bytes, self.artefacts.as_bytes());
        field(&mut bytes, self.data.as_bytes());
        // Events without a trace keep the digest that they had before there were traces.
        if let Some(traceparent) = &self.traceparent {
            field(&mut bytes, traceparent.as_bytes());
        }
        Sha256::new(sha2::Sha256::digest(&bytes).into())
    }
}

/// The hash of an event: over the digest of its content, the time, and the hash before it. The
/// content's digest is made before the log's lock is taken; this one costs the same for any content.
pub(crate) fn chain_hash(content: &Sha256, recorded_at: Timestamp, prev_hash: &Sha256) -> Sha256 {
    let mut bytes = Vec::with_capacity(160);
    field(&mut bytes, b"dragoman chain 1");
    field(&mut bytes, &recorded_at.unix_ms().to_be_bytes());
    field(&mut bytes, prev_hash.as_bytes());
    field(&mut bytes, content.as_bytes());
    Sha256::new(sha2::Sha256::digest(&bytes).into())
}

/// An append, encoded, sealed and digested: all that can be done before the log's lock is taken.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Whose.
    pub tenant: Tenant,
    /// The command.
    pub command_id: Uuid,
    /// Digest over its content.
    pub fingerprint: Sha256,
    /// Where to.
    pub stream: StreamId,
    /// The revision that the decision was made on.
    pub expected_revision: u64,
    /// What its giver must hold still, if anything.
    pub under: Option<Lease>,
    /// The events, each with its content's digest; never empty.
    pub(crate) contents: Vec<(Content, Sha256)>,
}

/// What an earlier append by the same command to the same stream came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The command's fingerprint then.
    pub fingerprint: Sha256,
    /// Position of its last event.
    pub position: u64,
    /// Revision of the stream after it.
    pub revision: u64,
    /// Hash of its last event.
    pub hash: Sha256,
}

impl Outcome {
    /// The answer to its repetition.
    pub fn replayed(&self) -> Appended {
        Appended { position: self.position, revision: self.revision, hash: self.hash, replayed: true }
    }
}

/// The end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Revision of its last event; 0 when there is none.
    pub revision: u64,
    /// Hash of its last event; all zeros when there is none.
    pub hash: Sha256,
}

impl Tail {
    /// The end of a stream that does not exist yet.
    pub const EMPTY: Tail = Tail { revision: 0, hash: Sha256::new([0; 32]) };
}

/// Whether an append is to be written.
#[derive(Debug)]
pub enum Verdict {
    /// It is.
    Write,
    /// It was written before.
    Replayed(Appended),
    /// It must not be.
    Refused(AppendError),
}

impl Prepared {
    /// How many events it holds.
    pub fn events(&self) -> u64 {
        self.contents.len() as u64
    }

    /// The events, each with its content's digest, for a log that chains them itself.
    pub fn contents(&self) -> impl Iterator<Item = (&Content, &Sha256)> {
        self.contents.iter().map(|(content, digest)| (content, digest))
    }

    /// What is to be done with it, given what its command came to before, where its stream ends, and whether somebody
    /// else has taken what it is written under. A repeated command is recognised first, whatever has happened since.
    pub fn judge(&self, known: Option<&Outcome>, tail: &Tail, is_fenced: bool) -> Verdict {
        match known {
            Some(first) if first.fingerprint == self.fingerprint => Verdict::Replayed(first.replayed()),
            Some(_) => Verdict::Refused(AppendError::CommandIdReused),
            None if is_fenced => Verdict::Refused(AppendError::Fenced),
            None if tail.revision != self.expected_revision => {
                Verdict::Refused(AppendError::WrongRevision { expected: self.expected_revision, actual: tail.revision })
            }
            None => Verdict::Write,
        }
    }

    /// The end of the stream once this is written, and the rows to write after `head`, the log's last
    /// position.
    pub fn chain(&self, tail: &Tail, head: u64, recorded_at: Timestamp) -> (Tail, Vec<Row>) {
        let mut end = *tail;
        let mut rows = Vec::with_capacity(self.contents.len());
        for (position, (content, digest)) in (head + 1..).zip(&self.contents) {
            let prev_hash = end.hash;
            let hash = chain_hash(digest, recorded_at, &prev_hash);
            end = Tail { revision: content.revision, hash };
            rows.push(Row { position, recorded_at, prev_hash, hash, content: content.clone() });
        }
        (end, rows)
    }
}
