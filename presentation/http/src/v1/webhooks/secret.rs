//! `POST /v1/webhooks/{id}/rotate-secret`.

use super::{SecretDocument, kept, require};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Nothing, Path, Query},
    problem::Problem,
    trace::Trace,
};
use axum::extract::State;
use domain::value::WebhookId;
use uuid::Uuid;

/// Give a webhook another secret
///
/// Deliveries are signed with the new one and the old one for 24 hours, then with the new one alone: `webhook-signature`
/// holds both, and receivers are content with either. Asked for again within that time, only the last two sign.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate-secret", tag = "webhooks", operation_id = "rotate_webhook_secret",
    params(("id" = Uuid, Path, description = "The webhook")),
    responses(
        (status = 200, description = "It signs with this from now on", body = SecretDocument, headers(
            ("ETag" = String, description = "For `If-Match`"),
            ("Dragoman-Position" = u64, description = "For `min_position`"),
        )),
    ))]
pub(crate) async fn rotate_secret(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<SecretDocument>, Problem> {
    let webhook = require(&api, &caller, id).await?;
    let meta = caller.command(ids.0.command, trace);
    let drawn = api.webhooks.rotate(WebhookId(id), &meta).await?;
    let (position, revision) = kept::outcome(&api, drawn.appended, webhook.revision).await?;
    Ok(Done::ok(SecretDocument::new(id, &drawn.secret)).position(position).revision(revision))
}
