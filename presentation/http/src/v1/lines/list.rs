//! All lines of a track.

use super::view::LineList;
use crate::{
    api::Api,
    cache::{Ready, Tag},
    extract::{Caller, MinPosition, Nothing, Path, Query},
    problem::Problem,
    v1::tracks::TrackPath,
};
use application::queries;
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};

/// The lines of a track
///
/// Its `ETag` begins with the revision of the track's stream.
#[utoipa::path(get, path = "/v1/dubbings/{id}/tracks/{lang}/utterances", tag = "tracks",
    operation_id = "list_lines", params(
    TrackPath,
    ("min_position" = Option<u64>, Query, description = "Position that the answer must at least hold for, as `Dragoman-Position` gave it"),
    ("If-None-Match" = Option<String>, Header, description = "Tags of what the client has: then 304"),
), responses(
    (status = 200, description = "The lines", body = LineList, headers(("ETag" = String))),
    (status = 304, description = "The client has it already"),
))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Path(path): Path<TrackPath>,
    _: MinPosition,
    Query(_): Query<Nothing>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = path.id();
    let make = || async {
        let (dubbing, track) = queries::track(&api.aggregates, &id, caller.tenant()).await?;
        Ready::of_revision(track.revision, &LineList::of(&dubbing.state, &track.state, track.revision))
    };
    Ok(api.cached(&caller, &uri, &[Tag::One(id.dubbing.0)], make).await?.answer(&headers))
}
