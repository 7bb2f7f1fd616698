//! Public events are a closed, documented list, and hold nothing personal. To write their page anew:
//! `UPDATE_DOCS=1 cargo test -p tests --test it public_events`.

use crate::events_golden::recorded;
use application::ports::event_log::StreamId;
use application::public_events::{FIELDS, PublicEvent, PublicEventType, public};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

#[test]
fn the_page_of_public_events_is_up_to_date() {
    crate::check_page("docs/api-events.md", &page());
}

#[test]
fn every_type_can_happen_and_tells_what_its_row_says() {
    let mut told: BTreeMap<PublicEventType, BTreeSet<String>> = BTreeMap::new();
    for event in events() {
        told.entry(event.kind).or_default().extend(event.data.keys().cloned());
    }
    // The sample's dubbing is no fork.
    told.entry(PublicEventType::DubbingQueued).or_default().insert("forked_from".to_owned());
    for kind in PublicEventType::ALL {
        let fields: BTreeSet<String> = kind.fields().iter().map(ToString::to_string).collect();
        assert_eq!(told.get(kind), Some(&fields), "{kind}: what its samples tell, and what its row says");
    }
}

#[test]
fn names_and_fields_are_said_once_and_in_order() {
    let names: Vec<&str> = PublicEventType::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for name in names {
        let is_name = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(name.split_once('.').is_some_and(|(noun, happened)| is_name(noun) && is_name(happened)), "{name}");
        assert_eq!(name.parse::<PublicEventType>().expect("a type").name(), name);
    }
    let used: BTreeSet<&str> = PublicEventType::ALL.iter().flat_map(|kind| kind.fields()).copied().collect();
    assert!(FIELDS.iter().map(|(name, _)| *name).eq(used), "the table of fields holds each used one, in order");
}

#[test]
fn nothing_personal_is_public() {
    for event in events() {
        let text = serde_json::to_string(&event).expect("JSON");
        for word in ["Ann", "talk", "evening", "noite", "luck", "$personal", "tenant", "local"] {
            assert!(!text.contains(word), "{}: {text}", event.kind);
        }
        assert!(!text.contains('\n') && text.len() < 1_024, "{}: one short line", event.kind);
    }
}

#[test]
fn what_is_private_stays_private() {
    let (tenancy, work): (Vec<_>, Vec<_>) =
        recorded().into_iter().partition(|event| matches!(event.stream, StreamId::Tenancy(_)));
    // Of people, tenants and webhooks nothing is: that is for those who look after them.
    assert!(tenancy.len() > 30 && tenancy.iter().all(|event| public(event).is_none()));
    let private: BTreeSet<String> =
        work.into_iter().filter(|event| public(event).is_none()).map(|event| event.event_type).collect();
    let expected = ["DeliveryChosen", "SpeechSeparated", "TrackDelivered"];
    assert_eq!(private, expected.iter().map(ToString::to_string).collect());
}

/// The public events among the samples of all events.
fn events() -> Vec<PublicEvent> {
    recorded().iter().filter_map(public).collect()
}

fn page() -> String {
    let samples: BTreeMap<PublicEventType, PublicEvent> =
        events().into_iter().map(|event| (event.kind, event)).collect();
    let mut page = String::from(HEAD);
    for kind in PublicEventType::ALL {
        let event = &samples[kind];
        let members: Vec<String> = members(event).iter().map(|name| format!("`{name}`")).collect();
        let fields: Vec<String> = kind.fields().iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(page, "| `{kind}` | {} | {} | {} |", kind.meaning(), members.join(", "), fields.join(", "));
    }
    page.push_str(FIELDS_HEAD);
    for (name, meaning) in FIELDS {
        let _ = writeln!(page, "| `{name}` | {meaning} |");
    }
    page
}

/// The members that say what an event is about.
fn members(event: &PublicEvent) -> Vec<String> {
    let Value::Object(members) = serde_json::to_value(event).expect("JSON") else {
        panic!("an event is an object");
    };
    let about = ["dubbing", "language", "asset", "project", "glossary", "stage", "run", "attempt"];
    about.iter().filter(|name| members.contains_key(**name)).map(ToString::to_string).collect()
}

const HEAD: &str = "# Live events

Generated from the catalogue in `application/src/public_events`; a test keeps it up to date. Do not edit it.

Three ways lead to the same events:

- `GET /v1/events`: all of them, as Server-Sent Events. It begins with what happens from now on.
- `GET /v1/dubbings/{id}/events`: those of one dubbing and its languages. It begins with the first one.
- `GET /v1/ws`: a WebSocket with the same JSON texts; `?dubbing=` chooses one dubbing.

Each takes `?types=` (`track.published,stage.*`) and `?after=`: the position of the last event that was seen, `0` for the
beginning of the log, or `now`. Streams also take the header `Last-Event-ID`, which wins: browsers send it by themselves
when they come again. What comes after a position is told once and in order, first from the log, then as it happens. A
position that the log has not come to is answered with 409: the client knows another log.

A stream begins by saying where it is, with an `id` and no data; the answer that opens a WebSocket says it in
`Dragoman-Position`. Who is cut off before the first event goes on from there. A quiet stream tells every 15 seconds that
it lives: by a comment with its `id`, or a ping of the WebSocket. Who reads too slowly is sent away (the stream ends; the
WebSocket closes with 1013) and comes again with the last position. When the server stops, streams end and WebSockets
close with 1001.

A browser cannot send `Authorization` with a WebSocket. It offers two subprotocols instead, `dragoman.events.v1` and
`bearer.TOKEN`; the server chooses the first. A token is never part of an address.

```json
{\"position\":1042,\"id\":\"…\",\"type\":\"stage.completed\",\"at\":\"2026-01-31T08:00:00.000Z\",\"dubbing\":\"…\",\"language\":\"es\",
 \"stage\":\"synthesise\",\"run\":1,\"attempt\":1,\"data\":{\"wall_ms\":8120,\"made\":14,\"reused\":3}}
```

`position`, `id`, `type`, `at` and `data` always stand there, the others where they apply: events of stages and flows say
`language` where they are of one language. Names keep their meaning and are
never taken away; there may be more types and members later, which clients leave out. Nothing in an event is about a
person: texts and names are fetched from their resources.

| type | what happened | it is about | `data` |
|---|---|---|---|
";

const FIELDS_HEAD: &str = "
## Fields of `data`

Times are milliseconds. A field that does not apply is absent.

| field | meaning |
|---|---|
";
