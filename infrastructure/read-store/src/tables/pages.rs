//! Statements over the rows that meet conditions: pages, counts, sums.
//!
//! A page begins behind a place, not after a number of rows, so that an index leads there and rows that
//! come or go meanwhile move nothing.

use super::{
    cell::{Cell, Misshapen, cell},
    dialect::{Dialect, Statement, list, quoted},
};
use application::ports::read_store::{Condition, PageQuery, Table};
use serde_json::Value;
use sqlx::QueryBuilder;

/// Reads a page. What comes behind a place is up to two ranges of the order, for nulls compare with
/// nothing: each is read through the index by itself, and the least of both are taken.
pub(crate) fn page<D: Dialect>(
    dialect: &D,
    table: &'static Table,
    query: &PageQuery,
) -> Result<Statement<D::Db>, Misshapen> {
    let order = known(table, query.order.column)?;
    let conditions = judged(dialect, table, &query.conditions)?;
    let sorted = |alias: &str| {
        let terms = std::iter::once(&order).chain(table.key.iter().filter(|column| **column != order));
        let terms = terms.map(|column| dialect.ordered(table, alias, column, query.order.descending));
        format!(" ORDER BY {} LIMIT ", terms.collect::<Vec<_>>().join(", "))
    };
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let ranges = match &query.after {
        None => vec![Range::All],
        Some(after) => ranges(place(table, after)?, query.order.descending),
    };
    let (columns, name) = (list(table.columns), dialect.table(table));
    let read: Vec<_> = table.columns.iter().map(|column| dialect.read(table, "found", column)).collect();
    let mut built = QueryBuilder::new(format!("SELECT {} FROM (", read.join(", ")));
    for (number, range) in ranges.iter().enumerate() {
        let joint = if number == 0 { "" } else { " UNION ALL " };
        built.push(format!("{joint}SELECT * FROM (SELECT {columns} FROM {name} AS kept WHERE "));
        range.push(dialect, table, order, &mut built);
        push_all(dialect, table, &conditions, &mut built);
        built.push(sorted("kept"));
        dialect.push_number(&mut built, limit);
        built.push(") AS part");
    }
    built.push(") AS found").push(sorted("found"));
    dialect.push_number(&mut built, limit);
    Ok(Statement { query: built, persistent: true })
}

/// Counts rows.
pub(crate) fn count<D: Dialect>(
    dialect: &D,
    table: &'static Table,
    conditions: &[Condition],
) -> Result<Statement<D::Db>, Misshapen> {
    over_all(dialect, table, "count(*)", conditions)
}

