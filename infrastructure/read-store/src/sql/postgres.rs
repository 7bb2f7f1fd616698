//! PostgreSQL: many write at a time, so that what is looked at before a change must be held.

use super::{Ask, Cells, Query, Sql, Value};
use sqlx::{PgConnection, Postgres, Row as _, postgres::PgRow};
use uuid::Uuid;

impl Sql for PgConnection {
    type Row = PgRow;

    fn holding(table: &str) -> String {
        format!(" FOR NO KEY UPDATE OF {table}")
    }

    fn skipping_held(table: &str) -> String {
        format!(" FOR UPDATE OF {table} SKIP LOCKED")
    }

    async fn rows(&mut self, ask: Ask) -> Result<Vec<PgRow>, sqlx::Error> {
        ask.query(bind).fetch_all(self).await
    }

    async fn done(&mut self, ask: Ask) -> Result<u64, sqlx::Error> {
        Ok(ask.query(bind).execute(self).await?.rows_affected())
    }
}

fn bind(query: Query<Postgres>, value: Value) -> Query<Postgres> {
    match value {
        Value::Id(id) => query.bind(id),
        Value::Number(number) => query.bind(number),
        Value::Flag(flag) => query.bind(flag),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
    }
}

impl Cells for PgRow {
    fn id_or_none(&self, column: &str) -> Result<Option<Uuid>, sqlx::Error> {
        self.try_get(column)
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
