//! Fresh links to a track's files.

use super::{TrackPath, view::Links};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, Json, Nothing, Path, Query},
    problem::Problem,
    v1::downloads,
};
use axum::extract::State;
use domain::security::SecurityEvent;
use serde::Deserialize;
use utoipa::ToSchema;

/// How long links are to hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLinks {
    /// Seconds until they end: a minute to seven days.
    #[schema(minimum = 60, maximum = 604_800)]
    #[serde(deserialize_with = "holding")]
    expires_in_s: u64,
}

fn holding<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let seconds = u64::deserialize(deserializer)?;
    let is_taken = (60..=604_800).contains(&seconds);
    let expected = "links hold for 60 to 604800 seconds";
    if is_taken { Ok(seconds) } else { Err(serde::de::Error::custom(expected)) }
}

/// Make links to a track's files
///
/// Whoever has one of them can read its file, and nothing else, until it ends. They cannot be called back; what they
/// lead to can be withdrawn.
#[utoipa::path(post, path = "/v1/dubbings/{id}/tracks/{lang}/links", tag = "tracks",
    operation_id = "make_links", params(TrackPath),
    request_body = NewLinks, responses(
    (status = 200, description = "The links", body = Links),
))]
pub(crate) async fn links(
    State(api): State<Api>,
    caller: Caller,
    Path(path): Path<TrackPath>,
    Query(Nothing {}): Query<Nothing>,
    Json(new): Json<NewLinks>,
) -> Result<Done<Links>, Problem> {
    let id = path.id();
    downloads::require(&api, &caller, &id).await?;
    let by = caller.whence().by(caller.principal());
    let exported = SecurityEvent::RecordsExported { by, what: "links".to_owned() };
    api.trail.record(caller.tenant(), exported).await.map_err(downloads::unwritten)?;
    let expires_at = api.clock.now().plus_ms(new.expires_in_s * 1_000);
    Ok(Done::ok(Links::until(&api, caller.tenant(), &id, expires_at)))
}
