//! Changes of deliveries on PostgreSQL, each in one transaction. Always in this order, so that no two wait for each other: the
//! webhooks' lanes, then the checkpoint or a replay, then deliveries.

use super::super::{
    change::FORGOTTEN_MAX,
    row::{millis, position},
};
use crate::sql::{Ask, Cells as _, ask, ask_made};
use application::ports::{
    delivery_store::{
        ATTEMPTS_MAX, Attempt, DEAD_MS_MAX, DELIVERED_MS_MAX, DeliveryBatch, DeliveryState, NewDelivery, Next, Source,
    },
    event_log::Tenant,
};
use domain::value::{Timestamp, WebhookId};
use serde_json::json;
use sqlx::{PgConnection, Row as _};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The last attempts, with one more at the end.
const NOTED: &str = "attempts = ((CASE WHEN jsonb_array_length(attempts::jsonb) >= $2 THEN attempts::jsonb - 0 \
     ELSE attempts::jsonb END) || jsonb_build_array($3::jsonb))::text";

/// Keeps a delivery that is not known yet.
const KEPT: &str = "INSERT INTO deliveries AS known (id, webhook, tenant, event, kind, position, subject, body, state, \
     is_head, failures, since_ms, next_ms, attempts) \
     SELECT DISTINCT ON (id) id, webhook, tenant, event, kind, position, subject, body, 'waiting', false, 0, $9, $9, '[]' \
     FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::bigint[], $7::uuid[], $8::text[]) \
     AS new (id, webhook, tenant, event, kind, position, subject, body) ORDER BY id \
     ON CONFLICT (id) DO ";

/// Marks the first of each line that waits, and no other one.
const IN_ORDER: &str = "WITH heads AS ( \
         SELECT line.webhook, line.subject, (SELECT min(position) FROM deliveries \
             WHERE webhook = line.webhook AND subject = line.subject AND state = 'waiting') AS position \
         FROM unnest($1::uuid[], $2::uuid[]) AS line (webhook, subject)) \
     UPDATE deliveries AS one SET is_head = NOT one.is_head FROM heads \
     WHERE one.webhook = heads.webhook AND one.subject = heads.subject AND one.state = 'waiting' \
     AND one.is_head <> (one.position = heads.position)";

/// A webhook and a subject.
type Line = (Uuid, Uuid);

/// Keeps a batch; `false` when its source is elsewhere.
pub(super) async fn enqueue(connection: &mut PgConnection, batch: &DeliveryBatch) -> Result<bool, sqlx::Error> {
    let mut webhooks: BTreeSet<Uuid> = batch.deliveries.iter().map(|new| new.webhook.0).collect();
    if let Source::Replay(webhook) = batch.source {
        webhooks.insert(webhook.0);
    }
    hold(connection, &webhooks.into_iter().collect::<Vec<_>>()).await?;
    if !advance(connection, batch).await? {
        return Ok(false);
    }
    let lines = keep(connection, batch).await?;
    put_in_order(connection, &lines).await?;
    forget_old(connection, batch.now).await?;
    Ok(true)
}

/// Holds the lanes of webhooks, those that are new, too. What is lost with a crash of the server is done again.
async fn hold(connection: &mut PgConnection, webhooks: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("SET LOCAL synchronous_commit = off").execute(&mut *connection).await?;
    if webhooks.is_empty() {
        return Ok(());
    }
    let known = "SELECT webhook FROM lanes WHERE webhook = ANY($1) ORDER BY webhook FOR UPDATE";
    let held = sqlx::query(known).bind(webhooks).fetch_all(&mut *connection).await?.len();
    if held < webhooks.len() {
        let new = "INSERT INTO lanes (webhook) SELECT webhook FROM unnest($1::uuid[]) AS new (webhook) ORDER BY webhook \
             ON CONFLICT (webhook) DO UPDATE SET webhook = excluded.webhook";
        sqlx::query(new).bind(webhooks).execute(connection).await?;
    }
    Ok(())
}

/// Compares and sets where the source is. A replay that has come to its end is over.
async fn advance(connection: &mut PgConnection, batch: &DeliveryBatch) -> Result<bool, sqlx::Error> {
    let moved = match batch.source {
        Source::Log => ask("UPDATE delivery_checkpoint SET position = $1 WHERE position = $2"),
        Source::Replay(_) => ask("UPDATE replays SET scanned_to = $1 WHERE scanned_to = $2 AND webhook = $3"),
    };
    let moved = moved.number(position(batch.to)).number(position(batch.from));
    match batch.source {
        Source::Log => Ok(moved.run(connection).await? == 1),
        Source::Replay(webhook) => {
            let moved = moved.id(webhook.0).run(connection).await? == 1;
            end_replay(connection, webhook).await?;
            Ok(moved)
        }
    }
}

