//! `GET /v1/glossaries` and `GET /v1/glossaries/{id}`.

use super::{
    GlossaryDocument, GlossarySummary, keep,
    kept::{self, PageParams},
    refusal, require, tag,
};
use crate::{
    api::Api,
    cache::{Ready, Tag},
    columns,
    extract::{Caller, MinPosition, Nothing, Path, Query},
    pages::Page,
    problem::{Code, Problem},
};
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use projections::glossaries::TABLE;
use uuid::Uuid;

/// All glossaries
///
/// Newest first, without their terms.
#[utoipa::path(get, path = "/v1/glossaries", tag = "glossaries", operation_id = "list_glossaries",
    params(PageParams,
        ("min_position" = Option<u64>, Query, description = "The answer holds for this position at least"),
        ("If-None-Match" = Option<String>, Header, description = "Tags of what the client has: then 304")),
    responses(
        (status = 200, description = "A page", body = Page<GlossarySummary>, headers(
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
    kept::list::<GlossarySummary>(&api, &caller, params, &uri, &headers).await
}

/// One glossary, with its terms
#[utoipa::path(get, path = "/v1/glossaries/{id}", tag = "glossaries", operation_id = "get_glossary",
    params(("id" = Uuid, Path, description = "The glossary"),
        ("min_position" = Option<u64>, Query, description = "The answer holds for this position at least")),
    responses(
        (status = 200, description = "The glossary", body = GlossaryDocument, headers(("ETag" = String, description = "For `If-Match` and `If-None-Match`"))),
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
        let glossary = require(&api, &caller, id).await?;
        let content = glossary.state.content.as_ref().ok_or_else(|| Problem::new(Code::NotFound))?;
        let terms = keep(&api).terms(&content.terms).await.map_err(|error| refusal(error, false))?;
        let terms = terms.ok_or_else(|| Problem::internal("the terms of a glossary are gone"))?;
        let document = GlossaryDocument {
            id,
            name: kept::revealed(Some(&content.name)),
            language: tag(content.language.as_ref()),
            terms: terms.iter().map(Into::into).collect(),
            created_at: columns::owned(&row, "created_at"),
            updated_at: columns::owned(&row, "updated_at"),
        };
        Ready::of_revision(glossary.revision, &document)
    };
    Ok(api.cached(&caller, &uri, &[Tag::One(id)], make).await?.answer(&headers))
}
