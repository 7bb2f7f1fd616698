//! `PATCH` and `DELETE` of `/v1/webhooks/{id}`.

use super::{kept, require};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, IfMatch, Json, Nothing, Path, Query},
    problem::Problem,
    trace::Trace,
    v1::fields::present,
};
use application::webhooks::desk::WebhookChange;
use axum::extract::State;
use domain::value::WebhookId;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What is to be different about a webhook. What is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookPatch {
    /// Where to.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 2000)]
    url: Option<String>,
    /// What it is called.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 200)]
    description: Option<String>,
    /// Of what it hears.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_items = 100)]
    events: Option<Vec<String>>,
    /// Whether anything is delivered. What waits when it is not becomes a dead letter, to be replayed.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
}

/// Change a webhook
///
/// One that was disabled, because its receiver answered 410 for one, is enabled again in this way. What happened
/// meanwhile is told by a replay.
#[utoipa::path(patch, path = "/v1/webhooks/{id}", tag = "webhooks", operation_id = "change_webhook",
    params(("id" = Uuid, Path, description = "The webhook"),
        ("If-Match" = String, Header, description = "The `ETag` that was read, or `*`")),
    request_body = WebhookPatch,
    responses(
        (status = 204, description = "It is so", headers(
            ("ETag" = String, description = "For `If-Match`"),
            ("Dragoman-Position" = u64, description = "For `min_position`"),
        )),
    ))]
#[expect(clippy::too_many_arguments, reason = "each is one thing that the request says")]
pub(crate) async fn change(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    condition: IfMatch,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
    Json(patch): Json<WebhookPatch>,
) -> Result<Done<()>, Problem> {
    let webhook = require(&api, &caller, id).await?;
    let expected = condition.required()?.resolve(webhook.revision)?;
    let meta = caller.command(ids.0.command, trace).expecting(expected);
    let WebhookPatch { url, description, events, enabled: is_enabled } = patch;
    let change = WebhookChange { url, description, events, is_enabled };
    let written = api.webhooks.change(WebhookId(id), &webhook, change, &meta).await?;
    let (position, revision) = kept::outcome(&api, written, webhook.revision).await?;
    Ok(Done::nothing().position(position).revision(revision))
}

/// Remove a webhook
///
/// Its secrets and deliveries go with it.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks", operation_id = "remove_webhook",
    params(("id" = Uuid, Path, description = "The webhook"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that was read, or `*`")),
    responses(
        (status = 204, description = "It is gone", headers(
            ("Dragoman-Position" = u64, description = "For `min_position`"),
        )),
    ))]
pub(crate) async fn remove(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    condition: IfMatch,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<()>, Problem> {
    let webhook = require(&api, &caller, id).await?;
    let meta = caller.command(ids.0.command, trace).expecting(condition.resolve(webhook.revision)?);
    let written = api.webhooks.remove(WebhookId(id), &meta).await?;
    let (position, _) = kept::outcome(&api, written, webhook.revision).await?;
    Ok(Done::nothing().position(position))
}
