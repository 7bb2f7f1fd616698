//! `GET /v1/accounts` and `GET /v1/accounts/{id}`.

use super::{
    AccountDocument,
    kept::{self, PageParams},
};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, MinPosition, Nothing, Path, Query},
    pages::Page,
    problem::Problem,
};
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use domain::value::AccountId;
use uuid::Uuid;

/// All accounts
///
/// Newest first.
#[utoipa::path(get, path = "/v1/accounts", tag = "accounts", operation_id = "list_accounts",
    params(PageParams,
        ("min_position" = Option<u64>, Query, description = "The answer holds for this position at least")),
    responses((status = 200, description = "A page", body = Page<AccountDocument>, headers(
        ("Link" = String, description = "The next page: `rel=next`")))))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    _: MinPosition,
    Query(params): Query<PageParams>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    kept::list_where::<AccountDocument>(&api, &caller, vec![], params, &uri, &headers).await
}

/// One account
#[utoipa::path(get, path = "/v1/accounts/{id}", tag = "accounts", operation_id = "get_account",
    params(("id" = Uuid, Path, description = "The account"),
        ("min_position" = Option<u64>, Query, description = "The answer holds for this position at least")),
    responses((status = 200, description = "The account", body = AccountDocument)))]
pub(crate) async fn get(
    State(api): State<Api>,
    _: MinPosition,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<AccountDocument>, Problem> {
    Ok(Done::ok(AccountDocument::load(&api, AccountId(id)).await?))
}
