//! One track.

use super::{TrackPath, list::cached, view::TrackDocument};
use crate::{
    api::Api,
    cache::Ready,
    extract::{Caller, MinPosition, Nothing, Path, Query},
    problem::{Code, Problem},
};
use application::queries;
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use domain::value::TrackId;

/// One track
///
/// Its `ETag` begins with the revision of the track's stream.
#[utoipa::path(get, path = "/v1/dubbings/{id}/tracks/{lang}", tag = "tracks",
    operation_id = "get_track", params(
    TrackPath,
    ("min_position" = Option<u64>, Query, description = "Position that the answer must at least hold for, as `Dragoman-Position` gave it"),
    ("If-None-Match" = Option<String>, Header, description = "Tags of what the client has: then 304"),
), responses(
    (status = 200, description = "The track", body = TrackDocument, headers(("ETag" = String))),
    (status = 304, description = "The client has it already"),
))]
pub(crate) async fn get(
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
        let (revision, track) = one(&api, &caller, &id).await?;
        Ready::of_revision(revision, &track)
    };
    Ok(cached(&api, &caller, &uri, id.dubbing.0, make).await?.answer(&headers))
}

/// The track as it is now, with the revision of its stream.
pub(crate) async fn one(api: &Api, caller: &Caller, id: &TrackId) -> Result<(u64, TrackDocument), Problem> {
    let (dubbing, track) = queries::track(&api.aggregates, id, caller.tenant()).await?;
    let document = TrackDocument::of(api, caller.tenant(), id, &dubbing.state, &track);
    document.map(|document| (track.revision, document)).ok_or_else(|| Problem::new(Code::NotFound))
}
