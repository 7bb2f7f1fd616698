//! `GET /v1/webhooks` and `GET /v1/webhooks/{id}`.

use super::{
    PageParams, WebhookDocument,
    kept::{self, Listed},
    row,
};
use crate::{
    api::Api,
    cache::{Ready, Tag},
    columns,
    extract::{Caller, MinPosition, Nothing, Path, Query},
    pages::Page,
    problem::Problem,
};
use application::ports::read_store::Condition;
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use serde_json::json;
use uuid::Uuid;

/// All webhooks
///
/// Newest first, disabled ones too.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", operation_id = "list_webhooks",
    params(PageParams,
        ("min_position" = Option<u64>, Query, description = "The answer holds for this position at least"),
        ("If-None-Match" = Option<String>, Header, description = "Tags of what the client has: then 304")),
    responses(
        (status = 200, description = "A page", body = Page<WebhookDocument>, headers(
            ("ETag" = String, description = "For `If-None-Match`"),
            ("Link" = String, description = "The next page: `rel=next`"))),
        (status = 304, description = "The client has it already"),
    ))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    _: MinPosition,
    Query(params): Query<PageParams>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let there = vec![Condition::OneOf("state", vec![json!("active"), json!("disabled")])];
    kept::list_where::<WebhookDocument>(&api, &caller, there, params, &uri, &headers).await
}

/// One webhook
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks", operation_id = "get_webhook",
    params(("id" = Uuid, Path, description = "The webhook"),
        ("min_position" = Option<u64>, Query, description = "The answer holds for this position at least")),
    responses(
        (status = 200, description = "The webhook", body = WebhookDocument, headers(("ETag" = String, description = "For `If-Match` and `If-None-Match`"))),
        (status = 304, description = "Unchanged since the answer whose `ETag` `If-None-Match` names"),
    ))]
pub(crate) async fn get(
    State(api): State<Api>,
    caller: Caller,
    _: MinPosition,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let make = || async {
        let row = row(&api, &caller, id).await?;
        let revision = columns::number(&row, "revision").unwrap_or_default();
        Ready::of_revision(revision, &WebhookDocument::of(&api, &row).await?)
    };
    Ok(api.cached(&caller, &uri, &[Tag::One(id)], make).await?.answer(&headers))
}
