//! `POST /v1/auth/password-resets` and `POST /v1/auth/tickets/redeem`: choosing a password with a link.

use crate::{
    address::ClientAddress,
    answer::Done,
    api::Api,
    extract::{Json, Nothing, Query},
    problem::Problem,
    v1::accounts::wrong_email,
};
use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

/// Who forgot a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetRequest {
    /// The e-mail address.
    #[schema(format = Email)]
    email: String,
}

/// A link's ticket, and the password that is chosen with it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TicketRequest {
    /// What stands behind the `#` of the link.
    ticket: String,
    /// The password.
    #[schema(format = Password)]
    password: String,
}

/// Ask for a link to choose a new password
///
/// It is sent to the address, where an account has it and the server sends mail. The answer is the same in any case.
#[utoipa::path(post, path = "/v1/auth/password-resets", tag = "auth", operation_id = "ask_for_password_reset", security(()),
    request_body = ResetRequest, responses((status = 202, description = "It is sent if there is such an account")))]
pub(crate) async fn ask_for_reset(
    State(api): State<Api>,
    address: ClientAddress,
    Query(Nothing {}): Query<Nothing>,
    Json(asked): Json<ResetRequest>,
) -> Result<StatusCode, Problem> {
    let whence = address.whence();
    let email = asked.email.parse().map_err(|_| wrong_email())?;
    let identity = api.identity.clone();
    // How long it takes to send a mail tells that there is somebody to send it to: nobody waits for that.
    tokio::spawn(async move {
        if let Err(error) = identity.ask_for_reset(&email, &whence).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a link for a new password was not sent");
        }
    });
    Ok(StatusCode::ACCEPTED)
}

/// Choose a password with a link
///
/// The link of an invitation, or for a new password: it works once. All sessions of the account end.
#[utoipa::path(post, path = "/v1/auth/tickets/redeem", tag = "auth", operation_id = "redeem_ticket", security(()),
    request_body = TicketRequest, responses(
        (status = 204, description = "The account has this password: sign in with it"),
        (status = 400, description = "The link was used, or has expired", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The password is too easy to guess", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn redeem_ticket(
    State(api): State<Api>,
    Query(Nothing {}): Query<Nothing>,
    Json(asked): Json<TicketRequest>,
) -> Result<Done<()>, Problem> {
    api.identity.redeem(&asked.ticket, &asked.password).await?;
    Ok(Done::nothing())
}
