//! Events as those outside see them: a stable view of what happened, for streams, webhooks and queues alike.
//!
//! The log's own events are private: their names and shapes change with the program. What stands here is a promise.
//! Nothing in it is about a person: no texts, no names of people, files, projects or glossaries.

mod assets;
mod catalogue;
mod data;
mod dubbings;
mod tracks;

pub use catalogue::{FIELDS, PublicEventType};

use crate::ports::event_log::{DomainEvent, Recorded, StreamId};
use data::Told;
use domain::{
    flow::Stage,
    value::{LanguageTag, Timestamp},
};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// An event as those outside see it. What does not apply is absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublicEvent {
    /// Its place in the log: later events have greater ones. Not every position is public.
    pub position: u64,
    /// Its id: the same wherever it is seen.
    pub id: Uuid,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: PublicEventType,
    /// When it was recorded.
    pub at: Timestamp,
    /// The dubbing that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dubbing: Option<Uuid>,
    /// The target language that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<LanguageTag>,
    /// The asset that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<Uuid>,
    /// The project that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Uuid>,
    /// The glossary that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glossary: Option<Uuid>,
    /// The stage that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// How often the stage was asked for anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<u32>,
    /// The try within that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What else there is to tell: the fields that the type's row in the catalogue names.
    pub data: Map<String, Value>,
}

/// The event as those outside see it; `None` for what is nobody's business.
pub fn public(recorded: &Recorded) -> Option<PublicEvent> {
    let told = match &recorded.event {
        DomainEvent::Dubbing(event) => dubbings::told(event),
        DomainEvent::Track(event) => tracks::told(event),
        DomainEvent::Asset(event) => Some(assets::asset(event)),
        DomainEvent::Project(event) => Some(assets::project(event)),
        DomainEvent::Glossary(event) => Some(assets::glossary(event)),
        // Whoever may know of these asks for security events.
        DomainEvent::Tenancy(_) => None,
    }?;
    Some(place(told, recorded))
}

/// The event with what its stream says it is about.
fn place(told: Told, recorded: &Recorded) -> PublicEvent {
    let mut event = PublicEvent {
        position: recorded.position,
        id: recorded.event_id,
        kind: told.kind,
        at: recorded.recorded_at,
        dubbing: None,
        language: told.language,
        asset: told.asset,
        project: told.project,
        glossary: None,
        stage: told.stage,
        run: told.run,
        attempt: told.attempt,
        data: told.data,
    };
    match &recorded.stream {
        StreamId::Dubbing(id) => event.dubbing = Some(id.0),
        StreamId::Track(track) => {
            event.dubbing = Some(track.dubbing.0);
            event.language = Some(track.language.clone());
        }
        StreamId::Asset(id) => event.asset = Some(id.0),
        StreamId::Project(id) => event.project = Some(id.0),
        StreamId::Glossary(id) => event.glossary = Some(id.0),
        StreamId::Tenancy(_) => {}
    }
    event
}
