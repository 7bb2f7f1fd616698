//! One asset.

use super::document::{AssetDocument, AssetView};
use crate::{
    api::Api,
    cache::{Ready, Tag},
    extract::{Caller, MinPosition, Nothing, Path, Query},
    problem::{Problem, ProblemDocument},
};
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use domain::value::AssetId;
use uuid::Uuid;

/// One asset
///
/// Its streams, length and loudness stand in it once it is `ready`. One that cannot be dubbed is answered by a problem
/// that says why: `reason` is a stable code, `asset` the asset itself.
#[utoipa::path(get, path = "/v1/assets/{id}", tag = "assets",
    params(
        ("id" = Uuid, Path, description = "Its id"),
        ("min_position" = Option<u64>, Query, description = "Waits briefly until the answer holds for this position"),
        ("If-None-Match" = Option<String>, Header, description = "An `ETag` that the client has already"),
    ),
    responses(
        (status = 200, description = "The asset, `uploaded` or `ready`", body = AssetDocument,
            headers(("ETag" = String, description = "Its revision, and what else the answer holds"))),
        (status = 304, description = "The client has it already"),
        (status = 404, description = "There is no such asset, or it was erased", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The file is not of a kind that can be dubbed, or not what its extension says", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The file cannot be dubbed as it is, or malware was found in it", body = ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn get(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<Uuid>,
    _position: MinPosition,
    Query(Nothing {}): Query<Nothing>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let make = || async {
        let view = AssetView::require(&api, &caller, AssetId(id)).await?;
        match view.refusal() {
            Some(problem) => Err(problem),
            None => Ready::of_revision(view.revision, &view.document),
        }
    };
    Ok(api.cached(&caller, &uri, &[Tag::One(id)], make).await?.answer(&headers))
}
