//! Rows of deliveries and replays.

use crate::sql::{Cells, misshapen};
use application::ports::{
    delivery_store::{Delivery, DeliveryState, NewDelivery, Replay},
    event_log::Tenant,
};
use domain::value::{Timestamp, WebhookId};

/// A delivery.
pub(super) fn delivery(row: &impl Cells) -> Result<Delivery, sqlx::Error> {
    let what = NewDelivery {
        id: row.id("id")?,
        webhook: WebhookId(row.id("webhook")?),
        tenant: Tenant(row.text("tenant")?),
        event: row.id("event")?,
        kind: row.text("kind")?,
        position: row.count("position")?,
        subject: row.id("subject")?,
        body: row.text("body")?,
    };
    let state = DeliveryState::of_name(&row.text("state")?);
    Ok(Delivery {
        what,
        state: state.ok_or_else(|| misshapen("state", "there is no such state"))?,
        failures: u32::try_from(row.count("failures")?).map_err(|error| misshapen("failures", error))?,
        waiting_since: row.time("since_ms")?,
        not_before: row.time("next_ms")?,
        ended_at: row.time_or_none("ended_ms")?,
        attempts: serde_json::from_str(&row.text("attempts")?).map_err(|error| misshapen("attempts", error))?,
    })
}

/// A replay.
pub(super) fn replay(row: &impl Cells) -> Result<Replay, sqlx::Error> {
    Ok(Replay {
        tenant: Tenant(row.text("tenant")?),
        webhook: WebhookId(row.id("webhook")?),
        scanned_to: row.count("scanned_to")?,
        until: row.count("until")?,
    })
}

/// A moment as it is kept.
pub(super) fn millis(moment: Timestamp) -> i64 {
    position(moment.unix_ms())
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
