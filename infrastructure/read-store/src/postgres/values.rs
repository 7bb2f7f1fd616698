//! Values bound to statements, one by one and as whole columns.

use super::columns::{Kind, id};
use crate::tables::{Cell, Misshapen};
use domain::value::Timestamp;
use sqlx::{Postgres, QueryBuilder, types::Uuid};
use time::OffsetDateTime;

/// A column of values, as PostgreSQL takes it in one array.
pub(crate) enum Values {
    Texts(Vec<Option<String>>),
    Numbers(Vec<Option<i64>>),
    Truths(Vec<Option<bool>>),
    Ids(Vec<Option<Uuid>>),
    Moments(Vec<Option<OffsetDateTime>>),
}

impl Values {
    /// The cells of a column of this kind. Lists and JSON are bound as texts and made in the statement.
    pub fn of<'c>(
        table: &'static str,
        kind: Kind,
        cells: impl Iterator<Item = Option<&'c Cell>>,
    ) -> Result<Self, Misshapen> {
        let misshapen = Misshapen { table };
        let cells: Option<Vec<&Cell>> = cells.map(|cell| cell.filter(|cell| kind.fits(cell))).collect();
        let cells = cells.ok_or(misshapen)?;
        Ok(match kind {
            Kind::Text | Kind::List | Kind::Json => {
                Self::Texts(cells.into_iter().map(|cell| text(cell).map(str::to_owned)).collect())
            }
            Kind::Number => Self::Numbers(cells.into_iter().map(number).collect()),
            Kind::Truth => Self::Truths(cells.into_iter().map(|cell| number(cell).map(|number| number == 1)).collect()),
            Kind::Id => Self::Ids(cells.into_iter().map(|cell| text(cell).and_then(id)).collect()),
            Kind::Moment => Self::Moments(cells.into_iter().map(|cell| text(cell).and_then(moment)).collect()),
        })
    }

    /// Binds them as one array.
    pub fn push(self, built: &mut QueryBuilder<Postgres>) {
        match self {
            Self::Texts(texts) => built.push_bind(texts).push("::text[]"),
            Self::Numbers(numbers) => built.push_bind(numbers).push("::bigint[]"),
            Self::Truths(truths) => built.push_bind(truths).push("::boolean[]"),
            Self::Ids(ids) => built.push_bind(ids).push("::uuid[]"),
            Self::Moments(moments) => built.push_bind(moments).push("::timestamptz[]"),
        };
    }
}

fn text(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Text(text) => Some(text),
        Cell::Null | Cell::Integer(_) => None,
    }
}

fn number(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Integer(number) => Some(*number),
        Cell::Null | Cell::Text(_) => None,
    }
}

/// The moment that is written so.
pub(crate) fn moment(text: &str) -> Option<OffsetDateTime> {
    let moment: Timestamp = text.parse().ok()?;
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(moment.unix_ms()) * 1_000_000).ok()
}

/// A moment as projections write it; `None` for what none of them writes.
pub(crate) fn moment_text(moment: OffsetDateTime) -> Option<String> {
    let ms = u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok()?;
    Some(Timestamp::from_unix_ms(ms).to_string())
}
