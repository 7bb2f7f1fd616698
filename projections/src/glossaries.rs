//! Glossaries: one row per list of terms. How many there are and where they lie; never what they say.

use crate::{
    projection::{Beside, Projection, Touched},
    row::{number, or_blank, set},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId},
    read_store::{Row, RowKey, Table},
};
use domain::glossary::{Content, GlossaryEvent};
use serde_json::{Value, json};

/// One row per glossary.
///
/// `state` is `active` or `removed`. `revision` is the stream's. `language` is the one that it translates into, null
/// when it fits any; `terms` is how many there are. Of one that was removed no content is left.
pub static TABLE: Table = Table {
    name: "glossaries",
    key: &["glossary_id"],
    columns: &[
        "glossary_id",
        "tenant",
        "revision",
        "state",
        "language",
        "terms",
        "sha256",
        "bytes",
        "created_at",
        "updated_at",
    ],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Glossaries;

impl Projection for Glossaries {
    fn name(&self) -> &'static str {
        "glossaries"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        match &event.stream {
            StreamId::Glossary(id) => Touched::one(vec![json!(id.to_string())]),
            StreamId::Dubbing(_)
            | StreamId::Track(_)
            | StreamId::Asset(_)
            | StreamId::Project(_)
            | StreamId::Tenancy(_) => Touched::none(),
        }
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        matches!(stream, StreamId::Glossary(_)).then(|| vec![json!(stream.subject().to_string())])
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, _: &Beside<'_>) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        let now = event.recorded_at.to_string();
        match &event.event {
            DomainEvent::Glossary(GlossaryEvent::GlossaryCreated(content)) => {
                set(&mut row, "created_at", now.as_str());
                filled(&mut row, content);
            }
            DomainEvent::Glossary(GlossaryEvent::GlossaryReplaced(content)) => filled(&mut row, content),
            DomainEvent::Glossary(GlossaryEvent::GlossaryRemoved) => {
                set(&mut row, "state", "removed");
                for column in ["language", "terms", "sha256", "bytes"] {
                    set(&mut row, column, Value::Null);
                }
            }
            DomainEvent::Dubbing(_)
            | DomainEvent::Track(_)
            | DomainEvent::Asset(_)
            | DomainEvent::Project(_)
            | DomainEvent::Tenancy(_) => {}
        }
        set(&mut row, "tenant", event.tenant.0.as_str());
        set(&mut row, "revision", number(event.revision));
        set(&mut row, "updated_at", now);
        Some(row)
    }
}

fn filled(row: &mut Row, content: &Content) {
    set(row, "state", "active");
    set(row, "language", content.language.as_ref().map(|language| language.as_str().to_owned()));
    set(row, "terms", content.count);
    set(row, "sha256", content.terms.sha256.to_string());
    set(row, "bytes", number(content.terms.bytes));
}
