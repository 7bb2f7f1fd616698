//! What kind of value each member of a delivery's `data` holds.

use serde_json::{Value, json};

/// What kind of value, with an example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    /// A text.
    Text(&'static str),
    /// One of these texts; the first is the example.
    Choice(&'static [&'static str]),
    /// Texts.
    Texts(&'static [&'static str]),
    /// The id of something, as a UUID.
    Id(&'static str),
    /// A moment, as RFC 3339 writes it.
    Moment(&'static str),
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

impl Shape {
    /// As JSON Schema says it.
    pub fn schema(self) -> Value {
        match self {
            Shape::Text(_) => json!({"type": "string"}),
            Shape::Choice(choices) => json!({"type": "string", "enum": choices}),
            Shape::Texts(_) => json!({"type": "array", "items": {"type": "string"}}),
            Shape::Id(_) => json!({"type": "string", "format": "uuid"}),
            Shape::Moment(_) => json!({"type": "string", "format": "date-time"}),
            Shape::Whole(_) => json!({"type": "integer"}),
            Shape::Number(_) => json!({"type": "number"}),
            Shape::Flag(_) => json!({"type": "boolean"}),
        }
    }

    /// Such a value.
    pub fn example(self) -> Value {
        match self {
            Shape::Text(text) | Shape::Id(text) | Shape::Moment(text) => json!(text),
            Shape::Choice(choices) => json!(choices.first()),
            Shape::Texts(texts) => json!(texts),
            Shape::Whole(number) => json!(number),
            Shape::Number(number) => json!(number),
            Shape::Flag(flag) => json!(flag),
        }
    }

    /// Whether this is such a value.
    #[cfg(test)]
    pub fn is_of(self, value: &Value) -> bool {
        match self {
            Shape::Text(_) | Shape::Moment(_) => value.as_str().is_some_and(|text| !text.is_empty()),
            Shape::Choice(choices) => value.as_str().is_some_and(|text| choices.contains(&text)),
            Shape::Texts(_) => value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string)),
            Shape::Id(_) => value.as_str().is_some_and(|text| text.parse::<uuid::Uuid>().is_ok()),
            Shape::Whole(_) => value.is_i64() || value.is_u64(),
            Shape::Number(_) => value.is_number(),
            Shape::Flag(_) => value.is_boolean(),
        }
    }
}

/// The kinds of all members: what events are about, then the fields of the catalogue.
pub(super) const FIELD_SHAPES: &[(&str, Shape)] = &[
    ("id", Shape::Id("0198b3c1-64a0-5d6f-9a3e-6f1d2c7b8e90")),
    ("position", Shape::Whole(1_042)),
    ("dubbing", Shape::Id("0198b3c1-5f2e-7a10-8c4d-2b9e6a1f3d57")),
    ("language", Shape::Text("es")),
    ("asset", Shape::Id("0198b3c0-9d3a-7b44-a1e8-7c5f0e2d4b16")),
    ("project", Shape::Id("0198b3bf-2c81-7f09-b6d2-1e8a4c9f5073")),
    ("glossary", Shape::Id("0198b3be-7e46-7d35-9f1b-3a6c8d0e2f94")),
    ("stage", Shape::Text("synthesise")),
    ("run", Shape::Whole(1)),
    ("attempt", Shape::Whole(1)),
    ("absorbed", Shape::Text("u2")),
    ("added", Shape::Text("u9")),
    ("bytes", Shape::Whole(48_210_334)),
    ("changed", Shape::Texts(&["text", "times"])),
    ("cleared", Shape::Flag(false)),
    ("code", Shape::Text("no-speech")),
    ("confidence_percent", Shape::Whole(93)),
    ("cues", Shape::Whole(212)),
    ("duration_ms", Shape::Whole(61_480)),
    ("end_ms", Shape::Whole(5_210)),
    ("engine", Shape::Text("none")),
    ("flag", Shape::Text("overlong")),
    ("forked_from", Shape::Id("0198b3bd-11c7-7e28-8a50-9d4f7b2c6e31")),
    ("has_picture", Shape::Flag(true)),
    ("languages", Shape::Texts(&["ca", "en", "es"])),
    ("left_out", Shape::Whole(0)),
    ("lines", Shape::Whole(14)),
    ("lines_to_attend", Shape::Whole(1)),
    ("loudness_lufs", Shape::Number(-23.1)),
    ("loudness_reached", Shape::Flag(true)),
    ("made", Shape::Whole(14)),
    ("media_type", Shape::Text("video/mp4")),
    ("needs_attention", Shape::Flag(false)),
    ("outcome", Shape::Choice(&["completed", "needs-attention", "cancelled"])),
    ("permanent", Shape::Flag(false)),
    ("priority", Shape::Choice(&["normal", "low", "high"])),
    ("rate_percent", Shape::Whole(108)),
    ("reason", Shape::Text("unreadable")),
    ("request", Shape::Whole(1)),
    ("retry_at", Shape::Moment("2026-01-31T08:05:00.000Z")),
    ("reused", Shape::Whole(3)),
    ("shift_ms", Shape::Whole(-120)),
    ("source_language", Shape::Text("en")),
    ("speaker", Shape::Text("S1")),
    ("start_ms", Shape::Whole(3_400)),
    ("terms", Shape::Whole(2)),
    ("terms_missing", Shape::Whole(0)),
    ("transcript", Shape::Choice(&["recognised", "imported", "embedded"])),
    ("true_peak_dbtp", Shape::Number(-1.2)),
    ("unknown_words", Shape::Whole(0)),
    ("utterance", Shape::Text("u1")),
    ("utterances", Shape::Whole(14)),
    ("verdict", Shape::Choice(&["clean", "infected"])),
    ("voice", Shape::Text("es-female-1")),
    ("wall_ms", Shape::Whole(8_120)),
];
