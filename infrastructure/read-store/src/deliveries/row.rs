//! Rows of deliveries and replays.

use application::ports::{
    delivery_store::{Delivery, DeliveryState, NewDelivery, Replay},
    event_log::Tenant,
};
use domain::value::Timestamp;
use sqlx::{Row as _, sqlite::SqliteRow};
use std::str::FromStr;

/// A delivery; `None` when the row has another shape.
pub(super) fn delivery(row: &SqliteRow) -> Option<Delivery> {
    let text = |column: &str| row.try_get::<String, _>(column).ok();
    let what = NewDelivery {
        id: parsed(row, "id")?,
        webhook: parsed(row, "webhook")?,
        tenant: Tenant(text("tenant")?),
        event: parsed(row, "event")?,
        kind: text("kind")?,
        position: number(row, "position")?,
        subject: parsed(row, "subject")?,
        body: text("body")?,
    };
    let ended_ms: Option<i64> = row.try_get("ended_ms").ok()?;
    Some(Delivery {
        what,
        state: DeliveryState::of_name(&text("state")?)?,
        failures: u32::try_from(number(row, "failures")?).ok()?,
        waiting_since: moment(row, "since_ms")?,
        not_before: moment(row, "next_ms")?,
        ended_at: ended_ms.map(|ms| Timestamp::from_unix_ms(count(ms))),
        attempts: serde_json::from_str(&text("attempts")?).ok()?,
    })
}

/// A replay; `None` when the row has another shape.
pub(super) fn replay(row: &SqliteRow) -> Option<Replay> {
    Some(Replay {
        tenant: Tenant(row.try_get("tenant").ok()?),
        webhook: parsed(row, "webhook")?,
        scanned_to: number(row, "scanned_to")?,
        until: number(row, "until")?,
    })
}

/// A moment as it is kept.
pub(super) fn millis(moment: Timestamp) -> i64 {
    i64::try_from(moment.unix_ms()).unwrap_or(i64::MAX)
}

/// A position as it is kept.
pub(super) fn position(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// How many rows at most.
pub(super) fn bounded(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A number as it was kept.
pub(super) fn count(kept: i64) -> u64 {
    u64::try_from(kept).unwrap_or(0)
}

fn parsed<T: FromStr>(row: &SqliteRow, column: &str) -> Option<T> {
    row.try_get::<String, _>(column).ok()?.parse().ok()
}

fn number(row: &SqliteRow, column: &str) -> Option<u64> {
    u64::try_from(row.try_get::<i64, _>(column).ok()?).ok()
}

fn moment(row: &SqliteRow, column: &str) -> Option<Timestamp> {
    number(row, column).map(Timestamp::from_unix_ms)
}
