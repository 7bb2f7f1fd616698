//! Changes of deliveries, each in one transaction.

use super::row::{millis, position};
use application::ports::delivery_store::{
    ATTEMPTS_MAX, Attempt, DEAD_MS_MAX, DELIVERED_MS_MAX, DeliveryBatch, DeliveryState, NewDelivery, Next, Source,
};
use domain::value::{Timestamp, WebhookId};
use serde_json::json;
use sqlx::{Row as _, SqliteConnection, SqlitePool};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Old deliveries that are forgotten with one batch at most, of each state: more than come with most, and few enough
/// that nobody waits for it.
pub(super) const FORGOTTEN_MAX: i64 = 1_024;

/// A webhook and a subject, as they are kept.
type Line = (String, String);

/// Keeps a batch; `false` when its source is elsewhere.
pub(super) async fn enqueue(writer: SqlitePool, batch: DeliveryBatch) -> Result<bool, sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    if !advance(&mut change, &batch).await? {
        change.rollback().await?;
        return Ok(false);
    }
    let again = matches!(batch.source, Source::Replay(_));
    let mut lines = BTreeSet::new();
    for new in &batch.deliveries {
        if keep(&mut change, new, batch.now, again).await? {
            lines.insert((new.webhook.to_string(), new.subject.to_string()));
        }
    }
    for line in &lines {
        put_in_order(&mut change, line).await?;
    }
    forget_old(&mut change, batch.now).await?;
    change.commit().await?;
    Ok(true)
}

/// Compares and sets where the source is. A replay that has come to its end is over.
async fn advance(connection: &mut SqliteConnection, batch: &DeliveryBatch) -> Result<bool, sqlx::Error> {
    let (from, to) = (position(batch.from), position(batch.to));
    let moved = match batch.source {
        Source::Log => sqlx::query("UPDATE checkpoint SET position = ?1 WHERE position = ?2").bind(to).bind(from),
        Source::Replay(webhook) => {
            sqlx::query("UPDATE replays SET scanned_to = ?1 WHERE scanned_to = ?2 AND webhook = ?3")
                .bind(to)
                .bind(from)
                .bind(webhook.to_string())
        }
    };
    let moved = moved.execute(&mut *connection).await?.rows_affected() == 1;
    end_replays(connection).await?;
    Ok(moved)
}

async fn end_replays(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM replays WHERE scanned_to >= until").execute(connection).await?;
    Ok(())
}

/// Keeps a delivery, or has a known one wait again. Whether anything changed.
async fn keep(
    connection: &mut SqliteConnection,
    new: &NewDelivery,
    now: Timestamp,
    again: bool,
) -> Result<bool, sqlx::Error> {
    let text = if again {
        "INSERT INTO deliveries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'waiting', 0, 0, ?9, ?9, NULL, '[]') \
         ON CONFLICT (id) DO UPDATE SET state = 'waiting', failures = 0, since_ms = ?9, next_ms = ?9, ended_ms = NULL \
         WHERE state <> 'waiting'"
    } else {
        "INSERT INTO deliveries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'waiting', 0, 0, ?9, ?9, NULL, '[]') \
         ON CONFLICT (id) DO NOTHING"
    };
    let kept = sqlx::query(text)
        .bind(new.id.to_string())
        .bind(new.webhook.to_string())
        .bind(new.tenant.0.clone())
        .bind(new.event.to_string())
        .bind(new.kind.clone())
        .bind(position(new.position))
        .bind(new.subject.to_string())
        .bind(new.body.clone())
        .bind(millis(now))
        .execute(connection)
        .await?;
    Ok(kept.rows_affected() == 1)
}

