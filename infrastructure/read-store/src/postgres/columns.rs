//! Which type each column has, and which values it can hold.
//!
//! The migrations are the only place that says it: it is read from the database when the store connects.

use crate::tables::Cell;
use domain::value::Timestamp;
use sqlx::{PgConnection, types::Uuid};
use std::collections::HashMap;

/// The type of a column. A value fits when exactly this text would be made of what the column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `text COLLATE "C"`: any text without a NUL, which PostgreSQL cannot hold.
    Text,
    /// `bigint`.
    Number,
    /// `boolean`.
    Truth,
    /// `uuid`, as projections write it: lower-case, with hyphens.
    Id,
    /// `timestamptz`, as projections write it: in UTC, to the millisecond.
    Moment,
    /// `text[]`: the items of a list with commas between them; none for the empty text.
    List,
    /// `jsonb`: a JSON list of texts, without blanks.
    Json,
}

impl Kind {
    fn named(kind: &str) -> Option<Self> {
        Some(match kind {
            "text" => Self::Text,
            "bigint" => Self::Number,
            "boolean" => Self::Truth,
            "uuid" => Self::Id,
            "timestamp with time zone" => Self::Moment,
            "text[]" => Self::List,
            "jsonb" => Self::Json,
            _ => return None,
        })
    }

    /// Whether a column of this kind can have this value. Null fits everywhere.
    pub fn fits(self, cell: &Cell) -> bool {
        match (self, cell) {
            (_, Cell::Null) | (Self::Number, Cell::Integer(_)) => true,
            (Self::Truth, Cell::Integer(number)) => matches!(number, 0 | 1),
            (Self::Text | Self::List, Cell::Text(text)) => !text.contains('\0'),
            (Self::Id, Cell::Text(text)) => id(text).is_some(),
            (Self::Moment, Cell::Text(text)) => text.parse::<Timestamp>().is_ok(),
            (Self::Json, Cell::Text(text)) => is_list_of_texts(text),
            (Self::Number | Self::Truth, Cell::Text(_)) => false,
            (Self::Text | Self::List | Self::Id | Self::Moment | Self::Json, Cell::Integer(_)) => false,
        }
    }
}

/// The id that is written so; other spellings of one are no ids here.
pub(crate) fn id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text).then_some(id)
}

fn is_list_of_texts(text: &str) -> bool {
    let list: Option<Vec<String>> = serde_json::from_str(text).ok();
    let holds = |list: &Vec<String>| {
        // NUL can be written in JSON, and jsonb cannot hold it.
        serde_json::to_string(list).is_ok_and(|again| again == text) && !list.iter().any(|item| item.contains('\0'))
    };
    list.as_ref().is_some_and(holds)
}

/// The columns of all tables.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    kinds: HashMap<String, HashMap<String, Kind>>,
}

impl Columns {
    /// Those of the tables in a schema.
    pub async fn read(connection: &mut PgConnection, schema: &str) -> Result<Self, sqlx::Error> {
        let found: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT relname::text, attname::text, format_type(atttypid, NULL) FROM pg_attribute \
             JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace \
             WHERE nspname = $1 AND relkind = 'r' AND attnum > 0 AND NOT attisdropped",
        )
        .bind(schema)
        .fetch_all(connection)
        .await?;
        let mut columns = Self::default();
        for (table, column, kind) in found {
            if let Some(kind) = Kind::named(&kind) {
                columns.kinds.entry(table).or_default().insert(column, kind);
            }
        }
        Ok(columns)
    }

    /// The kind of a column; `None` when there is none.
    pub fn kind(&self, table: &str, column: &str) -> Option<Kind> {
        self.kinds.get(table)?.get(column).copied()
    }
}