async fn end_replay(connection: &mut PgConnection, webhook: WebhookId) -> Result<(), sqlx::Error> {
    let over = ask("DELETE FROM replays WHERE webhook = $1 AND scanned_to >= until");
    over.id(webhook.0).run(connection).await.map(drop)
}

/// Keeps deliveries, or has known ones wait again. The lines that this changes.
async fn keep(connection: &mut PgConnection, batch: &DeliveryBatch) -> Result<Vec<Line>, sqlx::Error> {
    if batch.deliveries.is_empty() {
        return Ok(vec![]);
    }
    let known = match batch.source {
        Source::Log => "NOTHING RETURNING webhook, subject",
        Source::Replay(_) => {
            "UPDATE SET state = 'waiting', failures = 0, since_ms = $9, next_ms = $9, ended_ms = NULL \
             WHERE known.state <> 'waiting' RETURNING webhook, subject"
        }
    };
    let new = &batch.deliveries;
    let ids = |id: fn(&NewDelivery) -> Uuid| new.iter().map(id).collect::<Vec<_>>();
    let texts = |text: fn(&NewDelivery) -> String| new.iter().map(text).collect::<Vec<_>>();
    let kept = sqlx::query(sqlx::AssertSqlSafe(format!("{KEPT}{known}")))
        .bind(ids(|new| new.id))
        .bind(ids(|new| new.webhook.0))
        .bind(texts(|new| new.tenant.0.clone()))
        .bind(ids(|new| new.event))
        .bind(texts(|new| new.kind.clone()))
        .bind(new.iter().map(|new| position(new.position)).collect::<Vec<_>>())
        .bind(ids(|new| new.subject))
        .bind(texts(|new| new.body.clone()))
        .bind(millis(batch.now));
    let lines: BTreeSet<Line> = kept
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Ok((row.try_get("webhook")?, row.try_get("subject")?)))
        .collect::<Result<_, sqlx::Error>>()?;
    Ok(lines.into_iter().collect())
}

async fn put_in_order(connection: &mut PgConnection, lines: &[Line]) -> Result<(), sqlx::Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let (webhooks, subjects): (Vec<Uuid>, Vec<Uuid>) = lines.iter().copied().unzip();
    sqlx::query(IN_ORDER).bind(webhooks).bind(subjects).execute(connection).await.map(drop)
}

async fn forget_old(connection: &mut PgConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    for (state, kept_ms) in [(DeliveryState::Delivered, DELIVERED_MS_MAX), (DeliveryState::Dead, DEAD_MS_MAX)] {
        let last = now.unix_ms().checked_sub(kept_ms).and_then(|last| i64::try_from(last).ok());
        let gone = ask("DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries \
             WHERE state = $1 AND ended_ms IS NOT NULL AND ended_ms <= $2 ORDER BY ended_ms LIMIT $3 \
             FOR UPDATE SKIP LOCKED)");
        gone.text(state.name()).number(last.unwrap_or(-1)).number(FORGOTTEN_MAX).run(connection).await?;
    }
    Ok(())
}

/// A replay that is to begin.
pub(super) struct Begin {
    /// Whose.
    pub tenant: Tenant,
    /// Who is told.
    pub webhook: WebhookId,
    /// Where it begins.
    pub scanned_to: u64,
    /// Where it was asked for.
    pub asked_at: u64,
}

/// Begins a replay up to the checkpoint, unless that has come to where it was asked for.
pub(super) async fn begin(connection: &mut PgConnection, begin: &Begin) -> Result<(), sqlx::Error> {
    hold(connection, &[begin.webhook.0]).await?;
    let begun = ask("INSERT INTO replays (webhook, tenant, scanned_to, until) \
         SELECT $1, $2, $3, position FROM delivery_checkpoint WHERE position < $4 \
         ON CONFLICT (webhook) DO UPDATE SET tenant = excluded.tenant, scanned_to = excluded.scanned_to, \
         until = excluded.until");
    let begun = begun.id(begin.webhook.0).text(begin.tenant.0.clone());
    begun.number(position(begin.scanned_to)).number(position(begin.asked_at)).run(connection).await?;
    end_replay(connection, begin.webhook).await
}

