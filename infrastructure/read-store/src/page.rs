//! Statements over the rows that meet conditions: pages, counts, sums.
//!
//! A page begins behind a place, not after a number of rows, so that an index leads there and rows that
//! come or go meanwhile move nothing. Names are this program's own constants; everything else is bound.

use crate::{
    error::StoreError,
    sql::{Statement, list, quoted},
    value::{Cell, cell},
};
use application::ports::read_store::{Condition, PageQuery, Table};
use serde_json::Value;
use sqlx::{QueryBuilder, Sqlite};

/// Reads a page. What comes behind a place is up to two ranges of the order, for nulls compare with
/// nothing: each is read through the index by itself, and the least of both are taken.
pub(crate) fn page(table: &'static Table, query: &PageQuery) -> Result<Statement, StoreError> {
    let order = known(table, query.order.column)?;
    let conditions = judged(table, &query.conditions)?;
    let direction = if query.order.descending { " DESC" } else { "" };
    let sorted = std::iter::once(&order).chain(table.key).map(|column| format!("{}{direction}", quoted(column)));
    let sorted = format!(" ORDER BY {} LIMIT ", sorted.collect::<Vec<_>>().join(", "));
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let ranges = match &query.after {
        None => vec![Range::All],
        Some(after) => ranges(place(table, after)?, query.order.descending),
    };
    let columns = list(table.columns);
    let mut built = QueryBuilder::new(format!("SELECT {columns} FROM ("));
    for (number, range) in ranges.iter().enumerate() {
        let joint = if number == 0 { "" } else { " UNION ALL " };
        built.push(format!("{joint}SELECT * FROM (SELECT {columns} FROM {}", quoted(table.name)));
        built.push(" WHERE ");
        range.push(table, order, &mut built);
        push_all(&conditions, &mut built);
        built.push(&sorted).push_bind(limit).push(")");
    }
    built.push(")").push(&sorted).push_bind(limit);
    Ok(Statement { query: built, persistent: true })
}

/// Counts rows.
pub(crate) fn count(table: &'static Table, conditions: &[Condition]) -> Result<Statement, StoreError> {
    over_all(table, "count(*)", conditions)
}

