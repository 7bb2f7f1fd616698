//! `/v1/account`: one's own. Who one is, another password, a second factor.

use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Json, Nothing, Query},
    problem::Problem,
    trace::Trace,
    v1::{accounts::AccountDocument, kept},
};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordRequest {
    /// The present one.
    #[schema(format = Password)]
    present: String,
    /// The new one: at least ten characters, and not easy to guess.
    #[schema(format = Password)]
    new: String,
}

/// The password, asked for once more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofRequest {
    /// The password.
    #[schema(format = Password)]
    password: String,
}

/// A code that the app shows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeRequest {
    /// Six digits.
    #[schema(example = "123456")]
    code: String,
}

/// A second factor to be.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnrolmentDocument {
    /// `otpauth://…`: what an authenticator app reads, as a QR code. It is shown once.
    uri: String,
}

/// Who you are
#[utoipa::path(get, path = "/v1/account", tag = "auth", operation_id = "get_own_account", responses(
    (status = 200, description = "Your account", body = AccountDocument),
))]
pub(crate) async fn own(
    State(api): State<Api>,
    caller: Caller,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<AccountDocument>, Problem> {
    let account = caller.account()?;
    Ok(Done::ok(AccountDocument::load(&api, account).await?))
}

/// Choose another password
///
/// All your other sessions end.
#[utoipa::path(put, path = "/v1/account/password", tag = "auth", operation_id = "change_password",
    request_body = PasswordRequest, responses(
        (status = 204, description = "It is this one now"),
        (status = 403, description = "The present password is another one", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "It is too easy to guess", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn change_password(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Query(Nothing {}): Query<Nothing>,
    Json(asked): Json<PasswordRequest>,
) -> Result<Done<()>, Problem> {
    let (account, meta) = (caller.account()?, caller.command(ids.0.command, trace));
    let by = caller.principal();
    let written = api.identity.change_password(account, by, &asked.present, &asked.new, &meta).await?;
    Ok(Done::nothing().position(kept::outcome(&api, written, 0).await?.0))
}

/// Begin to enrol a second factor
///
/// Put it into an authenticator app (TOTP, RFC 6238), then send a code with `PUT`.
#[utoipa::path(post, path = "/v1/account/second-factor", tag = "auth", operation_id = "begin_second_factor",
    request_body = ProofRequest, responses((status = 200, description = "For the app", body = EnrolmentDocument)))]
pub(crate) async fn begin_second_factor(
    State(api): State<Api>,
    caller: Caller,
    Query(Nothing {}): Query<Nothing>,
    Json(asked): Json<ProofRequest>,
) -> Result<Done<EnrolmentDocument>, Problem> {
    let enrolment = api.identity.begin_second_factor(caller.account()?, &asked.password).await?;
    Ok(Done::ok(EnrolmentDocument { uri: enrolment.uri }))
}

/// End the enrolment of a second factor
///
/// From now on a code is asked for whenever you sign in.
#[utoipa::path(put, path = "/v1/account/second-factor", tag = "auth", operation_id = "confirm_second_factor",
    request_body = CodeRequest, responses(
        (status = 204, description = "It is asked for from now on"),
        (status = 400, description = "The code is wrong", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn confirm_second_factor(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Query(Nothing {}): Query<Nothing>,
    Json(asked): Json<CodeRequest>,
) -> Result<Done<()>, Problem> {
    let (account, meta) = (caller.account()?, caller.command(ids.0.command, trace));
    let written = api.identity.confirm_second_factor(account, &asked.code, &meta).await?;
    Ok(Done::nothing().position(kept::outcome(&api, written, 0).await?.0))
}

/// Give the second factor up
#[utoipa::path(delete, path = "/v1/account/second-factor", tag = "auth", operation_id = "disable_second_factor",
    request_body = ProofRequest, responses((status = 204, description = "No code is asked for any more")))]
pub(crate) async fn disable_second_factor(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Query(Nothing {}): Query<Nothing>,
    Json(asked): Json<ProofRequest>,
) -> Result<Done<()>, Problem> {
    let (account, meta) = (caller.account()?, caller.command(ids.0.command, trace));
    let written = api.identity.disable_second_factor(account, &asked.password, &meta).await?;
    Ok(Done::nothing().position(kept::outcome(&api, written, 0).await?.0))
}
