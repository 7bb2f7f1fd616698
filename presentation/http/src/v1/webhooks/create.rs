//! `POST /v1/webhooks`.

use super::{SecretDocument, SignatureName, kept, path};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Json, Nothing, Query},
    problem::Problem,
    trace::Trace,
};
use application::webhooks::{desk::WebhookOrder, signature::SignatureVersion};
use axum::extract::State;
use domain::value::WebhookId;
use serde::Deserialize;
use utoipa::ToSchema;

/// A webhook to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhook {
    /// Where to: an address of `https` that leads to the public Internet, without a user's name and password.
    #[schema(max_length = 2000, example = "https://example.org/hooks/dragoman")]
    url: String,
    /// What it is called.
    #[serde(default)]
    #[schema(max_length = 200)]
    description: String,
    /// Of what it hears: types of events, and nouns with `.*` behind them. Everything when empty.
    #[serde(default)]
    #[schema(max_items = 100, example = json!(["dubbing.completed", "track.*"]))]
    events: Vec<String>,
    /// How its deliveries are signed.
    #[serde(default)]
    #[schema(value_type = SignatureName, default = "v1", required = false)]
    signature: SignatureVersion,
}

/// Make a webhook
///
/// It hears of what happens from now on. What its receiver verifies deliveries with is in the answer: of signatures `v1`
/// a secret, which is shown this once. A tenant has 20 webhooks at most.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", operation_id = "create_webhook", request_body = NewWebhook,
    responses(
        (status = 201, description = "It is made", body = SecretDocument, headers(
            ("Location" = String, description = "Its path"),
            ("ETag" = String, description = "For `If-Match`"),
            ("Dragoman-Position" = u64, description = "For `min_position`"),
        )),
        (status = 409, description = "There are as many as there may be", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn create(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Query(Nothing {}): Query<Nothing>,
    Json(new): Json<NewWebhook>,
) -> Result<Done<SecretDocument>, Problem> {
    let id = ids.0.resource;
    let meta = caller.command(ids.0.command, trace);
    let order = WebhookOrder { url: new.url, description: new.description, events: new.events };
    let made = api.webhooks.create(caller.tenant(), WebhookId(id), order, new.signature, &meta).await?;
    let (position, revision) = kept::outcome(&api, made.appended, 1).await?;
    let document = SecretDocument::new(id, &made.secret);
    Ok(Done::created(&path(id), document).position(position).revision(revision))
}