/// Adds columns up, each in a column of the answer. There is at least one.
pub(crate) fn sums(
    table: &'static Table,
    columns: &[&'static str],
    conditions: &[Condition],
) -> Result<Statement, StoreError> {
    let sum = |column: &&'static str| Ok(format!("coalesce(sum({}), 0)", quoted(known(table, column)?)));
    let sums = columns.iter().map(sum).collect::<Result<Vec<_>, StoreError>>()?;
    over_all(table, &sums.join(", "), conditions)
}

fn over_all(table: &'static Table, what: &str, conditions: &[Condition]) -> Result<Statement, StoreError> {
    let judged = judged(table, conditions)?;
    let mut built = QueryBuilder::new(format!("SELECT {what} FROM {} WHERE 1", quoted(table.name)));
    push_all(&judged, &mut built);
    Ok(Statement { query: built, persistent: true })
}

/// A part of the order.
enum Range {
    All,
    /// Not null.
    NonNull,
    /// Null.
    Null,
    /// Behind these values of order and key, the former not null: `>` or `<`.
    Behind(&'static str, Vec<Cell>),
    /// Null, and the key behind this one.
    NullBehind(&'static str, Vec<Cell>),
}

/// What comes behind a place. Nulls are the least of all values.
fn ranges(mut place: Vec<Cell>, descending: bool) -> Vec<Range> {
    match (matches!(place.first(), Some(Cell::Null)), descending) {
        (true, false) => vec![Range::NullBehind(" > ", place.split_off(1)), Range::NonNull],
        (true, true) => vec![Range::NullBehind(" < ", place.split_off(1))],
        (false, false) => vec![Range::Behind(" > ", place)],
        (false, true) => vec![Range::Behind(" < ", place), Range::Null],
    }
}

impl Range {
    fn push(&self, table: &'static Table, order: &'static str, built: &mut QueryBuilder<Sqlite>) {
        let column = quoted(order);
        match self {
            Range::All => built.push("1"),
            Range::NonNull => built.push(format!("{column} IS NOT NULL")),
            Range::Null => built.push(format!("{column} IS NULL")),
            Range::Behind(than, place) => {
                built.push(format!("({column}, {}){than}", list(table.key)));
                push_list(place, built)
            }
            Range::NullBehind(than, key) => {
                built.push(format!("{column} IS NULL AND ({}){than}", list(table.key)));
                push_list(key, built)
            }
        };
    }
}

/// A condition whose column and values fit the table.
enum Judged {
    Is(&'static str, Cell),
    /// One of these, none of them null; or null, where that was among them.
    OneOf(&'static str, Vec<Cell>, bool),
    AtLeast(&'static str, Cell),
    Below(&'static str, Cell),
    Contains(&'static str, String),
    Holds(&'static str, String),
    Never,
}

fn judged(table: &'static Table, conditions: &[Condition]) -> Result<Vec<Judged>, StoreError> {
    conditions.iter().map(|condition| judge(table, condition)).collect()
}

fn judge(table: &'static Table, condition: &Condition) -> Result<Judged, StoreError> {
    let column = known(table, condition.column())?;
    let bound = |value: &Value| cell(value).ok_or(StoreError::Misshapen { table: table.name });
    Ok(match condition {
        Condition::Equals(_, value) => Judged::Is(column, bound(value)?),
        Condition::OneOf(_, values) => {
            let values = values.iter().map(bound).collect::<Result<Vec<_>, _>>()?;
            let (nulls, values): (Vec<_>, Vec<_>) = values.into_iter().partition(|cell| matches!(cell, Cell::Null));
            Judged::OneOf(column, values, !nulls.is_empty())
        }
        Condition::AtLeast(_, value) => Judged::AtLeast(column, bound(value)?),
        Condition::Below(_, value) => Judged::Below(column, bound(value)?),
        Condition::Contains(_, part) => Judged::Contains(column, part.to_ascii_lowercase()),
        Condition::Holds(_, item) if item.is_empty() || item.contains(',') => Judged::Never,
        Condition::Holds(_, item) => Judged::Holds(column, format!(",{item},")),
    })
}

fn push_all(conditions: &[Judged], built: &mut QueryBuilder<Sqlite>) {
    for condition in conditions {
        built.push(" AND ");
        condition.push(built);
    }
}

impl Judged {
    fn push(&self, built: &mut QueryBuilder<Sqlite>) {
        match self {
            Judged::Is(column, Cell::Null) => {
                built.push(quoted(column)).push(" IS NULL");
            }
            // Not IS: an index that leaves nulls out is used only where there can be none.
            Judged::Is(column, cell) => {
                built.push(quoted(column)).push(" = ");
                push_cell(cell, built);
            }
            Judged::OneOf(column, cells, or_null) => {
                let column = quoted(column);
                // Bound as one list: as many values as may be, in one statement text.
                built.push(format!("({column} IN (SELECT value FROM json_each("));
                built.push_bind(json_list(cells)).push("))");
                built.push(if *or_null { format!(" OR {column} IS NULL)") } else { ")".to_owned() });
            }
            Judged::AtLeast(column, cell) => {
                built.push(quoted(column)).push(" >= ");
                push_cell(cell, built);
            }
            Judged::Below(column, cell) => {
                built.push(quoted(column)).push(" < ");
                push_cell(cell, built);
            }
            // Not LIKE: there, some characters mean more than themselves.
            Judged::Contains(column, part) => {
                let column = quoted(column);
                built.push(format!("(typeof({column}) = 'text' AND instr(lower({column}), "));
                built.push_bind(part.clone()).push("))");
            }
            Judged::Holds(column, item) => {
                let column = quoted(column);
                built.push(format!("(typeof({column}) = 'text' AND instr(',' || {column} || ',', "));
                built.push_bind(item.clone()).push("))");
            }
            Judged::Never => {
                built.push("0");
            }
        }
    }
}

fn push_cell(cell: &Cell, built: &mut QueryBuilder<Sqlite>) {
    cell.clone().bind(&mut built.separated(""));
}

fn push_list<'built>(cells: &[Cell], built: &'built mut QueryBuilder<Sqlite>) -> &'built mut QueryBuilder<Sqlite> {
    built.push("(");
    let mut values = built.separated(", ");
    cells.iter().for_each(|cell| cell.clone().bind(&mut values));
    built.push(")")
}

fn json_list(cells: &[Cell]) -> String {
    let values = cells.iter().map(|cell| match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => Value::from(*number),
        Cell::Text(text) => Value::from(text.as_str()),
    });
    Value::Array(values.collect()).to_string()
}

/// SQLite would take an unknown name in double quotes for a text.
fn known(table: &'static Table, column: &'static str) -> Result<&'static str, StoreError> {
    if table.columns.contains(&column) { Ok(column) } else { Err(StoreError::Misshapen { table: table.name }) }
}

fn place(table: &'static Table, after: &[Value]) -> Result<Vec<Cell>, StoreError> {
    let cells: Option<Vec<Cell>> = after.iter().map(cell).collect();
    let complete = cells.filter(|cells| cells.len() == table.key.len() + 1);
    complete.ok_or(StoreError::Misshapen { table: table.name })
}
