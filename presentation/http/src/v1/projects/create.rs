//! `POST /v1/projects`.

use super::{NewProject, ProjectBrief, keep, kept, path};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Json, Nothing, Query},
    problem::Problem,
    trace::Trace,
};
use axum::extract::State;
use domain::value::ProjectId;

/// Make a project
#[utoipa::path(post, path = "/v1/projects", tag = "projects", operation_id = "create_project", request_body = NewProject,
    responses(
        (status = 201, description = "It is made", body = ProjectBrief, headers(
            ("Location" = String, description = "Its path"),
            ("ETag" = String, description = "For `If-Match`"),
            ("Dragoman-Position" = u64, description = "For `min_position`"),
        )),
    ))]
pub(crate) async fn create(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Query(Nothing {}): Query<Nothing>,
    Json(new): Json<NewProject>,
) -> Result<Done<ProjectBrief>, Problem> {
    let (id, name) = (ids.0.resource, new.name.0);
    let meta = caller.command(ids.0.command, trace);
    let written = keep(&api).create(ProjectId(id), name.clone(), &meta).await?;
    let (position, revision) = kept::outcome(&api, written, 1).await?;
    Ok(Done::created(&path(id), ProjectBrief { id, name }).position(position).revision(revision))
}
