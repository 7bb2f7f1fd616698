//! Where webhooks are asked for: made, changed, tried, given another secret, told everything once more, removed.
//!
//! A secret is kept before the log tells of what it is for: whatever a crash comes between, no webhook is told of that
//! cannot sign. Deliberately absent: who may ask, and how anything is sent.

mod check;
mod error;

pub use check::{DESCRIPTION_CHARS_MAX, PATTERNS_MAX, URL_CHARS_MAX};
pub use error::{TargetFault, WebhookDeskError};

use super::{
    WebhookDelivery,
    secrets::SigningSecrets,
    signature::{SignatureVersion, SigningSecret},
};
use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta, Loaded},
    ports::{
        delivery_store::{Attempt, Delivery, DeliveryQuery},
        event_log::{Appended, StreamId, TenancyStream, Tenant},
        webhooks::WebhookTarget,
    },
};
use domain::{
    value::{Personal, WebhookId},
    webhook::{Webhook, WebhookCommand, WebhookContent, WebhookRejection, WhyDisabled},
};
use std::sync::Arc;
use tokio::sync::Mutex;
use uuid::Uuid;

/// Webhooks of a tenant at most.
pub const WEBHOOKS_MAX: usize = 20;

/// Makes webhooks and looks after them. One for each installation.
pub struct WebhookDesk {
    aggregates: Arc<Aggregates>,
    delivery: WebhookDelivery,
    secrets: Arc<SigningSecrets>,
    /// Whose webhooks were made just now, and where the log tells of it: those that are not counted yet.
    made: Mutex<Vec<(Tenant, u64)>>,
}

/// A webhook to be.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookOrder {
    /// Where to.
    pub url: String,
    /// What its owner calls it; may be empty.
    pub description: String,
    /// Of what: names of types, or `noun.*`. Empty is everything.
    pub events: Vec<String>,
}

/// What is to be different about a webhook.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// Where to.
    pub url: Option<String>,
    /// What its owner calls it.
    pub description: Option<String>,
    /// Of what.
    pub events: Option<Vec<String>>,
    /// Whether anything is delivered.
    pub is_enabled: Option<bool>,
}

/// A webhook has a new secret, which is shown once.
pub struct Drawn {
    /// What its receiver verifies with, and what only this side knows.
    pub secret: SigningSecret,
    /// Where the log tells of it; `None` when it was so before.
    pub appended: Option<Appended>,
}

impl WebhookDesk {
    /// Over these.
    pub fn new(aggregates: Arc<Aggregates>, delivery: WebhookDelivery, secrets: Arc<SigningSecrets>) -> Self {
        Self { aggregates, delivery, secrets, made: Mutex::default() }
    }

    /// What delivers to webhooks: it runs for as long as the program does.
    pub fn delivery(&self) -> &WebhookDelivery {
        &self.delivery
    }

    /// A webhook that is there and the tenant's.
    pub async fn require(&self, tenant: &Tenant, id: WebhookId) -> Result<Loaded<Webhook>, WebhookDeskError> {
        let webhook = self.aggregates.webhook(id).await?;
        let is_there = webhook.is_of(tenant) && webhook.state.content.is_some();
        if is_there { Ok(webhook) } else { Err(WebhookDeskError::NotFound) }
    }

    /// The secret that a webhook signs with.
    pub async fn signs_with(&self, id: WebhookId) -> Result<Option<SigningSecret>, WebhookDeskError> {
        Ok(self.secrets.newest(id).await?)
    }

    /// Makes a webhook. It hears of what happens from now on.
    pub async fn create(
        &self,
        tenant: &Tenant,
        id: WebhookId,
        order: WebhookOrder,
        version: SignatureVersion,
        meta: &CommandMeta,
    ) -> Result<Drawn, WebhookDeskError> {
        self.check_target(&order.url).await?;
        let content = check::content(order)?;
        // One at a time: else many that come at once are more than there may be.
        let mut made = self.made.lock().await;
        let known = self.delivery.parts.webhooks.count(tenant).await?;
        made.retain(|(_, position)| *position > known.position);
        let fresh = made.iter().filter(|(owner, _)| owner == tenant).count();
        if known.webhooks + fresh >= WEBHOOKS_MAX && self.aggregates.given(&stream(id), meta).await?.is_none() {
            return Err(WebhookDeskError::TooMany);
        }
        let secret = self.secrets.draw(id, meta.id, Some(version)).await?;
        let appended = self.aggregates.begin::<Webhook>(&stream(id), WebhookCommand::Create(content), meta).await?;
        if let Some(new) = appended.filter(|appended| !appended.replayed) {
            made.push((tenant.clone(), new.position));
        }
        Ok(Drawn { secret, appended })
    }

