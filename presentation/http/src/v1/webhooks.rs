//! Webhooks: where a tenant hears of its events.

mod change;
mod create;
mod deliveries;
mod event_types;
mod list;
mod secret;

pub(crate) use change::*;
pub(crate) use create::*;
pub(crate) use deliveries::*;
pub(crate) use event_types::*;
pub(crate) use list::*;
pub(crate) use secret::*;

use super::kept::{self, Listed, PageParams};
use crate::{
    api::Api,
    columns,
    extract::Caller,
    problem::{Code, Problem},
};
use application::{
    aggregates::Loaded,
    ports::read_store::{Row, Table},
    webhooks::signature::{SignatureVersion, SigningSecret},
};
use domain::{value::WebhookId, webhook::Webhook};
use projections::webhooks::TABLE;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// How deliveries are signed.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "the schema of `SignatureVersion`, which knows nothing of schemas")]
pub(crate) enum SignatureName {
    /// With a secret that both sides know: HMAC-SHA256.
    V1,
    /// With a private key whose public half receivers have: Ed25519.
    V1a,
}

/// A webhook. What it signs with is shown when it is made, and never again.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookDocument {
    /// Its id.
    id: Uuid,
    /// Where deliveries go; absent once that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    url: Option<String>,
    /// What its owner calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<String>,
    /// Of what it hears: types of events, and nouns with `.*` behind them. Everything when empty.
    #[schema(example = json!(["dubbing.completed", "track.*"]))]
    events: Vec<String>,
    /// Whether anything is delivered.
    enabled: bool,
    /// Why nothing is delivered: `owner`, or `gone` when its receiver answered 410.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "gone")]
    why: Option<String>,
    /// How its deliveries are signed.
    #[schema(value_type = SignatureName)]
    signature: SignatureVersion,
    /// What receivers verify signatures `v1a` with: `whpk_…`. It is no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    public_key: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When something last happened to it.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// What a receiver verifies deliveries with.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretDocument {
    /// The webhook.
    id: Uuid,
    /// How its deliveries are signed.
    #[schema(value_type = SignatureName)]
    signature: SignatureVersion,
    /// The secret, `whsec_…`, of signatures `v1`. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    secret: Option<String>,
    /// The public key, `whpk_…`, of signatures `v1a`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    public_key: Option<String>,
}

impl SecretDocument {
    fn new(id: Uuid, drawn: &SigningSecret) -> Self {
        let (secret, public_key) = match drawn.version() {
            SignatureVersion::V1 => (Some(drawn.for_receiver()), None),
            SignatureVersion::V1a => (None, Some(drawn.for_receiver())),
        };
        Self { id, signature: drawn.version(), secret, public_key }
    }
}

impl Listed for WebhookDocument {
    const TABLE: &'static Table = &TABLE;

    async fn of(api: &Api, row: &Row) -> Result<Self, Problem> {
        let id = kept::id(row, "webhook_id")?;
        let webhook = api.aggregates.webhook(WebhookId(id)).await?;
        let content = webhook.state.content.as_ref();
        let signs_with = api.webhooks.signs_with(WebhookId(id)).await?;
        let signature = signs_with.as_ref().map(SigningSecret::version).unwrap_or_default();
        let public_key = signs_with.map(|secret| SecretDocument::new(id, &secret)).and_then(|shown| shown.public_key);
        Ok(Self {
            id,
            url: kept::revealed(content.map(|content| &content.url)),
            description: kept::revealed(content.map(|content| &content.description)).filter(|text| !text.is_empty()),
            events: content.map(|content| content.events.clone()).unwrap_or_default(),
            enabled: columns::text(row, "state") == Some("active"),
            why: columns::text(row, "why").map(str::to_owned),
            signature,
            public_key,
            created_at: columns::owned(row, "created_at"),
            updated_at: columns::owned(row, "updated_at"),
        })
    }
}

fn path(id: Uuid) -> String {
    format!("/v1/webhooks/{id}")
}

/// A webhook that is there and the caller's: 404 otherwise.
async fn require(api: &Api, caller: &Caller, id: Uuid) -> Result<Loaded<Webhook>, Problem> {
    Ok(api.webhooks.require(caller.tenant(), WebhookId(id)).await?)
}

/// The row of one, likewise.
async fn row(api: &Api, caller: &Caller, id: Uuid) -> Result<Row, Problem> {
    let found = api.read_store.load(&TABLE, &[vec![id.to_string().into()]]).await?;
    let ours = |row: &Row| {
        columns::text(row, "tenant") == Some(&caller.tenant().0) && columns::text(row, "state") != Some("removed")
    };
    found.into_iter().flatten().find(ours).ok_or_else(|| Problem::new(Code::NotFound))
}
