//! Rows, page by page, from one connection to another.

use super::tables::{KeptTable, Kind, Set};
use crate::sql::{Cells, Sql, Value, ask, ask_made};
use sqlx::{PgConnection, SqliteConnection};

/// Rows read in one step. With the columns of the widest table, far fewer values than a statement may have.
const PAGE: usize = 500;

/// A connection to a place.
pub(super) trait Side: Sql {
    /// Whether it is to a file.
    const IS_FILE: bool;
    /// Begins to read all as of one moment.
    const READING: &'static str;
    /// Begins to write.
    const WRITING: &'static [&'static str];
}

impl Side for SqliteConnection {
    const IS_FILE: bool = true;
    const READING: &'static str = "BEGIN";
    const WRITING: &'static [&'static str] = &["BEGIN IMMEDIATE"];
}

impl Side for PgConnection {
    const IS_FILE: bool = false;
    const READING: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    // However many rows there are.
    const WRITING: &'static [&'static str] = &["BEGIN", "SET LOCAL statement_timeout = 0"];
}

/// Where something failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// Where rows are taken from.
    Source(sqlx::Error),
    /// Where they go.
    Target(sqlx::Error),
    /// The target is in use.
    InUse,
}

/// Puts the source's rows in place of the target's, in one transaction, and marks them as copied. How many there are.
pub(super) async fn replace<A: Side, B: Side>(source: &mut A, target: &mut B, set: &Set) -> Result<u64, Fault> {
    ask(A::READING).run(source).await.map_err(Fault::Source)?;
    for begin in B::WRITING {
        ask(begin).run(target).await.map_err(Fault::Target)?;
    }
    let origin = ask_made(format!("SELECT is_copied FROM origin{}", B::holding("origin")));
    let origin = origin.first(target).await.map_err(Fault::Target)?;
    let is_copied = origin.map_or(Ok(false), |row| row.flag("is_copied")).map_err(Fault::Target)?;
    if !is_copied && !is_unused(target, set).await.map_err(Fault::Target)? {
        return Err(Fault::InUse);
    }
    let copied = copy_rows(source, target, set).await?;
    let mark = ask("UPDATE origin SET is_copied = $1").with(Value::Flag(true));
    mark.run(target).await.map_err(Fault::Target)?;
    ask("COMMIT").run(target).await.map_err(Fault::Target)?;
    ask("COMMIT").run(source).await.map_err(Fault::Source)?;
    Ok(copied)
}

/// Whether nobody has used a set yet.
pub(super) async fn is_unused<S: Side>(connection: &mut S, set: &Set) -> Result<bool, sqlx::Error> {
    for table in set.telling {
        if ask_made(format!("SELECT 1 AS one FROM {table} LIMIT 1")).first(connection).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Puts the source's rows in place of the target's. How many there are.
pub(super) async fn copy_rows<A: Side, B: Side>(source: &mut A, target: &mut B, set: &Set) -> Result<u64, Fault> {
    for table in set.tables.iter().rev() {
        ask_made(format!("DELETE FROM {}", table.name::<B>())).run(target).await.map_err(Fault::Target)?;
    }
    let mut copied = 0;
    for table in set.tables {
        let mut last = None;
        loop {
            let page = page(source, table, last.as_deref()).await.map_err(Fault::Source)?;
            insert(target, table, &page).await.map_err(Fault::Target)?;
            copied += page.len() as u64;
            if page.len() < PAGE {
                break;
            }
            last = page.into_iter().next_back();
        }
    }
    Ok(copied)
}

impl KeptTable {
    fn name<S: Side>(&self) -> &'static str {
        if S::IS_FILE { self.in_file } else { self.in_database }
    }

    fn columns(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// The rows after one, in the order of their keys.
async fn page<S: Side>(
    source: &mut S,
    table: &KeptTable,
    last: Option<&[Value]>,
) -> Result<Vec<Vec<Value>>, sqlx::Error> {
    let (columns, name) = (table.columns(), table.name::<S>());
    let key: Vec<_> = table.columns.iter().take(table.key).map(|(name, _)| *name).collect();
    let query = match (key.is_empty(), last) {
        (true, _) => ask_made(format!("SELECT {columns} FROM {name}")),
        (false, None) => ask_made(format!("SELECT {columns} FROM {name} ORDER BY {} LIMIT {PAGE}", key.join(", "))),
        (false, Some(last)) => {
            let key = key.join(", ");
            let places: Vec<_> = (1..=table.key).map(|place| format!("${place}")).collect();
            let query = ask_made(format!(
                "SELECT {columns} FROM {name} WHERE ({key}) > ({}) ORDER BY {key} LIMIT {PAGE}",
                places.join(", ")
            ));
            let key = last.iter().zip(table.columns).take(table.key);
            key.fold(query, |query, (value, (_, kind))| query.with(fitting::<S>(value.clone(), *kind)))
        }
    };
    query.all(source).await?.iter().map(|row| values(row, table)).collect()
}

fn values(row: &impl Cells, table: &KeptTable) -> Result<Vec<Value>, sqlx::Error> {
    let value = |(name, kind): &(&'static str, Kind)| {
        Ok(match kind {
            Kind::Id | Kind::IdText => Value::Id(row.id_or_none(name)?),
            Kind::Number => Value::Number(row.number_or_none(name)?),
            Kind::Flag => Value::Flag(row.flag(name)?),
            Kind::Text => Value::Text(row.text_or_none(name)?),
            Kind::Bytes => Value::Bytes(row.bytes_or_none(name)?),
        })
    };
    table.columns.iter().map(value).collect()
}

async fn insert<S: Side>(target: &mut S, table: &KeptTable, rows: &[Vec<Value>]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let width = table.columns.len();
    let row = |number: usize| {
        let places: Vec<_> = (1..=width).map(|place| format!("${}", number * width + place)).collect();
        format!("({})", places.join(", "))
    };
    let all: Vec<_> = (0..rows.len()).map(row).collect();
    let (name, columns) = (table.name::<S>(), table.columns());
    let mut statement = ask_made(format!("INSERT INTO {name} ({columns}) VALUES {}", all.join(", ")));
    for row in rows {
        for (value, (_, kind)) in row.iter().zip(table.columns) {
            statement = statement.with(fitting::<S>(value.clone(), *kind));
        }
    }
    statement.run(target).await.map(drop)
}

/// A value as a place keeps it.
fn fitting<S: Side>(value: Value, kind: Kind) -> Value {
    match value {
        Value::Id(id) if S::IS_FILE && kind == Kind::IdText => Value::Text(id.map(|id| id.to_string())),
        other => other,
    }
}
