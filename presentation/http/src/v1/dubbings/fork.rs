//! `POST /v1/dubbings/{id}/fork`.

use super::{
    path,
    view::{DubbingDocument, Seen},
};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, IfMatch, Path, Query},
    problem::Problem,
    quota::within,
    trace::Trace,
};
use application::ports::event_log::StreamId;
use axum::extract::State;
use domain::{
    flow::{Stage, TABLE},
    value::DubbingId,
};
use serde::Deserialize;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use uuid::Uuid;

/// Where to begin anew.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForkQuery {
    /// The first stage that runs anew; the results of those before are taken over.
    #[param(schema_with = stages, required = true)]
    from: Stage,
}

/// Stages by their names.
fn stages() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(TABLE.map(|row| row.stage.name()))).build()
}

/// Fork a dubbing
///
/// A new dubbing of the same source into the same languages, but for those that were withdrawn or cancelled, takes over
/// what this one found before a stage, corrections included, and runs anew from there; where a line is stale, its
/// language runs anew as a whole. This one stays as it is. `404 not-found`; `409 stage-not-reached`, or `not-possible`
/// when no language is left; `412 revision-mismatch` when `If-Match` names another revision of this one; `503
/// overloaded` with `Retry-After` when too much waits already; `429 quota-jobs`, `402 quota-minutes` or `quota-spend` when
/// the tenant may not use so much.
#[utoipa::path(post, path = "/v1/dubbings/{id}/fork", tag = "dubbings", operation_id = "fork_dubbing",
    params(
        ("id" = Uuid, Path, description = "The dubbing to fork"),
        ForkQuery,
        ("If-Match" = Option<String>, Header, description = "Refused unless the dubbing to fork is at this revision"),
    ),
    responses((status = 202, description = "The new dubbing has begun", body = DubbingDocument, headers(
        ("Location" = String, description = "Path of the new dubbing"),
        ("Dragoman-Position" = u64, description = "Where the log holds it"),
        ("ETag" = String, description = "Its revision"),
    )))
)]
pub(crate) async fn fork(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    condition: IfMatch,
    Path(origin): Path<Uuid>,
    Query(ForkQuery { from }): Query<ForkQuery>,
) -> Result<Done<DubbingDocument>, Problem> {
    let (origin, id) = (DubbingId(origin), DubbingId(ids.0.resource));
    let known = api.require_dubbing(&caller, origin).await?;
    let meta = caller.command(ids.0.command, trace);
    let meta = condition.bind(&api, meta, &StreamId::Dubbing(id), known.revision).await?;
    let place = api.admission.reserve()?;
    let asked = api.asked_by_fork(&known.state, from);
    let turn = api.quota_turn(&caller, &StreamId::Dubbing(id), &meta, asked).await?;
    let forking = api.fork_dubbing();
    let forked = within(turn, async move { forking.run(origin, from, id, &meta).await }).await??;
    place.fill(id).await;
    let seen = Seen::without_rows(&api, &caller, id).await?;
    let position = api.position_of(forked.map(|appended| appended.position)).await?;
    let document = seen.document(&api, position).await?;
    Ok(Done::accepted(&path(id), document).position(position).revision(seen.revision()))
}
