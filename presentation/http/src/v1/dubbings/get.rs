//! `GET /v1/dubbings/{id}`.

use super::view::{DubbingDocument, Seen};
use crate::{
    api::Api,
    cache::{Ready, Tag},
    extract::{Caller, MinPosition, Nothing, Path, Query},
    problem::Problem,
};
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use domain::value::DubbingId;
use uuid::Uuid;

/// One dubbing
///
/// Where it stands, how far each language and each stage is, and what is wrong if anything is. `404 not-found` when
/// there is none with this id.
#[utoipa::path(get, path = "/v1/dubbings/{id}", tag = "dubbings", operation_id = "get_dubbing",
    params(
        ("id" = Uuid, Path, description = "Its id"),
        ("min_position" = Option<u64>, Query, description = "The answer holds for this position at least"),
    ),
    responses(
        (status = 200, description = "The dubbing", body = DubbingDocument, headers(
            ("ETag" = String, description = "Begins with the dubbing's revision, for `If-Match`"),
        )),
        (status = 304, description = "Unchanged since the answer whose `ETag` `If-None-Match` names"),
    )
)]
pub(crate) async fn get(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<Uuid>,
    position: MinPosition,
    Query(Nothing {}): Query<Nothing>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let make = || async {
        let seen = Seen::of(&api, &caller, DubbingId(id)).await?;
        Ready::of_revision(seen.revision(), &seen.document(&api, position.0).await?)
    };
    Ok(api.cached(&caller, &uri, &[Tag::One(id)], make).await?.answer(&headers))
}
