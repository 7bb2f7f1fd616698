//! Who wants to hear of what, by the rows of `webhooks` and what the log says of each: the port of those who deliver.

use crate::{row::text, webhooks::TABLE};
use application::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::{
        event_log::{StreamId, TenancyStream, Tenant},
        read_store::{Condition, ReadStore},
        webhooks::{WebhookCount, WebhookTarget, Webhooks, WebhooksError},
    },
};
use async_trait::async_trait;
use domain::{
    value::WebhookId,
    webhook::{Webhook, WebhookCommand, WhyDisabled},
};
use serde_json::{Value, json};
use std::{error::Error, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::time::{sleep, timeout};

/// The projection that the answers come from.
const NAME: &str = "webhooks";
/// Who gives the commands.
const ACTOR: &str = "webhooks";
/// Pause between two looks at how far the rows are.
const LOOK: Duration = Duration::from_millis(10);
/// How long the rows may be behind.
const BEHIND_MAX: Duration = Duration::from_secs(10);

/// The rows of `webhooks`, and the log beside them: rows hold nothing personal, so no addresses.
pub struct WebhookRows {
    store: Arc<dyn ReadStore>,
    aggregates: Arc<Aggregates>,
}

/// The rows do not hold what was asked for, and it takes too long until they do.
#[derive(Debug, Error)]
#[error("the read model of webhooks is too far behind the log")]
struct Behind;

impl WebhookRows {
    /// In this store.
    pub fn new(store: Arc<dyn ReadStore>, aggregates: Arc<Aggregates>) -> Self {
        Self { store, aggregates }
    }

    /// Returns once the rows hold for this position.
    async fn reached(&self, position: u64) -> Result<(), WebhooksError> {
        let look = async {
            while self.store.checkpoint(NAME).await.map_err(failed)? < position {
                sleep(LOOK).await;
            }
            Ok(())
        };
        timeout(BEHIND_MAX, look).await.unwrap_or_else(|_| Err(failed(Behind)))
    }
}

#[async_trait]
impl Webhooks for WebhookRows {
    async fn of(&self, tenant: &Tenant, position: u64) -> Result<Vec<WebhookTarget>, WebhooksError> {
        self.reached(position).await?;
        let filter = [("tenant", json!(tenant.0)), ("state", json!("active"))];
        let rows = self.store.query(&TABLE, &filter).await.map_err(failed)?;
        let mut targets = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(id) = text(&row, "webhook_id").parse().ok().map(WebhookId) else { continue };
            let webhook = self.aggregates.webhook(id).await.map_err(failed)?;
            // The log knows better than the row what has happened to it since.
            if let (Some(content), None) = (&webhook.state.content, webhook.state.disabled) {
                let since_position = row.get("since").and_then(Value::as_u64).unwrap_or(0);
                let (url, events) = (content.url.clone(), content.events.clone());
                targets.push(WebhookTarget { id, url, events, since_position });
            }
        }
        Ok(targets)
    }

    async fn disable(&self, tenant: &Tenant, webhook: WebhookId, why: WhyDisabled) -> Result<(), WebhooksError> {
        let stream = StreamId::Tenancy(TenancyStream::Webhook(webhook));
        let known = self.aggregates.webhook(webhook).await.map_err(failed)?;
        if !known.is_of(tenant) {
            return Ok(());
        }
        // Each time that it was made active again, it is another command.
        let meta = CommandMeta::derived(ACTOR, &format!("disable {webhook} after {}", known.revision));
        match self.aggregates.execute::<Webhook>(&stream, WebhookCommand::Disable(why), &meta).await {
            // It was removed meanwhile.
            Ok(_) | Err(CommandError::Rejected(_)) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    async fn count(&self, tenant: &Tenant) -> Result<WebhookCount, WebhooksError> {
        // Asked first: what is folded in between is counted twice at worst, and not missed.
        let position = self.store.checkpoint(NAME).await.map_err(failed)?;
        let states = vec![json!("active"), json!("disabled")];
        let conditions = [Condition::Equals("tenant", json!(tenant.0)), Condition::OneOf("state", states)];
        let webhooks = self.store.count(&TABLE, &conditions).await.map_err(failed)?;
        Ok(WebhookCount { webhooks: usize::try_from(webhooks).unwrap_or(usize::MAX), position })
    }
}

fn failed(error: impl Error + Send + Sync + 'static) -> WebhooksError {
    WebhooksError(Box::new(error))
}
