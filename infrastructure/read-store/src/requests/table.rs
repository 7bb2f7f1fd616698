//! Rows of requests: read, written, forgotten.

use super::writer::Ask;
use crate::error::StoreError;
use application::ports::{
    key_vault::Key,
    request_store::{Answer, KEY_LIFETIME_MS, RequestIds},
};
use domain::value::{Sha256, Timestamp};
use event_codec::{SealError, open_bytes, seal_bytes};
use serde_json::json;
use sqlx::{Row as _, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use std::collections::HashMap;

/// Expired rows removed with one group at most: more than can begin in one, so that they go faster than
/// they come, and few enough that nobody waits for it.
const FORGOTTEN_MAX: i64 = 1_024;

/// Tenant, and digest of the key.
pub(super) type Name = (String, Sha256);

/// A request as it is known.
pub(super) struct Request {
    /// Digest of what was asked.
    pub fingerprint: Sha256,
    /// Its ids.
    pub ids: RequestIds,
    /// When its key began for the first time.
    pub begun_at: Timestamp,
    /// How far it is.
    pub state: State,
}

/// How far a request is.
pub(super) enum State {
    /// This process carries it out.
    Running,
    /// Nobody does.
    Free,
    /// It is answered.
    Answered(Answer),
}

/// Counts this opening of the file.
pub(super) async fn next_opening(writer: &SqlitePool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("UPDATE openings SET number = number + 1 RETURNING number").fetch_one(writer).await
}

/// The requests that are asked for, where they are known and not past their time.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    asks: &[Ask],
    opening: i64,
    now: Timestamp,
    seal: &Key,
) -> Result<Result<HashMap<Name, Request>, StoreError>, sqlx::Error> {
    let names: Vec<_> = asks.iter().map(|ask| json!([ask.name.0, ask.name.1])).collect();
    let found = sqlx::query(
        "SELECT requests.* FROM json_each(?1) AS wanted CROSS JOIN requests \
         ON requests.tenant = wanted.value ->> 0 AND requests.key = wanted.value ->> 1 WHERE requests.begun_ms > ?2",
    )
    .bind(json!(names).to_string())
    .bind(last_expired(now))
    .fetch_all(connection)
    .await?;
    let requests = found
        .iter()
        .map(|row| read(row, opening, seal).ok_or(StoreError::Misshapen(crate::Misshapen { table: "requests" })));
    Ok(requests.collect())
}

/// The body of a request's answer as it is kept, if it is answered.
pub(super) fn sealed(name: &Name, state: &State, seal: &Key) -> Result<Option<Vec<u8>>, SealError> {
    match state {
        State::Running | State::Free => Ok(None),
        State::Answered(answer) => seal_bytes(seal, &context(name), &answer.body).map(Some),
    }
}

/// How far a request is that has an answer, as it is kept; `None` when that has another shape. Without its key, or altered,
/// it is worth no more than no answer.
pub(super) fn answered(name: &Name, status: u16, headers: &str, sealed: &[u8], seal: &Key) -> Option<State> {
    let headers = serde_json::from_str(headers).ok()?;
    Some(match open_bytes(seal, &context(name), sealed) {
        Ok(body) => State::Answered(Answer { status, headers, body }),
        Err(_) => State::Free,
    })
}

/// What a kept answer is bound to.
fn context((tenant, key): &Name) -> Vec<u8> {
    format!("request {key} {tenant}").into_bytes()
}

/// Writes a request, new or not, with its sealed answer.
pub(super) async fn save(
    connection: &mut SqliteConnection,
    name: &Name,
    request: &Request,
    sealed: Option<Vec<u8>>,
    opening: i64,
) -> Result<(), sqlx::Error> {
    let (opening, answer) = match &request.state {
        State::Running => (opening, None),
        State::Free => (0, None),
        State::Answered(answer) => (0, Some(answer)),
    };
    sqlx::query("INSERT OR REPLACE INTO requests VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")
        .bind(name.0.clone())
        .bind(name.1.to_string())
        .bind(request.fingerprint.to_string())
        .bind(request.ids.command.to_string())
        .bind(request.ids.resource.to_string())
        .bind(i64::try_from(request.begun_at.unix_ms()).unwrap_or(i64::MAX))
        .bind(opening)
        .bind(answer.map(|answer| answer.status))
        .bind(answer.map(|answer| json!(answer.headers).to_string()))
        .bind(sealed)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes some of the rows that are past their time, the oldest first.
pub(super) async fn forget_expired(connection: &mut SqliteConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM requests WHERE rowid IN \
         (SELECT rowid FROM requests WHERE begun_ms <= ?1 ORDER BY begun_ms LIMIT ?2)",
    )
    .bind(last_expired(now))
    .bind(FORGOTTEN_MAX)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whoever began at this moment, in milliseconds, or before is past its time; -1 when nobody can be.
pub(super) fn last_expired(now: Timestamp) -> i64 {
    let last = now.unix_ms().checked_sub(KEY_LIFETIME_MS).and_then(|last| i64::try_from(last).ok());
    last.unwrap_or(-1)
}

fn read(row: &SqliteRow, opening: i64, seal: &Key) -> Option<(Name, Request)> {
    let text = |column: &str| row.try_get::<String, _>(column).ok();
    let name = (text("tenant")?, text("key")?.parse().ok()?);
    let status: Option<u16> = row.try_get("status").ok()?;
    let running: i64 = row.try_get("opening").ok()?;
    let state = match status {
        Some(status) => answered(&name, status, &text("headers")?, row.try_get("body").ok()?, seal)?,
        None if running == opening => State::Running,
        None => State::Free,
    };
    let ids = RequestIds { command: text("command")?.parse().ok()?, resource: text("resource")?.parse().ok()? };
    let begun_at = Timestamp::from_unix_ms(u64::try_from(row.try_get::<i64, _>("begun_ms").ok()?).ok()?);
    Some((name, Request { fingerprint: text("fingerprint")?.parse().ok()?, ids, begun_at, state }))
}
