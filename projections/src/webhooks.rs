//! Webhooks: one row each. Whether it is active and what it hears of; never where it is.

use crate::{
    projection::{Beside, Projection, Touched},
    row::{name_of, number, or_blank, set},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId, TenancyEvent, TenancyStream},
    read_store::{Row, RowKey, Table},
};
use domain::webhook::{WebhookContent, WebhookEvent};
use serde_json::{Value, json};

/// One row per webhook.
///
/// `state` is `active`, `disabled` or `removed`; `why` says why it is disabled. `events` is a JSON list of types and of
/// beginnings of types, all when empty. It hears of what came after `since`, the position at which it was made.
pub static TABLE: Table = Table {
    name: "webhooks",
    key: &["webhook_id"],
    columns: &["webhook_id", "tenant", "revision", "state", "why", "events", "since", "created_at", "updated_at"],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Webhooks;

impl Projection for Webhooks {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        match &event.stream {
            StreamId::Tenancy(TenancyStream::Webhook(id)) => Touched::one(vec![json!(id.to_string())]),
            _ => Touched::none(),
        }
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        let is_its = matches!(stream, StreamId::Tenancy(TenancyStream::Webhook(_)));
        is_its.then(|| vec![json!(stream.subject().to_string())])
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, _: &Beside<'_>) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        let now = event.recorded_at.to_string();
        if let DomainEvent::Tenancy(TenancyEvent::Webhook(happened)) = &event.event {
            webhook(&mut row, happened, event.position, &now);
        }
        set(&mut row, "tenant", event.tenant.0.as_str());
        set(&mut row, "revision", number(event.revision));
        set(&mut row, "updated_at", now);
        Some(row)
    }
}

fn webhook(row: &mut Row, happened: &WebhookEvent, position: u64, now: &str) {
    match happened {
        WebhookEvent::WebhookCreated(content) => {
            set(row, "state", "active");
            set(row, "since", number(position));
            set(row, "created_at", now);
            filled(row, content);
        }
        WebhookEvent::WebhookChanged(content) => filled(row, content),
        WebhookEvent::WebhookDisabled { why } => {
            set(row, "state", "disabled");
            set(row, "why", name_of(why));
        }
        WebhookEvent::WebhookEnabled => {
            set(row, "state", "active");
            set(row, "why", Value::Null);
        }
        WebhookEvent::WebhookSecretRotated | WebhookEvent::WebhookReplayed { .. } => {}
        WebhookEvent::WebhookRemoved => set(row, "state", "removed"),
    }
}

fn filled(row: &mut Row, content: &WebhookContent) {
    set(row, "events", json!(content.events).to_string());
}
