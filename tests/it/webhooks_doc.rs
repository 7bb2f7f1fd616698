//! The page about webhooks is made from what they send. To write it anew:
//! `UPDATE_DOCS=1 cargo test -p tests --test it webhooks_doc`.

mod text;

use crate::events_golden::recorded;
use application::{
    public_events::{FIELDS, PublicEventType, public},
    webhooks::{
        payload::body,
        schedule::PAUSES_MS,
        schema::{example, schema},
        signature::{SigningSecret, signed_headers},
    },
};
use domain::value::Timestamp;
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write};

#[test]
fn the_page_of_webhooks_is_up_to_date() {
    crate::check_page("docs/webhooks.md", &page());
}

#[test]
fn what_is_sent_is_what_the_schemas_say() {
    let (mut told, mut wrong) = (0, Vec::new());
    for event in recorded().iter().filter_map(public) {
        let sent: Value = serde_json::from_str(&body(&event)).expect("JSON");
        let found = faults(&schema(event.kind), &sent, "");
        wrong.extend(found.into_iter().map(|fault| format!("{}: {fault}", event.kind)));
        told += 1;
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(told >= PublicEventType::ALL.len(), "{told} events");
}

#[test]
fn what_is_not_as_the_schema_says_is_caught() {
    let kind = PublicEventType::UtteranceFitted;
    let sound: Value = serde_json::from_str(&example(kind)).expect("JSON");
    let check = |change: fn(&mut Value), expected: &str| {
        let mut sent = sound.clone();
        change(&mut sent);
        assert_eq!(faults(&schema(kind), &sent, ""), [expected], "{sent}");
    };
    assert_eq!(faults(&schema(kind), &sound, ""), Vec::<String>::new());
    check(|sent| sent["type"] = "track.signed".into(), "/type");
    check(|sent| sent["data"]["dubbing"] = "one".into(), "/data/dubbing");
    check(|sent| sent["data"]["start_ms"] = 1.5.into(), "/data/start_ms");
    check(|sent| sent["data"]["more"] = 1.into(), "/data/more is not known");
    check(|sent| drop(sent["data"].as_object_mut().map(|data| data.remove("language"))), "/data/language is missing");
}

/// Where a value is not as its schema says. As much of JSON Schema as the schemas of events use; besides, nothing may be
/// there that they do not know.
fn faults(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let fits = match schema["type"].as_str() {
        None => *value == schema["const"],
        Some("string") => value.as_str().is_some_and(|text| fits_text(schema, text)),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("array") => {
            value.as_array().is_some_and(|items| items.iter().all(|item| faults(&schema["items"], item, at).is_empty()))
        }
        Some(_) => value.is_object(),
    };
    if !fits {
        return vec![at.to_owned()];
    }
    let (Some(known), Some(members)) = (schema["properties"].as_object(), value.as_object()) else { return vec![] };
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let missing = required.filter(|name| !members.contains_key(*name)).map(|name| format!("{at}/{name} is missing"));
    let mut found: Vec<String> = missing.collect();
    for (name, member) in members {
        match known.get(name) {
            Some(schema) => found.extend(faults(schema, member, &format!("{at}/{name}"))),
            None => found.push(format!("{at}/{name} is not known")),
        }
    }
    found
}

fn fits_text(schema: &Value, text: &str) -> bool {
    let is_choice = schema["enum"].as_array().is_none_or(|choices| choices.iter().any(|choice| choice == text));
    let is_form = match schema["format"].as_str() {
        Some("uuid") => text.parse::<uuid::Uuid>().is_ok(),
        Some("date-time") => text.parse::<Timestamp>().is_ok(),
        Some(_) | None => true,
    };
    is_choice && is_form && !text.is_empty()
}

fn page() -> String {
    let mut page = text::HEAD.to_owned();
    page.push_str(&vector());
    page.push_str(text::CODE);
    let pauses: Vec<String> = PAUSES_MS.iter().map(|ms| span(*ms)).collect();
    page.push_str(&text::DELIVERY.replace("{pauses}", &pauses.join(", ")));
    page.push_str(text::TYPES);
    for kind in PublicEventType::ALL {
        let _ = write!(page, "\n### `{kind}`\n\n{}\n\n| `data` | type | meaning |\n|---|---|---|\n", kind.meaning());
        page.push_str(&members(&schema(*kind)["properties"]["data"]));
        let shown: Value = serde_json::from_str(&example(*kind)).expect("JSON");
        let _ = write!(page, "\n```json\n{}\n```\n", in_order(&shown));
    }
    page
}

/// A row for each member of `data`.
fn members(schema: &Value) -> String {
    let mut rows = String::new();
    let required = schema["required"].as_array().expect("names");
    // In order of names, whatever order serde_json keeps.
    let sorted: BTreeMap<&String, &Value> = schema["properties"].as_object().expect("members").iter().collect();
    for (name, member) in sorted {
        let perhaps = if required.iter().any(|known| known == name.as_str()) { "" } else { ", where it applies" };
        let meaning = FIELDS.iter().chain(text::ABOUT).find(|(known, _)| known == name).expect("a meaning").1;
        let _ = writeln!(rows, "| `{name}` | {}{perhaps} | {meaning} |", kind_of(member));
    }
    rows
}

/// A document with its members in order of their names, whatever order serde_json keeps.
fn in_order(value: &Value) -> String {
    let Some(members) = value.as_object() else { return value.to_string() };
    let sorted: BTreeMap<&String, &Value> = members.iter().collect();
    let members = sorted.into_iter().map(|(name, value)| format!("\"{name}\":{}", in_order(value)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn kind_of(member: &Value) -> String {
    let texts = |list: &Value| {
        let texts = list.as_array().expect("texts").iter().map(|text| format!("`{}`", text.as_str().expect("a text")));
        texts.collect::<Vec<_>>().join(", ")
    };
    match (member["type"].as_str(), member["format"].as_str()) {
        (None, _) => format!("`{}`", member["const"]),
        (Some("array"), _) => "texts".to_owned(),
        (Some("string"), Some("uuid")) => "UUID".to_owned(),
        (Some("string"), Some(_)) => "time".to_owned(),
        (Some("string"), None) if member["enum"].is_array() => texts(&member["enum"]),
        (Some("string"), None) => "text".to_owned(),
        (Some(kind), _) => kind.to_owned(),
    }
}

/// A delivery whose signatures are right, for who writes a receiver.
fn vector() -> String {
    let secrets = [text::SECRET, text::PRIVATE_KEY].map(|text| SigningSecret::parse(text).expect("a secret"));
    let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", Timestamp::from_unix_ms(1_614_265_330_000));
    let body = r#"{"test": 2432232314}"#;
    let mut lines = String::new();
    for (name, value) in signed_headers(&secrets, id, at, body) {
        let _ = writeln!(lines, "{name}: {}", value.replace(' ', "\n  "));
    }
    let [secret, key] = secrets.map(|secret| secret.for_receiver());
    format!("\n```text\n{lines}\n{body}\n```\n\nThe secret is `{secret}`, the public key `{key}`.\n")
}

fn span(ms: u64) -> String {
    match ms / 1_000 {
        seconds if seconds < 60 => format!("{seconds} s"),
        seconds if seconds < 3_600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}
