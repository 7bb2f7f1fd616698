//! `docs/events.md` says what the catalogue and the golden files say. To write it anew:
//! `UPDATE_DOCS=1 cargo test -p tests --test it events_doc`.

use crate::events_golden::golden;
use event_codec::{EventDoc, catalogue};
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write};

#[test]
fn the_page_of_events_is_up_to_date() {
    crate::check_page("docs/events.md", &page());
}

fn page() -> String {
    let golden = golden();
    let mut page = String::from(HEAD);
    let mut tables: BTreeMap<&str, Vec<EventDoc>> = BTreeMap::new();
    for doc in catalogue() {
        tables.entry(doc.aggregate).or_default().push(doc);
    }
    for (aggregate, docs) in tables {
        let streams = docs.first().map(|doc| doc.streams.join("…`, `")).unwrap_or_default();
        let _ = write!(page, "\n## {aggregate}: `{streams}…`\n\n{TABLE}");
        for EventDoc { event_type, version, says, .. } in docs {
            let data = &golden[&format!("{event_type}.{version}")]["data"];
            let _ = writeln!(page, "| {event_type} | {version} | {says} | {} |", fields(data));
        }
    }
    page
}

const HEAD: &str = "# Events

Generated from the catalogue in `infrastructure/event-codec` and the golden files in
`tests/golden/events`; a test keeps it up to date. Do not edit it.

A field marked *sealed* is about a person: it is stored encrypted under a key of its dubbing, and
reads as erased once that key is destroyed. A field marked *artefact* is `{sha256, media_type, bytes}`.
Times inside media are milliseconds, levels hundredths of a decibel, rates percent.
";

const TABLE: &str = "| type | version | what it says | fields |\n|---|---|---|---|\n";

/// The fields of an event's data, by path.
fn fields(data: &Value) -> String {
    let mut found = Vec::new();
    collect(data, String::new(), &mut found);
    if found.is_empty() { "none".to_owned() } else { found.join(", ") }
}

fn collect(data: &Value, path: String, found: &mut Vec<String>) {
    match data {
        Value::Object(fields) if fields.contains_key("$sealed") => found.push(format!("`{path}` *sealed*")),
        Value::Object(fields) if fields.contains_key("media_type") => found.push(format!("`{path}` *artefact*")),
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            for (name, value) in sorted {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(value, path, found);
            }
        }
        Value::Array(items) => match items.first() {
            Some(item) => collect(item, format!("{path}[]"), found),
            None => found.push(format!("`{path}[]`")),
        },
        Value::Null if path.is_empty() => {}
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => found.push(format!("`{path}`")),
    }
}