/// Marks the first of a line that waits, and no other one.
async fn put_in_order(connection: &mut SqliteConnection, (webhook, subject): &Line) -> Result<(), sqlx::Error> {
    let first: Option<i64> = sqlx::query_scalar(
        "SELECT min(position) FROM deliveries WHERE webhook = ?1 AND subject = ?2 AND state = 'waiting'",
    )
    .bind(webhook.clone())
    .bind(subject.clone())
    .fetch_one(&mut *connection)
    .await?;
    let steps = [
        "UPDATE deliveries SET is_head = 0 \
         WHERE webhook = ?1 AND subject = ?2 AND state = 'waiting' AND position > ?3 AND is_head = 1",
        "UPDATE deliveries SET is_head = 1 \
         WHERE webhook = ?1 AND subject = ?2 AND state = 'waiting' AND position = ?3 AND is_head = 0",
    ];
    for step in steps {
        sqlx::query(step).bind(webhook.clone()).bind(subject.clone()).bind(first).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn forget_old(connection: &mut SqliteConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    for (state, kept_ms) in [(DeliveryState::Delivered, DELIVERED_MS_MAX), (DeliveryState::Dead, DEAD_MS_MAX)] {
        let last = now.unix_ms().checked_sub(kept_ms).and_then(|last| i64::try_from(last).ok());
        sqlx::query(
            "DELETE FROM deliveries WHERE rowid IN (SELECT rowid FROM deliveries \
             WHERE state = ?1 AND ended_ms IS NOT NULL AND ended_ms <= ?2 ORDER BY ended_ms LIMIT ?3)",
        )
        .bind(state.name())
        .bind(last.unwrap_or(-1))
        .bind(FORGOTTEN_MAX)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Begins a replay up to the checkpoint, unless that has come to where it was asked for.
pub(super) async fn replay(
    writer: SqlitePool,
    tenant: String,
    webhook: WebhookId,
    scanned_to: u64,
    asked_at: u64,
) -> Result<(), sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("INSERT OR REPLACE INTO replays SELECT ?1, ?2, ?3, position FROM checkpoint WHERE position < ?4")
        .bind(webhook.to_string())
        .bind(tenant)
        .bind(position(scanned_to))
        .bind(position(asked_at))
        .execute(&mut *change)
        .await?;
    end_replays(&mut change).await?;
    change.commit().await
}

/// Keeps what came of an attempt.
pub(super) async fn outcome(writer: SqlitePool, id: Uuid, attempt: Attempt, next: Next) -> Result<(), sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    let Some(line) = note(&mut change, id, &attempt).await? else {
        return change.rollback().await;
    };
    let ended = millis(attempt.at);
    let step = match next {
        Next::Delivered => {
            sqlx::query("UPDATE deliveries SET state = 'delivered', is_head = 0, ended_ms = ?2 WHERE id = ?1")
                .bind(id.to_string())
                .bind(ended)
        }
        Next::RetryAt(at) => sqlx::query(
            "UPDATE deliveries SET failures = failures + 1, next_ms = ?2 WHERE id = ?1 AND state = 'waiting'",
        )
        .bind(id.to_string())
        .bind(millis(at)),
        Next::Dead => sqlx::query(
            "UPDATE deliveries SET failures = failures + 1, state = 'dead', is_head = 0, ended_ms = ?2 \
             WHERE id = ?1 AND state = 'waiting'",
        )
        .bind(id.to_string())
        .bind(ended),
    };
    step.execute(&mut *change).await?;
    put_in_order(&mut change, &line).await?;
    change.commit().await
}

/// Adds an attempt to a delivery, and drops its oldest one if there are too many. The delivery's line; `None` when it
/// is not known.
async fn note(connection: &mut SqliteConnection, id: Uuid, attempt: &Attempt) -> Result<Option<Line>, sqlx::Error> {
    let noted = sqlx::query(
        "UPDATE deliveries SET attempts = json_insert(CASE WHEN json_array_length(attempts) >= ?2 \
         THEN json_remove(attempts, '$[0]') ELSE attempts END, '$[#]', json(?3)) WHERE id = ?1 \
         RETURNING webhook, subject",
    )
    .bind(id.to_string())
    .bind(i64::try_from(ATTEMPTS_MAX).unwrap_or(i64::MAX))
    .bind(json!(attempt).to_string())
    .fetch_optional(connection)
    .await?;
    noted.map(|row| Ok((row.try_get("webhook")?, row.try_get("subject")?))).transpose()
}

/// Gives up everything that waits for a webhook.
pub(super) async fn give_up(writer: SqlitePool, webhook: WebhookId, why: Attempt) -> Result<u64, sqlx::Error> {
    let given_up = sqlx::query(
        "UPDATE deliveries SET state = 'dead', is_head = 0, ended_ms = ?2, \
         attempts = json_insert(CASE WHEN json_array_length(attempts) >= ?3 \
         THEN json_remove(attempts, '$[0]') ELSE attempts END, '$[#]', json(?4)) \
         WHERE webhook = ?1 AND state = 'waiting'",
    )
    .bind(webhook.to_string())
    .bind(millis(why.at))
    .bind(i64::try_from(ATTEMPTS_MAX).unwrap_or(i64::MAX))
    .bind(json!(why).to_string())
    .execute(&writer)
    .await?;
    Ok(given_up.rows_affected())
}

/// Has a delivery wait again; `false` when the webhook has none such.
pub(super) async fn redeliver(
    writer: SqlitePool,
    webhook: WebhookId,
    id: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    let subject: Option<String> = sqlx::query_scalar(
        "UPDATE deliveries SET state = 'waiting', failures = 0, since_ms = ?3, next_ms = ?3, ended_ms = NULL \
         WHERE id = ?1 AND webhook = ?2 RETURNING subject",
    )
    .bind(id.to_string())
    .bind(webhook.to_string())
    .bind(millis(now))
    .fetch_optional(&mut *change)
    .await?;
    let found = subject.is_some();
    if let Some(subject) = subject {
        put_in_order(&mut change, &(webhook.to_string(), subject)).await?;
    }
    change.commit().await?;
    Ok(found)
}

/// Forgets everything about a webhook.
pub(super) async fn remove(writer: SqlitePool, webhook: WebhookId) -> Result<u64, sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("DELETE FROM replays WHERE webhook = ?1").bind(webhook.to_string()).execute(&mut *change).await?;
    let removed = sqlx::query("DELETE FROM deliveries WHERE webhook = ?1")
        .bind(webhook.to_string())
        .execute(&mut *change)
        .await?;
    change.commit().await?;
    Ok(removed.rows_affected())
}
