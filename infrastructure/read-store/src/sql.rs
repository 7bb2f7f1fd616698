//! Statements that SQLite and PostgreSQL understand alike, so that what differs is a place to keep rows and not what is
//! asked of them. Deliberately absent: rows of read models, whose columns are told by the projections (`tables`).

mod cells;
mod postgres;
mod sqlite;
mod value;

pub(crate) use cells::{Cells, misshapen};
pub(crate) use value::Value;

use domain::value::{Sha256, Timestamp};
use sqlx::{AssertSqlSafe, Database, SqlSafeStr as _, SqlStr};
use std::{future::Future, pin::Pin};
use uuid::Uuid;

/// What is done with a connection. Done anew with the same arguments when its transaction came to nothing.
pub(crate) type Work<Connection, Asked, Done> = for<'all> fn(&'all mut Connection, &'all Asked) -> Doing<'all, Done>;

/// Work under way.
pub(crate) type Doing<'all, Done> = Pin<Box<dyn Future<Output = Result<Done, sqlx::Error>> + Send + 'all>>;

/// A connection.
pub(crate) trait Sql: Send {
    /// What it gives.
    type Row: Cells;

    /// What follows a query whose rows are held until the transaction ends, where others may write meanwhile.
    fn holding(table: &str) -> String;

    /// What follows a query that holds its rows, and leaves out those that others hold.
    fn skipping_held(table: &str) -> String;

    /// Asks, and gives the rows.
    fn rows(&mut self, ask: Ask) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// Does something, and gives how many rows that concerned.
    fn done(&mut self, ask: Ask) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;
}

/// A statement with its values, which stand for `$1`, `$2` … in it.
pub(crate) struct Ask {
    text: SqlStr,
    values: Vec<Value>,
}

/// A statement that stands in the program.
pub(crate) fn ask(text: &'static str) -> Ask {
    Ask { text: text.into_sql_str(), values: vec![] }
}

/// A statement put together of what stands in the program: values are bound.
pub(crate) fn ask_made(text: String) -> Ask {
    Ask { text: AssertSqlSafe(text).into_sql_str(), values: vec![] }
}

impl Ask {
    /// The next value.
    pub fn with(mut self, value: Value) -> Self {
        self.values.push(value);
        self
    }

    /// The next value, an id.
    pub fn id(self, id: Uuid) -> Self {
        self.with(Value::Id(Some(id)))
    }

    /// The next value, an id or none.
    pub fn id_or_none(self, id: Option<Uuid>) -> Self {
        self.with(Value::Id(id))
    }

    /// The next value, a digest.
    pub fn digest(self, digest: &Sha256) -> Self {
        self.bytes(digest.as_bytes().to_vec())
    }

    /// The next value, bytes.
    pub fn bytes(self, bytes: Vec<u8>) -> Self {
        self.with(Value::Bytes(Some(bytes)))
    }

    /// The next value, a text.
    pub fn text(self, text: impl Into<String>) -> Self {
        self.with(Value::Text(Some(text.into())))
    }

    /// The next value, a number. One that is too large is as large as can be.
    pub fn count(self, number: u64) -> Self {
        self.number(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// The next value, a number.
    pub fn number(self, number: i64) -> Self {
        self.with(Value::Number(Some(number)))
    }

    /// The next value, a time, in milliseconds since 1970.
    pub fn time(self, moment: Timestamp) -> Self {
        self.count(moment.unix_ms())
    }

    /// The next value, a time or none.
    pub fn time_or_none(self, moment: Option<Timestamp>) -> Self {
        match moment {
            Some(moment) => self.time(moment),
            None => self.with(Value::Number(None)),
        }
    }

    /// The statement as SQLx takes it.
    fn query<Db: Database>(self, bind: impl Fn(Query<Db>, Value) -> Query<Db>) -> Query<Db> {
        self.values.into_iter().fold(sqlx::query(self.text), bind)
    }

    /// Runs it on a connection; how many rows that concerned.
    pub async fn run<S: Sql>(self, connection: &mut S) -> Result<u64, sqlx::Error> {
        connection.done(self).await
    }

    /// Its rows.
    pub async fn all<S: Sql>(self, connection: &mut S) -> Result<Vec<S::Row>, sqlx::Error> {
        connection.rows(self).await
    }

    /// Its first row, if there is one.
    pub async fn first<S: Sql>(self, connection: &mut S) -> Result<Option<S::Row>, sqlx::Error> {
        Ok(connection.rows(self).await?.into_iter().next())
    }
}

type Query<Db> = sqlx::query::Query<'static, Db, <Db as Database>::Arguments>;
