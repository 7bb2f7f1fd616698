//! `PATCH` and `DELETE` of `/v1/projects/{id}`.

use super::{NewProject, ProjectBrief, keep, kept, require};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, IfMatch, Json, Nothing, Path, Query},
    problem::Problem,
    trace::Trace,
};
use axum::extract::State;
use domain::value::ProjectId;
use uuid::Uuid;

/// Rename a project
#[utoipa::path(patch, path = "/v1/projects/{id}", tag = "projects", operation_id = "rename_project",
    params(("id" = Uuid, Path, description = "The project"),
        ("If-Match" = String, Header, description = "The `ETag` that was read, or `*`")),
    request_body = NewProject,
    responses(
        (status = 200, description = "It is called so", body = ProjectBrief, headers(
            ("ETag" = String, description = "For `If-Match`"),
            ("Dragoman-Position" = u64, description = "For `min_position`"),
        )),
    ))]
#[expect(clippy::too_many_arguments, reason = "each is one thing that the request says")]
pub(crate) async fn rename(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    condition: IfMatch,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
    Json(new): Json<NewProject>,
) -> Result<Done<ProjectBrief>, Problem> {
    let project = require(&api, &caller, id).await?;
    let expected = condition.required()?.resolve(project.revision)?;
    let meta = caller.command(ids.0.command, trace).expecting(expected);
    let name = new.name.0;
    let written = keep(&api).rename(ProjectId(id), name.clone(), &meta).await?;
    let (position, revision) = kept::outcome(&api, written, project.revision).await?;
    Ok(Done::ok(ProjectBrief { id, name }).position(position).revision(revision))
}

/// Remove a project
///
/// Its dubbings stay.
#[utoipa::path(delete, path = "/v1/projects/{id}", tag = "projects", operation_id = "remove_project",
    params(("id" = Uuid, Path, description = "The project"),
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
    let project = require(&api, &caller, id).await?;
    let meta = caller.command(ids.0.command, trace).expecting(condition.resolve(project.revision)?);
    let written = keep(&api).remove(ProjectId(id), &meta).await?;
    let (position, _) = kept::outcome(&api, written, project.revision).await?;
    Ok(Done::nothing().position(position))
}
