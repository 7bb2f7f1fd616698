//! The check of a whole log, row by row, in memory that does not grow with it.
//!
//! Two passes, both fed by the log: every row in order of position (density, order of time, hashes,
//! event ids), then every link in order of stream and revision (contiguity, chains). What it cannot
//! see: rows cut off at the end of the whole log, and events of different streams that changed places
//! within the same millisecond; both are for a transparency log. Of a log whose positions have holes,
//! neither whole streams that are gone nor rows cut off at the end of a stream.

use crate::{
    codec::EventCodec,
    row::{Content, Row, Tail, chain_hash},
};
use application::ports::event_log::LogVerification;
use domain::value::{Sha256, Timestamp};

/// Faults that are named; further ones are not.
pub const FAULTS_MAX: usize = 100;

/// The check of a whole log.
pub struct Audit<'a> {
    codec: &'a EventCodec,
    is_sparse: bool,
    events: u64,
    head: u64,
    recorded_at: Option<Timestamp>,
    streams: u64,
    stream: Option<String>,
    /// Position of the link before in the same stream.
    before: u64,
    tail: Tail,
    faults: Vec<String>,
}

/// What the second pass looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Place in the whole log.
    pub position: u64,
    /// Name of the stream.
    pub stream: String,
    /// Place in the stream.
    pub revision: u64,
    /// Hash of the event before, as stored.
    pub prev_hash: Sha256,
    /// Hash of the event, as stored.
    pub hash: Sha256,
}

impl<'a> Audit<'a> {
    /// A check that has seen nothing yet.
    pub fn new(codec: &'a EventCodec) -> Self {
        Self {
            codec,
            is_sparse: false,
            events: 0,
            head: 0,
            recorded_at: None,
            streams: 0,
            stream: None,
            before: 0,
            tail: Tail::EMPTY,
            faults: Vec::new(),
        }
    }

    /// The same for a log whose positions only grow, and whose order of time is only promised within a stream.
    pub fn sparse(codec: &'a EventCodec) -> Self {
        Self { is_sparse: true, ..Self::new(codec) }
    }

    /// Looks at the next row in order of position.
    pub fn row(&mut self, row: &Row) {
        let position = row.position;
        self.at(position);
        if !self.is_sparse && self.recorded_at.is_some_and(|before| row.recorded_at < before) {
            self.fault(format!("event {position} is recorded earlier than the event before it"));
        }
        self.recorded_at = Some(row.recorded_at);
        let content = &row.content;
        if chain_hash(&content.digest(self.codec.log()), row.recorded_at, &row.prev_hash) != row.hash {
            self.fault(format!("event {position} was altered: it does not have the hash that is stored with it"));
        }
        let id = Content::id_of(&content.tenant, content.command_id, &content.stream, content.ordinal);
        if id != content.event_id {
            self.fault(format!("event {position} does not have the id that its command gives it"));
        }
    }

    /// Notes a row, next in order of position, whose columns do not hold what they should.
    pub fn unreadable(&mut self, position: u64) {
        self.at(position);
        self.fault(format!("event {position} was altered: a column does not hold what it should"));
    }

    /// Looks at the next link in order of stream and revision.
    pub fn link(&mut self, link: Link) {
        let Link { position, stream, revision, prev_hash, hash } = link;
        if self.stream.as_ref() != Some(&stream) {
            self.stream = Some(stream);
            self.streams += 1;
            self.before = 0;
            self.tail = Tail::EMPTY;
        }
        let expected = self.tail.revision + 1;
        if revision != expected {
            self.fault(format!("event {position} has revision {revision} of its stream where {expected} is due"));
        } else if prev_hash != self.tail.hash {
            self.fault(format!("event {position} does not follow the event before it in its stream"));
        }
        if position <= self.before {
            self.fault(format!("event {position} stands before the event that it follows in its stream"));
        }
        self.before = position;
        self.tail = Tail { revision, hash };
    }

    /// Notes a fault that the log's own storage reports.
    pub fn fault(&mut self, sentence: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(sentence);
        }
    }

    /// What was found.
    pub fn finish(self) -> LogVerification {
        LogVerification { events: self.events, streams: self.streams, faults: self.faults }
    }

    fn at(&mut self, position: u64) {
        let expected = self.head + 1;
        if self.is_sparse && position < expected {
            self.fault(format!("event {position} stands where one after event {} is due", self.head));
        } else if !self.is_sparse && position != expected {
            self.fault(format!("event {position} stands where event {expected} is due"));
        }
        self.head = position;
        self.events += 1;
    }
}

#[cfg(test)]
mod tests;
