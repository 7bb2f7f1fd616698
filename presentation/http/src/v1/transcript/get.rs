//! The whole transcript.

use super::view::TranscriptDocument;
use crate::{
    api::Api,
    cache::{Ready, Tag},
    extract::{Caller, MinPosition, Nothing, Path, Query},
    problem::Problem,
};
use application::queries;
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use domain::value::DubbingId;
use uuid::Uuid;

/// The transcript of a dubbing
///
/// Its `ETag` begins with the revision of the dubbing's stream.
#[utoipa::path(get, path = "/v1/dubbings/{id}/transcript", tag = "transcript", params(
    ("id" = Uuid, Path, description = "The dubbing"),
    ("min_position" = Option<u64>, Query, description = "Position that the answer must at least hold for, as `Dragoman-Position` gave it"),
    ("If-None-Match" = Option<String>, Header, description = "Tags of what the client has: then 304"),
), responses(
    (status = 200, description = "The transcript", body = TranscriptDocument, headers(("ETag" = String))),
    (status = 304, description = "The client has it already"),
))]
pub(crate) async fn get_transcript(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<Uuid>,
    _: MinPosition,
    Query(_): Query<Nothing>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let make = || async {
        let dubbing = queries::dubbing(&api.aggregates, DubbingId(id), caller.tenant()).await?;
        let published = queries::transcript::published(&api.aggregates, DubbingId(id), &dubbing.state).await?;
        let document = TranscriptDocument::of(&dubbing.state, &published, dubbing.revision);
        Ready::of_revision(dubbing.revision, &document)
    };
    Ok(api.cached(&caller, &uri, &[Tag::One(id)], make).await?.answer(&headers))
}
