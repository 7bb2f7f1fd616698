//! The check that goes on all the time: what is appended follows what was there.
//!
//! Density of positions, contiguity of each stream, and its chain of hashes. Deliberately absent: the hash of what an event
//! holds, which [`EventLog::verify`] computes.

use crate::ports::event_log::{EventLog, ReadError, Recorded, StreamId};
use domain::value::Sha256;
use std::collections::HashMap;

/// Ends of streams that are remembered; all are forgotten when there are more.
const ENDS_MAX: usize = 4_096;

/// A check of all that comes after a position.
#[derive(Debug)]
pub struct LogCheck {
    is_dense: bool,
    at: u64,
    ends: HashMap<StreamId, (u64, Sha256)>,
}

impl LogCheck {
    /// Of what comes after this position.
    pub fn after(position: u64, log: &dyn EventLog) -> Self {
        Self { is_dense: log.capabilities().dense_positions, at: position, ends: HashMap::new() }
    }

    /// The position up to which it has looked.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// Looks at the next events; gives a sentence for each that is not as it must be.
    pub async fn look(&mut self, log: &dyn EventLog, events: &[Recorded]) -> Result<Vec<String>, ReadError> {
        let mut faults = Vec::new();
        for event in events {
            let position = event.position;
            if position <= self.at || (self.is_dense && position != self.at + 1) {
                faults.push(format!("event {position} stands after event {}", self.at));
            }
            self.at = position;
            let (revision, hash) = self.before(log, event).await?;
            if event.revision != revision + 1 {
                faults.push(format!("event {position} has revision {} where {} is due", event.revision, revision + 1));
            } else if event.prev_hash != hash {
                faults.push(format!("event {position} does not follow the event before it in its stream"));
            }
            if self.ends.len() >= ENDS_MAX {
                self.ends.clear();
            }
            self.ends.insert(event.stream.clone(), (event.revision, event.hash));
        }
        Ok(faults)
    }

    /// Revision and hash of the event before this one in its stream.
    async fn before(&self, log: &dyn EventLog, event: &Recorded) -> Result<(u64, Sha256), ReadError> {
        if let Some(end) = self.ends.get(&event.stream) {
            return Ok(*end);
        }
        let none = (0, Sha256::new([0; 32]));
        if event.revision <= 1 {
            return Ok(none);
        }
        let before = log.read_stream(&event.stream, event.revision - 1, 1).await?.into_iter().next();
        // A log with a hole in the stream gives what comes behind it.
        let before = before.filter(|before| before.revision < event.revision);
        Ok(before.map_or(none, |before| (before.revision, before.hash)))
    }
}

#[cfg(test)]
mod tests;
