//! All assets.

#![expect(unused_qualifications, reason = "utoipa's derive repeats the path of a type")]

use super::document::AssetState;
use crate::{
    api::Api,
    cache::{Ready, Tag},
    columns,
    extract::{Caller, MinPosition, Query},
    pages::{Cursor, Limit, Page},
    problem::{Problem, ProblemDocument},
};
use application::ports::read_store::{Condition, Order, PageQuery, Row, RowKey};
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use domain::value::AssetId;
use projections::assets::TABLE;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Newest first.
const ORDER: Order = Order { column: "uploaded_at", descending: true };

/// Which assets.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only those that stand so.
    #[param(inline)]
    state: Option<StateFilter>,
    /// How many at most.
    #[serde(default)]
    #[param(inline, required = false)]
    limit: Limit,
    /// Where the page before ended.
    #[param(inline)]
    cursor: Option<Cursor>,
}

/// Where an asset stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateFilter {
    /// It waits to be looked at.
    Uploaded,
    /// It can be dubbed.
    Ready,
    /// It cannot be dubbed.
    Quarantined,
}

/// An asset in a list
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AssetSummary {
    /// Its id.
    id: Uuid,
    /// Where it stands.
    state: AssetState,
    /// Its name, as whoever handed it in calls it.
    #[schema(nullable)]
    name: Option<String>,
    /// Its media type, as whoever handed it in says.
    media_type: String,
    /// Its size in bytes.
    bytes: u64,
    /// SHA-256 of its content, in hexadecimal.
    sha256: String,
    /// Length in milliseconds, once it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    /// Stable code of what is wrong with it, when it was put aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// When it was complete.
    #[schema(format = DateTime)]
    uploaded_at: String,
}

/// All assets, newest first
#[utoipa::path(get, path = "/v1/assets", tag = "assets",
    params(ListQuery,
        ("min_position" = Option<u64>, Query, description = "Waits briefly until the answer holds for this position"),
        ("If-None-Match" = Option<String>, Header, description = "An `ETag` that the client has already"),
    ),
    responses(
        (status = 200, description = "A page of assets; erased ones are left out", body = Page<AssetSummary>),
        (status = 304, description = "The client has it already"),
        (status = 400, description = "The query is not understood", body = ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    _position: MinPosition,
    Query(query): Query<ListQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // Where a row stands: its time, then its id.
    let after = query.cursor.as_ref().map(Cursor::open::<(String, String)>).transpose()?;
    let after = after.map(|(time, id)| vec![json!(time), json!(id)]);
    let make = || async { Ready::page(&page(&api, &caller, &query, after).await?, &uri) };
    Ok(api.cached(&caller, &uri, &[Tag::List("assets")], make).await?.answer(&headers))
}

async fn page(
    api: &Api,
    caller: &Caller,
    query: &ListQuery,
    after: Option<RowKey>,
) -> Result<Page<AssetSummary>, Problem> {
    let states = match query.state {
        None => vec![json!("uploaded"), json!("ready"), json!("quarantined")],
        Some(StateFilter::Uploaded) => vec![json!("uploaded")],
        Some(StateFilter::Ready) => vec![json!("ready")],
        Some(StateFilter::Quarantined) => vec![json!("quarantined")],
    };
    let conditions = vec![Condition::Equals("tenant", json!(caller.tenant().0)), Condition::OneOf("state", states)];
    let rows = PageQuery { conditions, order: ORDER, after, limit: query.limit.get() + 1 };
    let rows = api.read_store.page(&TABLE, &rows).await?;
    let rows = Page::of(rows, query.limit, |row| ORDER.place_of(&TABLE, row));
    let mut items = Vec::with_capacity(rows.items.len());
    for row in &rows.items {
        items.extend(summary(api, row).await?);
    }
    Ok(Page { items, next_cursor: rows.next_cursor })
}

/// A row with its name, which the row does not know; `None` when it was erased since.
async fn summary(api: &Api, row: &Row) -> Result<Option<AssetSummary>, Problem> {
    let state = match columns::text(row, "state") {
        Some("uploaded") => AssetState::Uploaded,
        Some("ready") => AssetState::Ready,
        Some("quarantined") => AssetState::Quarantined,
        Some(_) | None => return Ok(None),
    };
    let Some(id) = columns::id(row, "asset_id") else {
        return Ok(None);
    };
    let asset = api.aggregates.asset(AssetId(id)).await?.state;
    let Some(uploaded) = &asset.uploaded else {
        return Ok(None);
    };
    Ok(Some(AssetSummary {
        id,
        state,
        name: uploaded.name.reveal().filter(|name| !name.is_empty()).cloned(),
        media_type: columns::owned(row, "media_type"),
        bytes: columns::number(row, "bytes").unwrap_or_default(),
        sha256: columns::owned(row, "sha256"),
        duration_ms: columns::number(row, "duration_ms"),
        reason: columns::text(row, "code").map(str::to_owned),
        uploaded_at: columns::owned(row, "uploaded_at"),
    }))
}
