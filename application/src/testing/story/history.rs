//! Commands in, recorded events out: what a log would hold.

use crate::ports::event_log::{DomainEvent, Recorded, StreamId, TenancyEvent, TenancyStream, Tenant};
use domain::{
    account::{Account, AccountCommand},
    asset::{Asset, AssetCommand},
    decider::Decider,
    dubbing::{Dubbing, DubbingCommand, DubbingEvent},
    glossary::{Glossary, GlossaryCommand},
    project::{Project, ProjectCommand},
    security::SecurityEvent,
    tenant::{TenantCommand, TenantState},
    track::{Track, TrackCommand, TrackEvent},
    value::{
        AccountId, AssetId, DubbingId, GlossaryId, ProjectId, SecurityDayId, Sha256, TenantId, Timestamp, TrackId,
        WebhookId,
    },
    webhook::{Webhook, WebhookCommand},
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
    assets: BTreeMap<AssetId, Asset>,
    projects: BTreeMap<ProjectId, Project>,
    glossaries: BTreeMap<GlossaryId, Glossary>,
    accounts: BTreeMap<AccountId, Account>,
    tenants: BTreeMap<TenantId, TenantState>,
    webhooks: BTreeMap<WebhookId, Webhook>,
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

    /// What each asset has come to.
    pub fn assets(&self) -> &BTreeMap<AssetId, Asset> {
        &self.assets
    }

    /// What each project has come to.
    pub fn projects(&self) -> &BTreeMap<ProjectId, Project> {
        &self.projects
    }

    /// What each glossary has come to.
    pub fn glossaries(&self) -> &BTreeMap<GlossaryId, Glossary> {
        &self.glossaries
    }

    /// Gives a command to an asset. A refused one changes nothing.
    pub fn asset(&mut self, id: AssetId, command: AssetCommand) {
        let decided = decide::<Asset, _>(&mut self.assets, id, command);
        decided.into_iter().for_each(|event| self.record(StreamId::Asset(id), DomainEvent::Asset(event)));
    }

    /// Gives a command to a project. A refused one changes nothing.
    pub fn project(&mut self, id: ProjectId, command: ProjectCommand) {
        let decided = decide::<Project, _>(&mut self.projects, id, command);
        decided.into_iter().for_each(|event| self.record(StreamId::Project(id), DomainEvent::Project(event)));
    }

    /// Gives a command to a glossary. A refused one changes nothing.
    pub fn glossary(&mut self, id: GlossaryId, command: GlossaryCommand) {
        let decided = decide::<Glossary, _>(&mut self.glossaries, id, command);
        decided.into_iter().for_each(|event| self.record(StreamId::Glossary(id), DomainEvent::Glossary(event)));
    }

    /// Gives a command to an account. A refused one changes nothing.
    pub fn account(&mut self, id: AccountId, command: AccountCommand) {
        let decided = decide::<Account, _>(&mut self.accounts, id, command);
        self.record_all(TenancyStream::Account(id), decided.into_iter().map(TenancyEvent::Account));
    }

    /// Gives a command to a tenant. A refused one changes nothing.
    pub fn tenant(&mut self, id: TenantId, command: TenantCommand) {
        let decided = decide::<TenantState, _>(&mut self.tenants, id, command);
        self.record_all(TenancyStream::Tenant(id), decided.into_iter().map(TenancyEvent::Tenant));
    }

    /// Gives a command to a webhook. A refused one changes nothing.
    pub fn webhook(&mut self, id: WebhookId, command: WebhookCommand) {
        let decided = decide::<Webhook, _>(&mut self.webhooks, id, command);
        self.record_all(TenancyStream::Webhook(id), decided.into_iter().map(TenancyEvent::Webhook));
    }

    /// Notes something in the security trail.
    pub fn security(&mut self, day: SecurityDayId, event: SecurityEvent) {
        self.record_all(TenancyStream::Security(day), [TenancyEvent::Security(event)]);
    }

    fn record_all(&mut self, stream: TenancyStream, events: impl IntoIterator<Item = TenancyEvent>) {
        for event in events {
            self.record(StreamId::Tenancy(stream), DomainEvent::Tenancy(event));
        }
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

/// Gives a command to one of these, which begins to exist with its first event.
fn decide<D: Decider<State = D> + Default, Id: Ord>(
    known: &mut BTreeMap<Id, D>,
    id: Id,
    command: D::Command,
) -> Vec<D::Event> {
    let mut new = D::default();
    let state = known.get_mut(&id).unwrap_or(&mut new);
    let decided = D::decide(state, command).unwrap_or_default();
    decided.iter().for_each(|event| D::evolve(state, event));
    if !decided.is_empty() {
        known.entry(id).or_insert(new);
    }
    decided
}
