//! `GET /v1/dubbings`.

mod filter;
mod find;

use super::{
    path,
    view::{DubbingState, Links},
};
use crate::{
    api::Api,
    cache::{Ready, Tag},
    columns,
    extract::{Caller, MinPosition, Query},
    pages::Page,
    problem::{Code, Problem},
};
use application::ports::read_store::Row;
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use domain::value::DubbingId;
use filter::ListQuery;
use projections::jobs;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A dubbing as lists show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DubbingSummary {
    /// Its id.
    pub id: Uuid,
    /// Where it stands.
    pub state: DubbingState,
    /// A person paused it.
    pub paused: bool,
    /// Some of it is out of attempts, and waits for somebody to retry it.
    pub stands_still: bool,
    /// Name of its source; absent once it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The asset it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<Uuid>,
    /// How long the source lasts, in milliseconds; absent until it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Width of its picture in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height of its picture in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The language spoken in it.
    pub source_language: String,
    /// The languages asked for, in the order of their tags.
    pub target_languages: Vec<String>,
    /// How urgent it is: `low`, `normal` or `high`.
    pub priority: String,
    /// The project it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Uuid>,
    /// The client's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_reference: Option<String>,
    /// When it was ordered.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// When something last happened to it.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When it was completed, failed or was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Revision of the dubbing itself, for `If-Match`.
    pub revision: u64,
    /// Where more is.
    pub links: Links,
}

/// All dubbings
///
/// Newest first, page by page; all filters must hold together. A search for a text looks at 1,000 dubbings a page at
/// most: a page may then hold fewer than asked, even none, and still lead to a next one.
#[utoipa::path(get, path = "/v1/dubbings", tag = "dubbings", operation_id = "list_dubbings",
    params(ListQuery, ("min_position" = Option<u64>, Query, description = "The answer holds for this position at least")),
    responses(
        (status = 200, description = "A page", body = Page<DubbingSummary>, headers(
            ("Link" = String, description = "Leads to the next page; absent on the last one"),
            ("ETag" = String, description = "For `If-None-Match`"),
        )),
        (status = 304, description = "Unchanged since the answer whose `ETag` `If-None-Match` names"),
    )
)]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    _: MinPosition,
    Query(query): Query<ListQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let make = || async { Ready::page(&find::page(&api, &caller, query).await?, &uri) };
    Ok(api.cached(&caller, &uri, &[Tag::List(jobs::TABLE.name)], make).await?.answer(&headers))
}

impl DubbingSummary {
    /// Of its row, with its name.
    fn new(row: &Row, name: Option<String>) -> Result<Self, Problem> {
        let absent = || Problem::internal("a row of the dubbings is not complete");
        let text = |column: &str| columns::text(row, column).map(str::to_owned);
        let id = columns::id(row, "job_id").ok_or_else(absent)?;
        let state = columns::text(row, "phase").and_then(DubbingState::of_name).ok_or_else(absent)?;
        Ok(Self {
            id,
            state,
            paused: state.is_live() && columns::items(row, "held").iter().any(|stream| stream == "*"),
            stands_still: state.is_live() && !columns::items(row, "parked").is_empty(),
            name,
            asset: columns::id(row, "asset_id"),
            duration_ms: columns::number(row, "duration_ms"),
            width: columns::small(row, "width"),
            height: columns::small(row, "height"),
            source_language: text("source_language").ok_or_else(absent)?,
            target_languages: columns::items(row, "languages"),
            priority: text("priority").ok_or_else(absent)?,
            project: columns::id(row, "project_id"),
            client_reference: text("client_reference"),
            started_at: text("started_at").ok_or_else(absent)?,
            updated_at: text("updated_at").ok_or_else(absent)?,
            ended_at: text("ended_at"),
            revision: columns::number(row, "revision").ok_or_else(absent)?,
            links: Links { own: path(DubbingId(id)), video: None },
        })
    }
}

/// A cursor that leads nowhere.
fn not_ours() -> Problem {
    Problem::new(Code::InvalidCursor)
}