    /// Makes a webhook something else, or has it rest. What it is to be is decided on what it was when `webhook` was
    /// loaded.
    pub async fn change(
        &self,
        id: WebhookId,
        webhook: &Loaded<Webhook>,
        change: WebhookChange,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, WebhookDeskError> {
        if let Some(url) = &change.url {
            self.check_target(url).await?;
        }
        let is_enabled = change.is_enabled;
        let content = webhook.state.content.clone().ok_or(WebhookDeskError::NotFound)?;
        let mut written = None;
        let mut meta = meta.clone();
        if let Some(content) = check::changed(content, change)? {
            let insisting = meta.clone().expecting(meta.expected_revision.or(Some(webhook.revision)));
            written =
                self.give(id, WebhookCommand::Change(content), &insisting).await.map_err(|error| match error {
                    // Whoever takes it as it is has seen no revision that could be stale.
                    CommandError::Stale { .. } if meta.expected_revision.is_none() => CommandError::Conflict,
                    error => error,
                })?;
            meta = meta.and_then("enabled");
        }
        let switch = match is_enabled {
            Some(true) => WebhookCommand::Enable,
            Some(false) => WebhookCommand::Disable(WhyDisabled::Owner),
            None => return Ok(written),
        };
        let switched = self.give(id, switch, &meta).await?;
        self.delivery.ring();
        Ok(switched.or(written))
    }

    /// Gives a webhook another secret. The one before signs beside it for a day.
    pub async fn rotate(&self, id: WebhookId, meta: &CommandMeta) -> Result<Drawn, WebhookDeskError> {
        let secret = self.secrets.draw(id, meta.id, None).await?;
        let appended = self.give(id, WebhookCommand::NoteRotation, meta).await?;
        Ok(Drawn { secret, appended })
    }

    /// Has a webhook hear of everything from this position on once more.
    pub async fn replay(
        &self,
        id: WebhookId,
        from: u64,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, WebhookDeskError> {
        let written = self.give(id, WebhookCommand::Replay { from }, meta).await?;
        self.delivery.ring();
        Ok(written)
    }

    /// Removes a webhook. What is kept of it beside the log goes when the delivery comes to that.
    pub async fn remove(&self, id: WebhookId, meta: &CommandMeta) -> Result<Option<Appended>, WebhookDeskError> {
        let written = self.give(id, WebhookCommand::Remove, meta).await?;
        self.delivery.ring();
        Ok(written)
    }

    /// Sends a delivery that is no event, now and once, also to a webhook that rests.
    pub async fn test(&self, id: WebhookId, webhook: &Webhook) -> Result<Attempt, WebhookDeskError> {
        let content = webhook.content.as_ref().ok_or(WebhookDeskError::NotFound)?;
        let target = WebhookTarget { id, url: content.url.clone(), events: vec![], since_position: 0 };
        Ok(self.delivery.test(&target).await?)
    }

    /// Deliveries of a webhook, those of the latest events first.
    pub async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, WebhookDeskError> {
        Ok(self.delivery.parts.deliveries.list(query).await?)
    }

    /// Has a delivery of a webhook be sent again, now.
    pub async fn redeliver(
        &self,
        id: WebhookId,
        webhook: &Webhook,
        delivery: Uuid,
    ) -> Result<Delivery, WebhookDeskError> {
        if webhook.disabled.is_some() {
            return Err(CommandError::Rejected(WebhookRejection::Disabled).into());
        }
        let store = &self.delivery.parts.deliveries;
        store.redeliver(id, delivery, self.delivery.now()).await?;
        self.delivery.ring();
        store.delivery(id, delivery).await?.ok_or(WebhookDeskError::NotFound)
    }

    async fn give(
        &self,
        id: WebhookId,
        command: WebhookCommand,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, CommandError<WebhookRejection>> {
        self.aggregates.execute::<Webhook>(&stream(id), command, meta).await
    }
}

fn stream(id: WebhookId) -> StreamId {
    StreamId::Tenancy(TenancyStream::Webhook(id))
}

/// What is personal in it is sealed in the log.
fn personal(text: String) -> Personal<String> {
    Personal::new(text)
}

/// What a webhook is to be.
fn content_of(order: WebhookOrder) -> WebhookContent {
    WebhookContent { url: personal(order.url), description: personal(order.description), events: order.events }
}
