//! `GET /v1/parked-stages`: what is out of attempts, and waits for somebody to see to it.

use super::kept::PageParams;
use crate::{
    answer::Done,
    api::Api,
    columns,
    extract::{Caller, MinPosition, Query},
    pages::{Cursor, Page},
    problem::Problem,
};
use application::{
    flows::flow_of,
    ports::{
        event_log::StreamId,
        read_store::{Condition, Order, PageQuery, Row, RowKey},
    },
};
use axum::extract::State;
use domain::{
    flow::Stage,
    value::{DubbingId, LanguageTag, Timestamp, TrackId},
};
use projections::parked_stages::TABLE;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// Those that wait longest first.
const ORDER: Order = Order { column: "parked_at", descending: false };

/// A stage that is out of attempts.
#[derive(Serialize, ToSchema)]
pub(crate) struct ParkedStage {
    /// The dubbing.
    dubbing: Uuid,
    /// The language; absent for stages of the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    language: Option<String>,
    /// The stage.
    #[schema(example = "synthesise")]
    stage: String,
    /// Stable code of the reason; `GET /v1/errors` lists them all.
    #[schema(example = "engine-missing")]
    code: String,
    /// One sentence about it; absent for a stage that was lost to crashes only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    message: Option<String>,
    /// How often it was tried in this run.
    attempts: u32,
    /// Since when it waits.
    #[schema(format = DateTime)]
    since: String,
}

/// What is out of attempts
///
/// The tenant's stages that wait for somebody to retry them, to skip them, or to cancel the dubbing; those that wait
/// longest first.
#[utoipa::path(get, path = "/v1/parked-stages", tag = "dubbings", operation_id = "list_parked_stages",
    params(PageParams, ("min_position" = Option<u64>, Query, description = "The answer holds for this position at least")),
    responses((status = 200, description = "A page", body = Page<ParkedStage>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    _: MinPosition,
    Query(params): Query<PageParams>,
) -> Result<Done<Page<ParkedStage>>, Problem> {
    let conditions = vec![Condition::Equals("tenant", json!(caller.tenant().0))];
    let after = params.cursor.as_ref().map(place).transpose()?;
    let query = PageQuery { conditions, order: ORDER, after, limit: params.limit.get() + 1 };
    let rows = Page::of(api.read_store.page(&TABLE, &query).await?, params.limit, |row| ORDER.place_of(&TABLE, row));
    let mut items = Vec::with_capacity(rows.items.len());
    for row in &rows.items {
        items.push(ParkedStage::of(&api, row).await?);
    }
    Ok(Done::ok(Page { items, next_cursor: rows.next_cursor }))
}

/// Where a page ended: a moment, an id, a language or none, and a stage.
fn place(cursor: &Cursor) -> Result<RowKey, Problem> {
    let (moment, id, language, stage): (Timestamp, Uuid, String, String) = cursor.open()?;
    Ok(vec![json!(moment.to_string()), json!(id.to_string()), json!(language), json!(stage)])
}

impl ParkedStage {
    /// Of its row, with what its flow knows.
    async fn of(api: &Api, row: &Row) -> Result<Self, Problem> {
        let absent = || Problem::internal("a row of the parked stages is not complete");
        let dubbing = columns::id(row, "job_id").ok_or_else(absent)?;
        let stage: Stage = columns::owned(row, "stage").parse().map_err(|_| absent())?;
        let language = columns::text(row, "language").filter(|language| !language.is_empty());
        let stream = match language.map(str::parse::<LanguageTag>) {
            None => StreamId::Dubbing(DubbingId(dubbing)),
            Some(language) => {
                StreamId::Track(TrackId { dubbing: DubbingId(dubbing), language: language.map_err(|_| absent())? })
            }
        };
        let flow = flow_of(&api.aggregates, &stream).await?;
        Ok(Self {
            dubbing,
            language: language.map(str::to_owned),
            stage: stage.name().to_owned(),
            code: columns::owned(row, "code"),
            message: flow.failures.get(&stage).map(|failure| failure.message.clone()),
            attempts: flow.cell(stage).attempt,
            since: columns::owned(row, "parked_at"),
        })
    }
}
