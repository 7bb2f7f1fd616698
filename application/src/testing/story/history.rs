//! Commands in, recorded events out: what a log would hold.

use crate::ports::event_log::{DomainEvent, Recorded, StreamId, Tenant};
use domain::{
    decider::Decider,
    dubbing::{Dubbing, DubbingCommand, DubbingEvent},
    track::{Track, TrackCommand, TrackEvent},
    value::{DubbingId, Sha256, Timestamp, TrackId},
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// The log's clock when a story begins.
const BEGAN_MS: u64 = 1_769_846_400_000;

/// What has happened, and what it has come to.
#[derive(Default)]
pub(super) struct History {
    events: Vec<Recorded>,
    revisions: HashMap<StreamId, u64>,
    dubbings: BTreeMap<DubbingId, Dubbing>,
    tracks: BTreeMap<TrackId, Track>,
}

impl History {
    /// Everything that was recorded, in order.
    pub fn events(&self) -> &[Recorded] {
        &self.events
    }

    /// What each dubbing has come to.
    pub fn dubbings(&self) -> &BTreeMap<DubbingId, Dubbing> {
        &self.dubbings
    }

    /// What each track has come to.
    pub fn tracks(&self) -> &BTreeMap<TrackId, Track> {
        &self.tracks
    }

    /// Gives a command to a dubbing. A refused one changes nothing.
    pub fn dubbing(&mut self, id: DubbingId, command: DubbingCommand) {
        let state = self.dubbings.entry(id).or_default();
        let decided: Vec<DubbingEvent> = Dubbing::decide(state, command).unwrap_or_default();
        decided.iter().for_each(|event| Dubbing::evolve(state, event));
        decided.into_iter().for_each(|event| self.record(StreamId::Dubbing(id), DomainEvent::Dubbing(event)));
    }

    /// Gives a command to a track. A refused one changes nothing.
    pub fn track(&mut self, id: &TrackId, command: TrackCommand) {
        let mut state = self.tracks.get(id).cloned().unwrap_or_default();
        let decided: Vec<TrackEvent> = Track::decide(&state, command).unwrap_or_default();
        if decided.is_empty() {
            return;
        }
        decided.iter().for_each(|event| Track::evolve(&mut state, event));
        self.tracks.insert(id.clone(), state);
        decided.into_iter().for_each(|event| self.record(StreamId::Track(id.clone()), DomainEvent::Track(event)));
    }

    fn record(&mut self, stream: StreamId, event: DomainEvent) {
        let position = self.events.len() as u64 + 1;
        let revision = self.revisions.entry(stream.clone()).or_default();
        *revision += 1;
        let id = Uuid::from_u128(u128::from(position));
        self.events.push(Recorded {
            log: "story".to_owned(),
            position,
            revision: *revision,
            stream,
            event_id: id,
            event_type: "Told".to_owned(),
            schema_version: 1,
            recorded_at: Timestamp::from_unix_ms(BEGAN_MS + position * 37),
            tenant: Tenant::default(),
            actor: "story".to_owned(),
            command_id: id,
            causation_id: None,
            traceparent: None,
            prev_hash: Sha256::new([0; 32]),
            hash: Sha256::new([1; 32]),
            event,
        });
    }
}
