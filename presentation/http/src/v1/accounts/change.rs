//! What an admin does to an account.

use super::{RoleName, kept};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Json, Nothing, Path, Query},
    problem::Problem,
    trace::Trace,
};
use axum::extract::State;
use domain::{
    account::SessionEnd,
    value::{AccountId, Role},
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What an account is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountChange {
    /// What it is in its tenant.
    #[schema(value_type = RoleName)]
    role: Role,
}

/// Give an account another role
///
/// It holds at once, for tokens that are out there, too.
#[utoipa::path(patch, path = "/v1/accounts/{id}", tag = "accounts", operation_id = "change_account",
    params(("id" = Uuid, Path, description = "The account")), request_body = AccountChange,
    responses(
        (status = 204, description = "It has it", headers(("Dragoman-Position" = u64, description = "For `min_position`"))),
        (status = 409, description = "It is the last admin", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn change(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
    Json(change): Json<AccountChange>,
) -> Result<Done<()>, Problem> {
    let meta = caller.command(ids.0.command, trace);
    let written = api.identity.grant(AccountId(id), change.role, &meta).await?;
    Ok(Done::nothing().position(kept::outcome(&api, written, 0).await?.0))
}

/// Deactivate an account
///
/// Its sessions end at once, its keys are refused, and what listens with them is cut off. What it made stays.
#[utoipa::path(post, path = "/v1/accounts/{id}/deactivate", tag = "accounts", operation_id = "deactivate_account",
    params(("id" = Uuid, Path, description = "The account")),
    responses(
        (status = 204, description = "Nobody may use it any more", headers(("Dragoman-Position" = u64, description = "For `min_position`"))),
        (status = 409, description = "It is the last admin", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn deactivate(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<()>, Problem> {
    let meta = caller.command(ids.0.command, trace);
    let written = api.identity.deactivate(AccountId(id), &meta).await?;
    Ok(Done::nothing().position(kept::outcome(&api, written, 0).await?.0))
}

/// Let an account be used again
#[utoipa::path(post, path = "/v1/accounts/{id}/reactivate", tag = "accounts", operation_id = "reactivate_account",
    params(("id" = Uuid, Path, description = "The account")),
    responses((status = 204, description = "It may be used", headers(("Dragoman-Position" = u64, description = "For `min_position`")))))]
pub(crate) async fn reactivate(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<()>, Problem> {
    let meta = caller.command(ids.0.command, trace);
    let written = api.identity.reactivate(AccountId(id), &meta).await?;
    Ok(Done::nothing().position(kept::outcome(&api, written, 0).await?.0))
}

/// End all sessions of an account
#[utoipa::path(post, path = "/v1/accounts/{id}/sign-out", tag = "accounts", operation_id = "sign_account_out",
    params(("id" = Uuid, Path, description = "The account")),
    responses((status = 204, description = "They have ended, with all their tokens")))]
pub(crate) async fn sign_out(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<()>, Problem> {
    api.identity.end_sessions(AccountId(id), None, SessionEnd::Revoked, caller.actor()).await?;
    Ok(Done::nothing())
}
