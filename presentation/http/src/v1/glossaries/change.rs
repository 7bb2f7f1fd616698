//! `PUT` and `DELETE` of `/v1/glossaries/{id}`.

use super::{GlossaryBrief, NewGlossary, is_list, keep, kept, refusal, require};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, IfMatch, Json, Nothing, Path, Query},
    problem::Problem,
    trace::Trace,
};
use axum::extract::State;
use domain::value::GlossaryId;
use uuid::Uuid;

/// Fill a glossary anew
///
/// Dubbings that use it keep the terms that they began with.
#[utoipa::path(put, path = "/v1/glossaries/{id}", tag = "glossaries", operation_id = "replace_glossary",
    params(("id" = Uuid, Path, description = "The glossary"),
        ("If-Match" = String, Header, description = "The `ETag` that was read, or `*`")),
    request_body = NewGlossary,
    responses(
        (status = 200, description = "It holds that now", body = GlossaryBrief, headers(
            ("ETag" = String, description = "For `If-Match`"),
            ("Dragoman-Position" = u64, description = "For `min_position`"),
        )),
    ))]
#[expect(clippy::too_many_arguments, reason = "each is one thing that the request says")]
pub(crate) async fn replace(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    condition: IfMatch,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
    Json(new): Json<NewGlossary>,
) -> Result<Done<GlossaryBrief>, Problem> {
    let glossary = require(&api, &caller, id).await?;
    let expected = condition.required()?.resolve(glossary.revision)?;
    let meta = caller.command(ids.0.command, trace).expecting(expected);
    let (name, content) = (new.name.0.clone(), new.content());
    let is_list = is_list(&content);
    let written = keep(&api).replace(GlossaryId(id), content, &meta).await;
    let written = written.map_err(|error| refusal(error, is_list))?;
    let (position, revision) = kept::outcome(&api, written, glossary.revision).await?;
    Ok(Done::ok(GlossaryBrief { id, name }).position(position).revision(revision))
}

/// Remove a glossary
///
/// Dubbings that use it keep the terms that they began with.
#[utoipa::path(delete, path = "/v1/glossaries/{id}", tag = "glossaries", operation_id = "remove_glossary",
    params(("id" = Uuid, Path, description = "The glossary"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that was read, or `*`")),
    responses(
        (status = 204, description = "It is gone", headers(
            ("Dragoman-Position" = u64, description = "For `min_position`"),
        )),
    ))]
pub(crate) async fn remove(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    condition: IfMatch,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<()>, Problem> {
    let glossary = require(&api, &caller, id).await?;
    let meta = caller.command(ids.0.command, trace).expecting(condition.resolve(glossary.revision)?);
    let written = keep(&api).remove(GlossaryId(id), &meta).await.map_err(|error| refusal(error, false))?;
    let (position, _) = kept::outcome(&api, written, glossary.revision).await?;
    Ok(Done::nothing().position(position))
}
