//! What a delivery says: the public event, in the form of Standard Webhooks.
//!
//! `type` and `timestamp` are the event's; `data` holds everything else that `/v1/events` tells of it: its id and
//! position, the ids of what it is about, and beside them the fields that the catalogue names. Nothing in it is about a
//! person, and there is no media: who wants more asks for the things by their ids.

use crate::public_events::PublicEvent;
use domain::value::{Timestamp, WebhookId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A body is shorter than this, in bytes.
pub const BODY_BYTES_MAX: usize = 20_000;

/// The type of a delivery that somebody asks for to try a webhook. It is no event.
pub const TEST_TYPE: &str = "webhook.test";

/// The id of the delivery of an event to a webhook: the same for each attempt, so that receivers can tell repetitions.
pub fn delivery_id(webhook: WebhookId, event: Uuid) -> Uuid {
    Uuid::new_v5(&webhook.0, event.as_bytes())
}

/// The body that tells of an event. What would make it too long is left out, and `truncated` says so.
pub fn body(event: &PublicEvent) -> String {
    let about = about(event);
    let mut whole = about.clone();
    whole.extend(event.data.clone());
    let body = written(event.kind.name(), event.at, whole);
    if body.len() < BODY_BYTES_MAX {
        return body;
    }
    let mut ids = about;
    ids.insert("truncated".to_owned(), Value::Bool(true));
    written(event.kind.name(), event.at, ids)
}

/// The body of a delivery that somebody asks for to try a webhook.
pub fn test_body(webhook: WebhookId, now: Timestamp) -> String {
    written(TEST_TYPE, now, Map::from_iter([("webhook".to_owned(), json!(webhook))]))
}

/// Which event it is, and the ids of what it is about.
fn about(event: &PublicEvent) -> Map<String, Value> {
    let members = [
        ("id", json!(event.id)),
        ("position", json!(event.position)),
        ("dubbing", json!(event.dubbing)),
        ("language", json!(event.language)),
        ("asset", json!(event.asset)),
        ("project", json!(event.project)),
        ("glossary", json!(event.glossary)),
        ("stage", json!(event.stage)),
        ("run", json!(event.run)),
        ("attempt", json!(event.attempt)),
    ];
    members.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn written(kind: &str, at: Timestamp, data: Map<String, Value>) -> String {
    json!({"type": kind, "timestamp": at, "data": data}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::public_events::{FIELDS, PublicEventType};
    use domain::flow::Stage;
    use serde_json::from_str;

    /// An event with everything that an event can say.
    fn event(kind: PublicEventType, value: &Value) -> PublicEvent {
        PublicEvent {
            position: u64::MAX,
            id: Uuid::from_u128(1),
            kind,
            at: Timestamp::from_unix_ms(1_769_846_400_000),
            dubbing: Some(Uuid::from_u128(2)),
            language: Some("pt-BR".parse().unwrap()),
            asset: Some(Uuid::from_u128(3)),
            project: Some(Uuid::from_u128(4)),
            glossary: Some(Uuid::from_u128(5)),
            stage: Some(Stage::Transcribe),
            run: Some(u32::MAX),
            attempt: Some(u32::MAX),
            data: kind.fields().iter().map(|field| ((*field).to_owned(), value.clone())).collect(),
        }
    }

    #[test]
    fn every_event_of_the_catalogue_is_told_whole_when_it_is_short_and_by_its_ids_when_it_is_not() {
        for kind in PublicEventType::ALL {
            let short: Value = from_str(&body(&event(*kind, &json!("x".repeat(200))))).unwrap();
            assert_eq!(short["type"], kind.name());
            assert_eq!(short["timestamp"], "2026-01-31T08:00:00.000Z");
            assert_eq!(short["data"]["id"], json!(Uuid::from_u128(1)));
            assert_eq!(short["data"]["truncated"], Value::Null);
            // No field stands in the place of another one.
            assert_eq!(short["data"].as_object().unwrap().len(), 10 + kind.fields().len(), "{kind}");

            let long = body(&event(*kind, &json!(vec!["ü"; 20_000])));
            assert!(long.len() < BODY_BYTES_MAX, "{kind}: {} bytes", long.len());
            let long: Value = from_str(&long).unwrap();
            let is_cut = !kind.fields().is_empty();
            assert_eq!(long["data"]["truncated"], if is_cut { json!(true) } else { Value::Null }, "{kind}");
            assert_eq!(long["data"]["dubbing"], json!(Uuid::from_u128(2)));
        }
    }

    #[test]
    fn fields_of_events_are_named_otherwise_than_what_they_are_about() {
        let about = about(&event(PublicEventType::StageFailed, &Value::Null));
        for (field, _) in FIELDS {
            assert!(!about.contains_key(*field) && *field != "truncated", "{field} would stand for two things");
        }
    }

    #[test]
    fn what_does_not_apply_is_left_out_and_the_longest_allowed_body_is_whole() {
        let mut event = event(PublicEventType::DubbingFailed, &Value::Null);
        (event.language, event.asset, event.project, event.glossary) = (None, None, None, None);
        (event.stage, event.run, event.attempt) = (None, None, None);
        event.data = Map::from_iter([("code".to_owned(), json!(""))]);
        let data = from_str::<Value>(&body(&event)).unwrap()["data"].clone();
        let mut names: Vec<_> = data.as_object().unwrap().keys().collect();
        names.sort_unstable();
        assert_eq!(names, ["code", "dubbing", "id", "position"]);

        let room = BODY_BYTES_MAX - 1 - body(&event).len();
        for (more, is_whole) in [(0, true), (1, false)] {
            event.data = Map::from_iter([("code".to_owned(), json!("x".repeat(room + more)))]);
            let body: Value = from_str(&body(&event)).unwrap();
            assert_eq!(body["data"]["truncated"].is_null(), is_whole);
        }
    }

    #[test]
    fn ids_follow_from_webhook_and_event() {
        let (one, other) = (WebhookId(Uuid::from_u128(1)), WebhookId(Uuid::from_u128(2)));
        let event = Uuid::from_u128(3);
        assert_eq!(delivery_id(one, event), delivery_id(one, event));
        assert_eq!(delivery_id(one, event).get_version_num(), 5);
        assert_ne!(delivery_id(one, event), delivery_id(other, event));
        assert_ne!(delivery_id(one, event), delivery_id(one, Uuid::from_u128(4)));
    }
}
