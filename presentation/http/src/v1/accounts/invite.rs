//! `POST /v1/accounts`, and links for those who have an account: another invitation, another password.

use super::{InvitedDocument, NewAccountRequest, kept, path, wrong_email};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Json, Nothing, Path, Query},
    problem::Problem,
    trace::Trace,
};
use application::identity::{Invited, NewAccount};
use axum::extract::State;
use domain::value::AccountId;
use uuid::Uuid;

/// Invite somebody
///
/// They get a link with which they choose a password: by e-mail, where the server sends mail, else in the answer.
#[utoipa::path(post, path = "/v1/accounts", tag = "accounts", operation_id = "invite_account", request_body = NewAccountRequest,
    responses(
        (status = 201, description = "They are invited", body = InvitedDocument, headers(
            ("Location" = String, description = "Its path"),
            ("Dragoman-Position" = u64, description = "For `min_position`"),
        )),
        (status = 409, description = "There is an account with this address already", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn invite(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Query(Nothing {}): Query<Nothing>,
    Json(new): Json<NewAccountRequest>,
) -> Result<Done<InvitedDocument>, Problem> {
    let (id, meta) = (ids.0.resource, caller.command(ids.0.command, trace));
    let email = new.email.parse().map_err(|_| wrong_email())?;
    let new = NewAccount { id: AccountId(id), email, name: new.name.0, role: new.role };
    let invited = api.identity.invite(new, &meta).await?;
    let (document, position) = told(&api, id, invited).await?;
    Ok(Done::created(&path(id), document).position(position))
}

/// Invite somebody once more
///
/// Links from before are void.
#[utoipa::path(post, path = "/v1/accounts/{id}/invite", tag = "accounts", operation_id = "invite_account_again",
    params(("id" = Uuid, Path, description = "The account")),
    responses((status = 200, description = "They have another link", body = InvitedDocument)))]
pub(crate) async fn invite_again(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<InvitedDocument>, Problem> {
    let meta = caller.command(ids.0.command, trace);
    let invited = api.identity.invite_again(AccountId(id), &meta).await?;
    let (document, position) = told(&api, id, invited).await?;
    Ok(Done::ok(document).position(position))
}

/// Help somebody who forgot their password
///
/// They get a link with which they choose another one; the old one holds until then.
#[utoipa::path(post, path = "/v1/accounts/{id}/reset-password", tag = "accounts", operation_id = "reset_account_password",
    params(("id" = Uuid, Path, description = "The account")),
    responses((status = 200, description = "They have a link", body = InvitedDocument)))]
pub(crate) async fn reset_password(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<InvitedDocument>, Problem> {
    let meta = caller.command(ids.0.command, trace);
    let helped = api.identity.help(AccountId(id), &meta).await?;
    let (document, position) = told(&api, id, helped).await?;
    Ok(Done::ok(document).position(position))
}

pub(crate) async fn told(api: &Api, id: Uuid, invited: Invited) -> Result<(InvitedDocument, u64), Problem> {
    let (position, _) = kept::outcome(api, invited.appended, 0).await?;
    Ok((InvitedDocument { id, sent: invited.link.is_none(), link: invited.link }, position))
}
