//! `GET /v1/projects` and `GET /v1/projects/{id}`.

use super::{
    ProjectDocument,
    kept::{self, Listed, PageParams},
};
use crate::{
    api::Api,
    cache::{Ready, Tag},
    columns,
    extract::{Caller, MinPosition, Nothing, Path, Query},
    pages::Page,
    problem::Problem,
};
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use projections::projects::TABLE;
use uuid::Uuid;

/// All projects
///
/// Newest first.
#[utoipa::path(get, path = "/v1/projects", tag = "projects", operation_id = "list_projects",
    params(PageParams,
        ("min_position" = Option<u64>, Query, description = "The answer holds for this position at least"),
        ("If-None-Match" = Option<String>, Header, description = "Tags of what the client has: then 304")),
    responses(
        (status = 200, description = "A page", body = Page<ProjectDocument>, headers(
            ("ETag" = String, description = "For `If-None-Match`"),
            ("Link" = String, description = "The next page: `rel=next`"))),
        (status = 304, description = "The client has it already"),
    ))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    _: MinPosition,
    Query(params): Query<PageParams>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    kept::list::<ProjectDocument>(&api, &caller, params, &uri, &headers).await
}

/// One project
#[utoipa::path(get, path = "/v1/projects/{id}", tag = "projects", operation_id = "get_project",
    params(("id" = Uuid, Path, description = "The project"),
        ("min_position" = Option<u64>, Query, description = "The answer holds for this position at least")),
    responses(
        (status = 200, description = "The project", body = ProjectDocument, headers(("ETag" = String, description = "For `If-Match` and `If-None-Match`"))),
        (status = 304, description = "Unchanged since the answer whose `ETag` `If-None-Match` names"),
    ))]
pub(crate) async fn get(
    State(api): State<Api>,
    caller: Caller,
    _: MinPosition,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let make = || async {
        let row = kept::row(&api, &caller, &TABLE, id).await?;
        Ready::of_revision(
            columns::number(&row, "revision").unwrap_or_default(),
            &ProjectDocument::of(&api, &row).await?,
        )
    };
    Ok(api.cached(&caller, &uri, &[Tag::One(id)], make).await?.answer(&headers))
}
