//! Events in memory, by the rules of KurrentDB: revisions from 0, positions with holes, appends that are checked
//! against a revision and recognised by their ids.

use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// What an append may have, in bytes.
const APPEND_BYTES_MAX: usize = 1_048_576;

/// An event.
#[derive(Clone, Debug)]
pub struct Stored {
    pub position: u64,
    pub stream: String,
    pub revision: u64,
    pub id: Uuid,
    pub metadata: HashMap<String, String>,
    pub custom_metadata: Vec<u8>,
    pub data: Vec<u8>,
}

/// What is proposed to be written.
pub struct Proposed {
    pub id: Uuid,
    pub metadata: HashMap<String, String>,
    pub custom_metadata: Vec<u8>,
    pub data: Vec<u8>,
}

/// What a stream must be at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Revision(u64),
    NoStream,
}

/// What an append came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    /// Revision of its last event, and its position.
    Success(u64, u64),
    /// What the stream is at.
    WrongRevision(Option<u64>),
    TooLarge,
}

/// Everything that is stored.
#[derive(Default)]
pub struct Store {
    events: Vec<Stored>,
    streams: BTreeMap<String, Vec<usize>>,
    end: u64,
}

impl Store {
    /// What a new server holds: events of its own.
    pub fn new() -> Self {
        let mut store = Self::default();
        store.foreign("$users", "$UserCreated");
        store.foreign("$$$settings", "$metadata");
        store
    }

    /// The last position.
    pub fn end(&self) -> u64 {
        self.events.last().map_or(0, |event| event.position)
    }

    /// All events, for those who mean them harm too.
    pub fn events(&mut self) -> &mut Vec<Stored> {
        &mut self.events
    }

    /// Events from a position on; `None` when there is nothing at this position.
    pub fn from(&self, position: Option<u64>) -> Option<&[Stored]> {
        let Some(position) = position else { return Some(&self.events) };
        let place = self.events.binary_search_by_key(&position, |event| event.position).ok()?;
        self.events.get(place..)
    }

    /// The events of a stream; `None` when there is no such stream.
    pub fn stream(&self, name: &str) -> Option<Vec<&Stored>> {
        let places = self.streams.get(name)?;
        Some(places.iter().map(|place| &self.events[*place]).collect())
    }

    /// Writes an event of somebody else.
    pub fn foreign(&mut self, stream: &str, event_type: &str) {
        let metadata = [("type", event_type), ("content-type", "application/json")];
        let metadata = metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let id = Uuid::from_u128(u128::from(self.end) << 64 | 0xf0);
        self.push(stream, Proposed { id, metadata, custom_metadata: vec![], data: b"{}".to_vec() });
    }

    /// Writes an append, if the stream is at what is expected, or if it holds these very events after it.
    pub fn append(&mut self, stream: &str, expected: Expected, events: Vec<Proposed>) -> Written {
        let bytes = |event: &Proposed| event.data.len() + event.custom_metadata.len();
        if events.iter().map(bytes).sum::<usize>() > APPEND_BYTES_MAX {
            return Written::TooLarge;
        }
        let there = self.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let after = match expected {
            Expected::Revision(revision) => usize::try_from(revision).expect("it fits") + 1,
            Expected::NoStream => 0,
        };
        if after != there.len() {
            let ids = there.iter().skip(after).map(|place| self.events[*place].id);
            let is_repeated = after < there.len() && ids.take(events.len()).eq(events.iter().map(|event| event.id));
            return match there.get(after + events.len() - 1).filter(|_| is_repeated) {
                Some(last) => Written::Success(self.events[*last].revision, self.events[*last].position),
                None => Written::WrongRevision(there.len().checked_sub(1).map(|last| last as u64)),
            };
        }
        events.into_iter().for_each(|event| self.push(stream, event));
        let (revision, position) = self.events.last().map_or((0, 0), |last| (last.revision, last.position));
        self.noise();
        Written::Success(revision, position)
    }

    /// A server writes between ours: statistics, links, and what other programs send it.
    fn noise(&mut self) {
        match self.events.len() % 5 {
            0 => self.foreign("$stats-127.0.0.1:2113", "$statsCollected"),
            1 => self.foreign("$ce-main.dubbing", "$>"),
            2 => self.foreign("orders-7", "OrderPlaced"),
            3 => self.foreign("main.notes", "NoteTaken"),
            _ => {}
        }
    }

    fn push(&mut self, stream: &str, Proposed { id, metadata, custom_metadata, data }: Proposed) {
        let places = self.streams.entry(stream.to_owned()).or_default();
        let (position, revision) = (self.end, places.len() as u64);
        places.push(self.events.len());
        // A position is a place in the file of transactions.
        self.end += 120 + (data.len() + custom_metadata.len() + stream.len()) as u64;
        let mut metadata = metadata;
        metadata.insert("created".to_owned(), "17000000000000000".to_owned());
        self.events.push(Stored { position, stream: stream.to_owned(), revision, id, metadata, custom_metadata, data });
    }
}
