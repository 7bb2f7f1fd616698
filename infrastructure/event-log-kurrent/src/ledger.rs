//! What this process knows of streams: where they end, and which commands are in them.
//!
//! KurrentDB has no index of commands. So a stream that is written to is read once, from its beginning, and what is
//! known of it then grows with every append. A ledger may be behind the stream, for others write too; an append at its
//! tail that the server takes shows that it was not. Deliberately absent: the events themselves.

use domain::value::Timestamp;
use event_codec::{Row, Tail};
use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Mutex as Turn;
use uuid::Uuid;

/// Commands kept in one generation, and two generations are kept: about 100 MB when full.
const COMMANDS_MAX: usize = 1_000_000;

/// Streams kept in one generation.
const STREAMS_MAX: usize = 4_096;

/// What is known of one stream.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Where it ends.
    pub tail: Tail,
    /// When its last event was recorded.
    pub recorded_at: Option<Timestamp>,
    /// The id of the first event of each command's append, with the revision of its last.
    commands: HashMap<Uuid, u64>,
    /// The first event of the append that the last event is of.
    open: Option<Uuid>,
}

impl Ledger {
    /// That of a stream of which nothing is known.
    fn new() -> Self {
        Self { tail: Tail::EMPTY, recorded_at: None, commands: HashMap::new(), open: None }
    }

    /// Notes the next event of the stream.
    pub fn note(&mut self, row: &Row) {
        let content = &row.content;
        if content.ordinal == 0 {
            self.open = Some(content.event_id);
        }
        if let Some(first) = self.open {
            self.commands.insert(first, content.revision);
        }
        self.tail = Tail { revision: content.revision, hash: row.hash };
        self.recorded_at = Some(row.recorded_at);
    }

    /// The revision of the last event of the append whose first event has this id, where it is in the stream.
    pub fn end_of(&self, first: &Uuid) -> Option<u64> {
        self.commands.get(first).copied()
    }

    /// How many commands it knows.
    pub fn commands(&self) -> usize {
        self.commands.len()
    }
}

/// The ledgers of the streams that were asked for lately.
#[derive(Default)]
pub(crate) struct Ledgers(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<String, Arc<Turn<Ledger>>>,
    old: HashMap<String, Arc<Turn<Ledger>>>,
    /// Commands noted since the young ones were none.
    commands: usize,
}

impl Generations {
    fn age(&mut self) {
        if self.young.len() >= STREAMS_MAX || self.commands >= COMMANDS_MAX {
            self.old = mem::take(&mut self.young);
            self.commands = 0;
        }
    }
}

impl Ledgers {
    /// The ledger of a stream. Whoever holds its lock has the turn to write to the stream: others of this process wait
    /// instead of losing a race. (A ledger that was forgotten while somebody holds it costs such a race, no more.)
    pub fn of(&self, stream: &str) -> Arc<Turn<Ledger>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ledger) = kept.young.get(stream) {
            return Arc::clone(ledger);
        }
        let ledger = kept.old.remove(stream).unwrap_or_else(|| Arc::new(Turn::new(Ledger::new())));
        kept.age();
        kept.young.insert(stream.to_owned(), Arc::clone(&ledger));
        ledger
    }

    /// Counts commands that were noted.
    pub fn grown(&self, commands: usize) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.commands += commands;
        kept.age();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::testing::{
        MemoryKeyVault,
        event_log_kit::{append, plain, stream},
    };
    use event_codec::EventCodec;

    #[test]
    fn it_knows_where_each_commands_append_ended() {
        let codec = EventCodec::new("main", Arc::new(MemoryKeyVault::new(1)));
        let mut ledger = Ledger::new();
        let mut firsts = Vec::new();
        for (command, events) in [(1, 1), (2, 3), (3, 2)] {
            let events = vec![plain(1); events];
            let prepared = codec.prepare(append(command, stream(1), ledger.tail.revision, events)).expect("prepared");
            let (_, rows) = prepared.chain(&ledger.tail, 0, Timestamp::from_unix_ms(command));
            firsts.push(rows[0].content.event_id);
            rows.iter().for_each(|row| ledger.note(row));
        }
        let ends: Vec<_> = firsts.iter().map(|first| ledger.end_of(first)).collect();
        assert_eq!(ends, [Some(1), Some(4), Some(6)]);
        assert_eq!(ledger.end_of(&Uuid::nil()), None);
        assert_eq!((ledger.tail.revision, ledger.commands()), (6, 3));
    }

    #[test]
    fn ledgers_are_kept_as_long_as_they_are_used_and_there_is_room() {
        let ledgers = Ledgers::default();
        let used = ledgers.of("used");
        let idle = Arc::downgrade(&ledgers.of("idle"));
        for number in 0..STREAMS_MAX * 3 {
            ledgers.of(&number.to_string());
            assert!(Arc::ptr_eq(&ledgers.of("used"), &used));
        }
        assert!(idle.upgrade().is_none());
        ledgers.grown(COMMANDS_MAX);
        ledgers.grown(COMMANDS_MAX);
        assert!(!Arc::ptr_eq(&ledgers.of("used"), &used), "too many commands");
    }
}
