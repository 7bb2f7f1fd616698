//! What a bus is told: under which names, and how much it keeps.

use crate::error::NatsBusError;
use nats_connection::{Prefix, Storage};
use std::time::Duration;
use uuid::Uuid;

/// Shortest time for which events are kept, if it is bounded at all.
const AGE_MIN: Duration = Duration::from_secs(60);
/// What else begins with the prefix of an installation.
const TAKEN: [&str; 4] = ["log", "work", "wake", "inbox"];

/// The bus of an installation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the subjects of notices begin with, and the names of what only this installation uses; the same as the
    /// queue's.
    pub prefix: String,
    /// What the subjects of events for outsiders begin with. Each installation on an account has its own.
    pub events_prefix: String,
    /// Which installation this is: another one under the same prefixes is refused.
    pub installation: Uuid,
    /// Servers that keep a copy.
    pub replicas: u8,
    /// Where it is kept.
    pub storage: Storage,
    /// How large the events for outsiders may become, in bytes; the oldest go first.
    pub bytes_max: u64,
    /// How long they are kept; for as long as there is room where it is zero.
    pub age_max: Duration,
}

/// Both prefixes, looked at.
pub(crate) struct Prefixes {
    pub own: Prefix,
    pub events: Prefix,
}

impl Settings {
    /// Whether they make sense.
    pub(crate) fn prefixes(&self) -> Result<Prefixes, NatsBusError> {
        if !self.age_max.is_zero() && self.age_max < AGE_MIN {
            return Err(NatsBusError::Age(self.age_max));
        }
        let (own, events) = (Prefix::try_new(&self.prefix)?, Prefix::try_new(&self.events_prefix)?);
        let lies_under = |one: &str, other: &str| format!("{one}.").starts_with(&format!("{other}."));
        let overlaps = |word: &&str| {
            let taken = format!("{}.{word}", own.as_str());
            lies_under(events.as_str(), &taken) || lies_under(&taken, events.as_str())
        };
        match TAKEN.iter().find(|word| overlaps(word)) {
            Some(word) => Err(NatsBusError::Overlap {
                events: self.events_prefix.clone(),
                with: format!("{}.{word}", self.prefix),
            }),
            None => Ok(Prefixes { own, events }),
        }
    }
}
