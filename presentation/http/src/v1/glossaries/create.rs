//! `POST /v1/glossaries`.

use super::{GlossaryBrief, NewGlossary, is_list, keep, kept, path, refusal};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Json, Nothing, Query},
    problem::Problem,
    trace::Trace,
};
use axum::extract::State;
use domain::value::GlossaryId;

/// Make a glossary
#[utoipa::path(post, path = "/v1/glossaries", tag = "glossaries", operation_id = "create_glossary", request_body = NewGlossary,
    responses(
        (status = 201, description = "It is made", body = GlossaryBrief, headers(
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
    Json(new): Json<NewGlossary>,
) -> Result<Done<GlossaryBrief>, Problem> {
    let (id, name, content) = (ids.0.resource, new.name.0.clone(), new.content());
    let meta = caller.command(ids.0.command, trace);
    let is_list = is_list(&content);
    let written = keep(&api).create(GlossaryId(id), content, &meta).await;
    let written = written.map_err(|error| refusal(error, is_list))?;
    let (position, revision) = kept::outcome(&api, written, 1).await?;
    Ok(Done::created(&path(id), GlossaryBrief { id, name }).position(position).revision(revision))
}
