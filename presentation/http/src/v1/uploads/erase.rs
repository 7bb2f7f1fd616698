//! Breaks an upload off.

use super::head::require;
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, Nothing, Path, Query},
    problem::{Problem, ProblemDocument},
};
use axum::extract::State;
use uuid::Uuid;

/// Breaks an upload off
///
/// What came of it is removed. An asset that it became already stays.
#[utoipa::path(delete, path = "/v1/uploads/{id}", tag = "uploads",
    params(
        ("id" = Uuid, Path, description = "Its id"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is no such upload", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "The upload has expired", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "Another version of the protocol", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 423, description = "The upload is being written", body = ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn erase(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<()>, Problem> {
    let upload = require(&api, &caller, id).await?;
    api.uploads.terminate(caller.tenant(), upload.id).await?;
    Ok(Done::nothing())
}
