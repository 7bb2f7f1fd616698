//! All tracks of a dubbing.

use super::view::{Links, TrackDocument};
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
use domain::value::{DubbingId, TrackId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The tracks of a dubbing.
#[derive(Serialize, ToSchema)]
pub(crate) struct TrackList {
    /// One for each language that was ever asked for, in the order of their tags.
    pub items: Vec<TrackDocument>,
}

/// All tracks of a dubbing
#[utoipa::path(get, path = "/v1/dubbings/{id}/tracks", tag = "tracks",
    operation_id = "list_tracks", params(
    ("id" = Uuid, Path, description = "The dubbing"),
    ("min_position" = Option<u64>, Query, description = "Position that the answer must at least hold for, as `Dragoman-Position` gave it"),
    ("If-None-Match" = Option<String>, Header, description = "Tags of what the client has: then 304"),
), responses(
    (status = 200, description = "Its tracks", body = TrackList, headers(("ETag" = String))),
    (status = 304, description = "The client has it already"),
))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<Uuid>,
    _: MinPosition,
    Query(_): Query<Nothing>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let make = || async { Ready::json(&all(&api, &caller, DubbingId(id)).await?) };
    Ok(cached(&api, &caller, &uri, id, make).await?.answer(&headers))
}

/// The tracks as they are now.
pub(crate) async fn all(api: &Api, caller: &Caller, id: DubbingId) -> Result<TrackList, Problem> {
    let dubbing = queries::dubbing(&api.aggregates, id, caller.tenant()).await?.state;
    let mut items = Vec::with_capacity(dubbing.tracks.len());
    for language in dubbing.tracks.keys() {
        let id = TrackId { dubbing: id, language: language.clone() };
        let track = api.aggregates.track(&id).await?;
        items.extend(TrackDocument::of(api, caller.tenant(), &id, &dubbing, &track));
    }
    Ok(TrackList { items })
}

/// An answer with links in it: kept until they would have to be made anew.
pub(crate) async fn cached<F>(
    api: &Api,
    caller: &Caller,
    uri: &Uri,
    dubbing: Uuid,
    make: impl FnOnce() -> F,
) -> Result<Ready, Problem>
where
    F: Future<Output = Result<Ready, Problem>>,
{
    let key = format!("{}\n{uri}\n{}", caller.tenant().0, Links::end(api));
    let position = *api.applied.borrow();
    api.cache.get_or_make(&key, &[Tag::One(dubbing)], position, make).await
}
