//! `POST /v1/dubbings/{id}/stages/{stage}/skip`, and the same of one language.

#![expect(unused_qualifications, reason = "utoipa's macros repeat paths")]

use super::{
    path,
    view::{DubbingDocument, Seen},
};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Json, Nothing, Path, Query},
    problem::Problem,
    trace::Trace,
    v1::fields::OperatorReason,
};
use axum::extract::State;
use domain::{
    flow::Stage,
    value::{DubbingId, LanguageTag},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Why a stage is skipped.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSkip {
    /// Why. It stands in the log and in the report as it is written here: name no people.
    reason: OperatorReason,
}

/// Which stage of which language.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct TrackStagePath {
    /// The dubbing.
    id: Uuid,
    /// The language, as a BCP 47 tag.
    #[param(value_type = String, example = "es", pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", max_length = 35)]
    lang: LanguageTag,
    /// The stage.
    #[param(value_type = String, example = "sync-lips")]
    stage: Stage,
}

/// Skip a stage of a dubbing that is out of attempts
///
/// The dubbing goes on without it, and its report says so. `404 not-found`, also for stages that each language has;
/// `409 not-parked`, `already-ended`, or `stage-needed` for a stage that nothing can go on without; `503 overloaded` with
/// `Retry-After` when too much waits already.
#[utoipa::path(post, path = "/v1/dubbings/{id}/stages/{stage}/skip", tag = "dubbings", operation_id = "skip_stage",
    params(("id" = Uuid, Path, description = "The dubbing"), ("stage" = String, Path, description = "The stage")),
    request_body = NewSkip,
    responses((status = 202, description = "It goes on", body = DubbingDocument, headers(
        ("Location" = String, description = "Path of the dubbing"),
        ("Dragoman-Position" = u64, description = "Where the log holds it"),
        ("ETag" = String, description = "Its revision now"),
    ))))]
pub(crate) async fn skip(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path((id, stage)): Path<(Uuid, Stage)>,
    Query(Nothing {}): Query<Nothing>,
    Json(NewSkip { reason }): Json<NewSkip>,
) -> Result<Done<DubbingDocument>, Problem> {
    carry_out(&api, (&caller, ids, trace), (DubbingId(id), None, stage), reason).await
}

/// Skip a stage of a track that is out of attempts
///
/// The track goes on without it, and its report says so. `404 not-found`, also for stages of the whole; `409 not-parked`,
/// `already-ended`, or `stage-needed` for a stage that nothing can go on without; `503 overloaded` with `Retry-After` when
/// too much waits already.
#[utoipa::path(post, path = "/v1/dubbings/{id}/tracks/{lang}/stages/{stage}/skip", tag = "tracks",
    operation_id = "skip_track_stage", params(TrackStagePath), request_body = NewSkip,
    responses((status = 202, description = "It goes on", body = DubbingDocument, headers(
        ("Location" = String, description = "Path of the dubbing"),
        ("Dragoman-Position" = u64, description = "Where the log holds it"),
        ("ETag" = String, description = "Revision of the dubbing now"),
    ))))]
pub(crate) async fn skip_in_track(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path(TrackStagePath { id, lang, stage }): Path<TrackStagePath>,
    Query(Nothing {}): Query<Nothing>,
    Json(NewSkip { reason }): Json<NewSkip>,
) -> Result<Done<DubbingDocument>, Problem> {
    carry_out(&api, (&caller, ids, trace), (DubbingId(id), Some(&lang), stage), reason).await
}

async fn carry_out(
    api: &Api,
    (caller, ids, trace): (&Caller, CommandIds, Trace),
    (id, language, stage): (DubbingId, Option<&LanguageTag>, Stage),
    reason: OperatorReason,
) -> Result<Done<DubbingDocument>, Problem> {
    let meta = caller.command(ids.0.command, trace);
    let place = api.admission.reserve_for(id)?;
    let done = api.control_dubbing().skip(id, language, stage, reason.0, &meta).await?;
    place.fill(id).await;
    let position = api.position_of(done.position).await?;
    let seen = Seen::of(api, caller, id).await?;
    let document = seen.document(api, position).await?;
    Ok(Done::accepted(&path(id), document).position(position).revision(seen.revision()))
}