/// What came of an attempt.
pub(super) struct Outcome {
    /// Of which delivery.
    pub id: Uuid,
    /// The attempt.
    pub attempt: Attempt,
    /// What comes of it.
    pub next: Next,
    /// Who made it.
    pub node: Uuid,
}

/// Keeps what came of an attempt.
pub(super) async fn outcome(connection: &mut PgConnection, outcome: &Outcome) -> Result<(), sqlx::Error> {
    let found = ask("SELECT webhook, subject FROM deliveries WHERE id = $1").id(outcome.id).first(connection).await?;
    let Some(row) = found else { return Ok(()) };
    let line = (row.id("webhook")?, row.id("subject")?);
    hold(connection, &[line.0]).await?;
    let noted = format!("UPDATE deliveries SET {NOTED}, claimed_by = nullif(claimed_by, $4) WHERE id = $1");
    noting(noted, outcome.id, &outcome.attempt).id(outcome.node).run(connection).await?;
    let ended = millis(outcome.attempt.at);
    let step = match outcome.next {
        Next::Delivered => {
            ask("UPDATE deliveries SET state = 'delivered', is_head = false, ended_ms = $2 WHERE id = $1")
                .id(outcome.id)
                .number(ended)
        }
        Next::RetryAt(at) => {
            ask("UPDATE deliveries SET failures = failures + 1, next_ms = $2 WHERE id = $1 AND state = 'waiting'")
                .id(outcome.id)
                .time(at)
        }
        Next::Dead => {
            ask("UPDATE deliveries SET failures = failures + 1, state = 'dead', is_head = false, ended_ms = $2 \
             WHERE id = $1 AND state = 'waiting'")
            .id(outcome.id)
            .number(ended)
        }
    };
    step.run(connection).await?;
    put_in_order(connection, &[line]).await
}

/// A statement about `$1` that notes an attempt.
fn noting(statement: String, id: Uuid, attempt: &Attempt) -> Ask {
    let attempts_max = ATTEMPTS_MAX as u64;
    ask_made(statement).id(id).count(attempts_max).text(json!(attempt).to_string())
}

/// Everything that waits for a webhook is given up.
pub(super) struct GiveUp {
    /// The webhook.
    pub webhook: WebhookId,
    /// Why.
    pub why: Attempt,
}

/// Gives up everything that waits for a webhook.
pub(super) async fn give_up(connection: &mut PgConnection, given_up: &GiveUp) -> Result<u64, sqlx::Error> {
    hold(connection, &[given_up.webhook.0]).await?;
    let all = format!(
        "UPDATE deliveries SET state = 'dead', is_head = false, ended_ms = $4, claimed_by = NULL, {NOTED} \
         WHERE webhook = $1 AND state = 'waiting'"
    );
    noting(all, given_up.webhook.0, &given_up.why).time(given_up.why.at).run(connection).await
}

/// A delivery that is to wait again.
pub(super) struct Redeliver {
    /// Whose.
    pub webhook: WebhookId,
    /// Which.
    pub id: Uuid,
    /// From when on.
    pub now: Timestamp,
}

/// Has a delivery wait again; `false` when the webhook has none such.
pub(super) async fn redeliver(connection: &mut PgConnection, again: &Redeliver) -> Result<bool, sqlx::Error> {
    hold(connection, &[again.webhook.0]).await?;
    let waits =
        ask("UPDATE deliveries SET state = 'waiting', failures = 0, since_ms = $3, next_ms = $3, ended_ms = NULL \
         WHERE id = $1 AND webhook = $2 RETURNING subject");
    let found = waits.id(again.id).id(again.webhook.0).time(again.now).first(connection).await?;
    let Some(row) = found else { return Ok(false) };
    put_in_order(connection, &[(again.webhook.0, row.id("subject")?)]).await?;
    Ok(true)
}

/// Forgets everything about a webhook.
pub(super) async fn remove(connection: &mut PgConnection, webhook: WebhookId) -> Result<u64, sqlx::Error> {
    hold(connection, &[webhook.0]).await?;
    ask("DELETE FROM replays WHERE webhook = $1").id(webhook.0).run(connection).await?;
    let removed = ask("DELETE FROM deliveries WHERE webhook = $1").id(webhook.0).run(connection).await?;
    ask("DELETE FROM lanes WHERE webhook = $1").id(webhook.0).run(connection).await?;
    Ok(removed)
}