/// Adds columns up, each in a column of the answer. There is at least one.
pub(crate) fn sums<D: Dialect>(
    dialect: &D,
    table: &'static Table,
    columns: &[&'static str],
    conditions: &[Condition],
) -> Result<Statement<D::Db>, Misshapen> {
    let sum =
        |column: &&'static str| Ok(format!("CAST(coalesce(sum({}), 0) AS bigint)", quoted(known(table, column)?)));
    let sums = columns.iter().map(sum).collect::<Result<Vec<_>, Misshapen>>()?;
    over_all(dialect, table, &sums.join(", "), conditions)
}

/// Reads something of all rows that meet the conditions.
pub(super) fn over_all<D: Dialect>(
    dialect: &D,
    table: &'static Table,
    what: &str,
    conditions: &[Condition],
) -> Result<Statement<D::Db>, Misshapen> {
    let judged = judged(dialect, table, conditions)?;
    let mut built = QueryBuilder::new(format!("SELECT {what} FROM {} AS kept WHERE TRUE", dialect.table(table)));
    push_all(dialect, table, &judged, &mut built);
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
    fn push<D: Dialect>(
        &self,
        dialect: &D,
        table: &'static Table,
        order: &'static str,
        built: &mut QueryBuilder<D::Db>,
    ) {
        let column = quoted(order);
        match self {
            Range::All => {
                built.push("TRUE");
            }
            Range::NonNull => {
                built.push(format!("{column} IS NOT NULL"));
            }
            Range::Null => {
                built.push(format!("{column} IS NULL"));
            }
            Range::Behind(than, place) => {
                let columns = std::iter::once(order).chain(table.key.iter().copied());
                dialect.push_compared(built, table, &columns.zip(place).collect::<Vec<_>>(), than);
            }
            Range::NullBehind(than, key) => {
                built.push(format!("{column} IS NULL AND "));
                let key: Vec<_> = table.key.iter().copied().zip(key).collect();
                dialect.push_compared(built, table, &key, than);
            }
        }
    }
}

/// A condition whose column and values fit the table.
enum Judged {
    IsNull(&'static str),
    Compared(&'static str, &'static str, Cell),
    /// One of these, none of them null; or null, where that was among them.
    OneOf(&'static str, Vec<Cell>, bool),
    Contains(&'static str, String),
    Holds(&'static str, String),
    Never,
}

fn judged<D: Dialect>(dialect: &D, table: &'static Table, conditions: &[Condition]) -> Result<Vec<Judged>, Misshapen> {
    conditions.iter().map(|condition| judge(dialect, table, condition)).collect()
}

fn judge<D: Dialect>(dialect: &D, table: &'static Table, condition: &Condition) -> Result<Judged, Misshapen> {
    let column = known(table, condition.column())?;
    let bound = |value: &Value| cell(value).ok_or(Misshapen { table: table.name });
    let than = |operator, value: &Value| match bound(value)? {
        Cell::Null => Ok(Judged::Never),
        cell => Ok(Judged::Compared(column, operator, cell)),
    };
    Ok(match condition {
        Condition::Equals(_, value) => match bound(value)? {
            Cell::Null => Judged::IsNull(column),
            // Not IS: an index that leaves nulls out is used only where there can be none.
            cell if dialect.is_possible(table, column, &cell) => Judged::Compared(column, " = ", cell),
            _ => Judged::Never,
        },
        Condition::OneOf(_, values) => {
            let values = values.iter().map(bound).collect::<Result<Vec<_>, _>>()?;
            let (nulls, mut values): (Vec<_>, Vec<_>) = values.into_iter().partition(|cell| *cell == Cell::Null);
            values.retain(|cell| dialect.is_possible(table, column, cell));
            Judged::OneOf(column, values, !nulls.is_empty())
        }
        Condition::AtLeast(_, value) => than(" >= ", value)?,
        Condition::Below(_, value) => than(" < ", value)?,
        Condition::Contains(_, part) => Judged::Contains(column, part.to_ascii_lowercase()),
        Condition::Holds(_, item) if item.is_empty() || item.contains(',') => Judged::Never,
        Condition::Holds(_, item) => Judged::Holds(column, item.clone()),
    })
}

fn push_all<D: Dialect>(dialect: &D, table: &'static Table, conditions: &[Judged], built: &mut QueryBuilder<D::Db>) {
    for condition in conditions {
        built.push(" AND ");
        condition.push(dialect, table, built);
    }
}

impl Judged {
    fn push<D: Dialect>(&self, dialect: &D, table: &'static Table, built: &mut QueryBuilder<D::Db>) {
        match self {
            Judged::IsNull(column) => {
                built.push(quoted(column)).push(" IS NULL");
            }
            Judged::Compared(column, operator, cell) => {
                dialect.push_compared(built, table, &[(column, cell)], operator);
            }
            Judged::OneOf(column, cells, or_null) => {
                built.push("(");
                dialect.push_one_of(built, table, column, cells);
                built.push(if *or_null { format!(" OR {} IS NULL)", quoted(column)) } else { ")".to_owned() });
            }
            Judged::Contains(column, part) => dialect.push_contains(built, table, column, part),
            Judged::Holds(column, item) => dialect.push_holds(built, table, column, item),
            Judged::Never => {
                built.push("FALSE");
            }
        }
    }
}

/// SQLite would take an unknown name in double quotes for a text.
fn known(table: &'static Table, column: &'static str) -> Result<&'static str, Misshapen> {
    if table.columns.contains(&column) { Ok(column) } else { Err(Misshapen { table: table.name }) }
}

fn place(table: &'static Table, after: &[Value]) -> Result<Vec<Cell>, Misshapen> {
    let cells: Option<Vec<Cell>> = after.iter().map(cell).collect();
    let complete = cells.filter(|cells| cells.len() == table.key.len() + 1);
    complete.ok_or(Misshapen { table: table.name })
}
