//! What deliveries look like: a JSON Schema and an example for each type of event.
//!
//! Both follow from the catalogue of public events and from two tables here: what kind of value a field holds, and what
//! events of a noun are about. Deliberately absent: what fields mean, which is the catalogue's.

mod shapes;

use super::payload::body;
use crate::public_events::{PublicEvent, PublicEventType};
use domain::{flow::Stage, value::Timestamp};
use serde_json::{Map, Value, json};
use shapes::{FIELD_SHAPES, Shape};
use uuid::Uuid;

/// What events of some types are about, besides their id and position.
struct About {
    /// What is always said.
    always: &'static [&'static str],
    /// What is said where it applies.
    perhaps: &'static [&'static str],
}

/// What events of this type are about.
fn about(kind: PublicEventType) -> About {
    let about = |always, perhaps| About { always, perhaps };
    let (noun, happened) = kind.name().split_once('.').unwrap_or_default();
    match (noun, happened) {
        ("asset", _) => about(&["asset"], &[]),
        ("project", _) => about(&["project"], &[]),
        ("glossary", _) => about(&["glossary"], &["language"]),
        ("stage", "inherited" | "parked" | "reopened" | "undone") => about(&["dubbing", "stage"], &["language"]),
        ("stage", _) => about(&["dubbing", "stage", "run", "attempt"], &["language"]),
        ("flow", _) => about(&["dubbing"], &["language"]),
        ("dubbing", "queued") => about(&["dubbing"], &["asset", "project"]),
        ("utterance", "flagged") => about(&["dubbing", "language", "stage"], &[]),
        ("track" | "voice" | "translation" | "line", _)
        | ("utterance", "translated" | "synthesised" | "rate_chosen" | "fitted") => {
            about(&["dubbing", "language"], &[])
        }
        (_, _) => about(&["dubbing"], &[]),
    }
}

/// The JSON Schema (2020-12) of the body that tells of events of this type.
pub fn schema(kind: PublicEventType) -> Value {
    let About { always, perhaps } = about(kind);
    let mut properties = Map::new();
    for name in ["id", "position"].iter().chain(always).chain(perhaps).chain(kind.fields()) {
        properties.insert((*name).to_owned(), shape_of(name).schema());
    }
    if !kind.fields().is_empty() {
        properties.insert("truncated".to_owned(), json!({"const": true}));
    }
    let required: Vec<&str> = ["id", "position"].iter().chain(always).copied().collect();
    json!({
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": kind.name()},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": {"type": "object", "required": required, "properties": properties},
        },
    })
}

/// The body of an event of this type, with everything that such events can tell.
pub fn example(kind: PublicEventType) -> String {
    let About { always, perhaps } = about(kind);
    let says = |name: &str| always.contains(&name) || perhaps.contains(&name);
    let id = |name: &str| says(name).then(|| shape_of(name).example()).and_then(|id| id.as_str()?.parse().ok());
    let language = if says("language") { "es".parse().ok() } else { None };
    let data = kind.fields().iter().map(|name| ((*name).to_owned(), shape_of(name).example()));
    body(&PublicEvent {
        position: 1_042,
        id: shape_of("id").example().as_str().and_then(|id| id.parse().ok()).unwrap_or(Uuid::nil()),
        kind,
        at: Timestamp::from_unix_ms(1_769_846_400_000),
        dubbing: id("dubbing"),
        language,
        asset: id("asset"),
        project: id("project"),
        glossary: id("glossary"),
        stage: says("stage").then_some(Stage::Synthesise),
        run: says("run").then_some(1),
        attempt: says("attempt").then_some(1),
        data: data.collect(),
    })
}

/// What kind of value this member of `data` holds.
fn shape_of(name: &str) -> Shape {
    let known = FIELD_SHAPES.iter().find(|(known, _)| *known == name);
    known.map_or(Shape::Text(""), |(_, shape)| *shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::public_events::FIELDS;

    #[test]
    fn every_field_has_a_shape_and_no_other() {
        let about =
            ["id", "position", "dubbing", "language", "asset", "project", "glossary", "stage", "run", "attempt"];
        let mut expected: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).chain(about).collect();
        let mut found: Vec<&str> = FIELD_SHAPES.iter().map(|(name, _)| *name).collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn examples_say_all_that_their_schemas_know_of() {
        for kind in PublicEventType::ALL {
            let (schema, example) = (schema(*kind), serde_json::from_str::<Value>(&example(*kind)).unwrap());
            assert_eq!(schema["properties"]["type"]["const"], example["type"]);
            let known = schema["properties"]["data"]["properties"].as_object().unwrap();
            let said = example["data"].as_object().unwrap();
            let names = |of: &Map<String, Value>| {
                of.keys().filter(|name| *name != "truncated").cloned().collect::<std::collections::BTreeSet<_>>()
            };
            assert_eq!(names(known), names(said), "{kind}");
            for (name, value) in said {
                assert!(shape_of(name).is_of(value), "{kind}: {name} is {value}");
            }
        }
    }
}
