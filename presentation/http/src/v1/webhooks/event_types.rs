//! `GET /v1/webhooks/event-types`.

use crate::{
    answer::Done,
    extract::{Nothing, Query},
    problem::Problem,
};
use application::{
    public_events::{FIELDS, PublicEventType},
    webhooks::schema::{example, schema},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What webhooks can hear of.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookEventTypes)]
pub(crate) struct EventTypes {
    /// In the order of the catalogue.
    items: Vec<EventTypeDocument>,
}

/// A type of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventTypeDocument {
    /// Its name.
    #[serde(rename = "type")]
    #[schema(example = "dubbing.completed")]
    kind: &'static str,
    /// What happened.
    meaning: &'static str,
    /// What such events tell besides what they are about.
    fields: Vec<FieldDocument>,
    /// JSON Schema (2020-12) of the body of a delivery.
    #[schema(value_type = Object)]
    schema: Value,
    /// Such a body.
    #[schema(value_type = Object)]
    example: Value,
}

/// A field of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldDocument {
    /// Its name; the same name means the same in every event.
    #[schema(example = "duration_ms")]
    name: &'static str,
    /// What it means.
    meaning: &'static str,
}

/// Types of events
///
/// Names keep their meaning and are never taken away; there may be more types and fields later.
#[utoipa::path(get, path = "/v1/webhooks/event-types", tag = "webhooks", operation_id = "list_webhook_event_types",
    responses((status = 200, description = "All of them", body = EventTypes)))]
pub(crate) async fn event_types(Query(Nothing {}): Query<Nothing>) -> Result<Done<EventTypes>, Problem> {
    let items = PublicEventType::ALL.iter().map(|kind| document(*kind)).collect::<Result<_, _>>()?;
    Ok(Done::ok(EventTypes { items }))
}

fn document(kind: PublicEventType) -> Result<EventTypeDocument, Problem> {
    let fields = FIELDS.iter().filter(|(name, _)| kind.fields().contains(name));
    Ok(EventTypeDocument {
        kind: kind.name(),
        meaning: kind.meaning(),
        fields: fields.map(|(name, meaning)| FieldDocument { name, meaning }).collect(),
        schema: schema(kind),
        example: serde_json::from_str(&example(kind)).map_err(Problem::internal)?,
    })
}
