//! Comparisons of a column with a value of any kind, always in the order that the port promises.
//!
//! Where the value is one that the column can have, both are compared as they are, and an index may help. Any other
//! text is compared with the column's own text, byte by byte. A number comes before every text.

use super::{
    columns::{Kind, id},
    values::moment,
};
use crate::tables::{Cell, quoted};
use sqlx::{Postgres, QueryBuilder, types::Uuid};
use time::OffsetDateTime;

/// Both sides of a comparison.
pub(crate) struct Operand {
    /// The column's.
    pub left: String,
    /// The value's.
    pub right: Right,
}

/// A value.
pub(crate) enum Right {
    Text(String),
    Bytes(Vec<u8>),
    Number(i64),
    Truth(bool),
    Id(Uuid),
    Moment(OffsetDateTime),
    /// Written as it is.
    Constant(&'static str),
}

impl Operand {
    /// What to compare a column of this kind with this value by.
    pub fn of(kind: Kind, alias: &str, column: &str, cell: &Cell) -> Self {
        let plain = format!("{alias}.{}", quoted(column));
        let (left, right) = match (kind, cell) {
            (_, Cell::Null) => (plain, Right::Constant("NULL")),
            (Kind::Number, Cell::Integer(number)) => (plain, Right::Number(*number)),
            (Kind::Truth, Cell::Integer(number)) => match number {
                0 | 1 => (plain, Right::Truth(*number == 1)),
                _ => (format!("{plain}::integer::bigint"), Right::Number(*number)),
            },
            (Kind::Number | Kind::Truth, Cell::Text(_)) => (apart(&plain), Right::Constant("1")),
            (_, Cell::Integer(_)) => (apart(&plain), Right::Constant("-1")),
            (_, Cell::Text(text)) => text_operand(kind, alias, column, plain, text),
        };
        Self { left, right }
    }
}

fn text_operand(kind: Kind, alias: &str, column: &str, plain: String, text: &str) -> (String, Right) {
    let written = || text_of(kind, alias, column);
    let known = match kind {
        Kind::Id => id(text).map(Right::Id),
        Kind::Moment => moment(text).map(Right::Moment),
        Kind::Text | Kind::List | Kind::Json | Kind::Number | Kind::Truth => None,
    };
    match known {
        Some(right) => (plain, right),
        None if text.contains('\0') => (format!("convert_to({}, 'UTF8')", written()), Right::Bytes(text.into())),
        None => (written(), Right::Text(text.to_owned())),
    }
}

/// 0 where the column has a value: for comparing with what comes before or behind all of them.
fn apart(plain: &str) -> String {
    format!("(CASE WHEN {plain} IS NOT NULL THEN 0 END)")
}

/// A column's text as projections write it, in the order of its bytes. For numbers and truth values there is none.
pub(crate) fn text_of(kind: Kind, alias: &str, column: &str) -> String {
    let plain = format!("{alias}.{}", quoted(column));
    match kind {
        Kind::Text => plain,
        Kind::Number | Kind::Truth => "NULL::text".to_owned(),
        Kind::Id => format!("({plain}::text COLLATE \"C\")"),
        Kind::Moment => {
            format!("(to_char({plain} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') COLLATE \"C\")")
        }
        Kind::List => format!("(array_to_string({plain}, ',') COLLATE \"C\")"),
        Kind::Json => format!(
            "((SELECT '[' || coalesce(string_agg(item::text, ',' ORDER BY place), '') || ']' \
             FROM jsonb_array_elements({plain}) WITH ORDINALITY AS items (item, place) WHERE {plain} IS NOT NULL \
             HAVING {plain} IS NOT NULL) COLLATE \"C\")"
        ),
    }
}

impl Right {
    /// Binds it.
    pub fn push(self, built: &mut QueryBuilder<Postgres>) {
        match self {
            Self::Text(text) => built.push_bind(text),
            Self::Bytes(bytes) => built.push_bind(bytes),
            Self::Number(number) => built.push_bind(number),
            Self::Truth(truth) => built.push_bind(truth),
            Self::Id(id) => built.push_bind(id),
            Self::Moment(moment) => built.push_bind(moment),
            Self::Constant(constant) => built.push(constant),
        };
    }
}
