//! `POST /v1/auth/revoke`.

use crate::{
    answer::Done,
    api::Api,
    extract::{FormOrJson, Nothing, Query},
    problem::Problem,
};
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

/// What is to end.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RevokeRequest {
    /// A refresh token or an access token.
    token: String,
}

/// Sign out
///
/// Ends the session that the token belongs to, with all its tokens (RFC 7009). The answer is the same for a token that
/// nobody knows.
#[utoipa::path(post, path = "/v1/auth/revoke", tag = "auth", operation_id = "revoke", security(()), request_body = RevokeRequest,
    responses((status = 204, description = "It is not valid, or not any more")))]
pub(crate) async fn revoke(
    State(api): State<Api>,
    Query(Nothing {}): Query<Nothing>,
    FormOrJson(asked): FormOrJson<RevokeRequest>,
) -> Result<Done<()>, Problem> {
    api.identity.sign_out(&asked.token).await?;
    Ok(Done::nothing())
}
