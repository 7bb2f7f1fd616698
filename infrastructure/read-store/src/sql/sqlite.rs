//! SQLite: one writes at a time, so that nothing needs to be held.

use super::{Ask, Cells, Query, Sql, Value, misshapen};
use sqlx::{Row as _, Sqlite, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

impl Sql for SqliteConnection {
    type Row = SqliteRow;

    fn holding(_table: &str) -> String {
        String::new()
    }

    fn skipping_held(_table: &str) -> String {
        String::new()
    }

    async fn rows(&mut self, ask: Ask) -> Result<Vec<SqliteRow>, sqlx::Error> {
        ask.query(bind).fetch_all(self).await
    }

    async fn done(&mut self, ask: Ask) -> Result<u64, sqlx::Error> {
        Ok(ask.query(bind).execute(self).await?.rows_affected())
    }
}

fn bind(query: Query<Sqlite>, value: Value) -> Query<Sqlite> {
    match value {
        Value::Id(id) => query.bind(id.map(|id| id.as_bytes().to_vec())),
        Value::Number(number) => query.bind(number),
        Value::Flag(flag) => query.bind(flag),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
    }
}

impl Cells for SqliteRow {
    fn id_or_none(&self, column: &str) -> Result<Option<Uuid>, sqlx::Error> {
        let bytes: Option<Vec<u8>> = self.try_get(column)?;
        // Some files keep their 16 bytes, some their text.
        let id = |bytes: Vec<u8>| Uuid::from_slice(&bytes).or_else(|_| Uuid::try_parse_ascii(&bytes));
        bytes.map(|bytes| id(bytes).map_err(|error| misshapen(column, error))).transpose()
    }

    fn bytes_or_none(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
        self.try_get(column)
    }

    fn number_or_none(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(column)
    }

    fn text_or_none(&self, column: &str) -> Result<Option<String>, sqlx::Error> {
        self.try_get(column)
    }

    fn flag(&self, column: &str) -> Result<bool, sqlx::Error> {
        self.try_get(column)
    }
}
