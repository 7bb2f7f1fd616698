//! What was used, month by month; and how much of this month's quotas is.

use super::tenants::QuotasDocument;
use crate::{
    api::Api,
    cache::Ready,
    columns,
    extract::{Caller, MinPosition, Nothing, Query},
    problem::Problem,
};
use application::{
    ports::read_store::{Condition, Order, PageQuery, Row},
    quotas::{Use, month},
};
use axum::{extract::State, http::HeaderMap, response::Response};
use domain::tenant::Quota;
use projections::usage::TABLE;
use serde::Serialize;
use utoipa::ToSchema;

/// Months that are told of.
const MONTHS_MAX: usize = 120;

/// What was used.
#[derive(Serialize, ToSchema)]
pub(crate) struct Usage {
    /// The months in which anything was, newest first; at most 120.
    #[schema(max_items = 120)]
    items: Vec<UsageMonth>,
    /// How much may be used.
    quotas: QuotasDocument,
    /// How much of that is, now and in this month.
    used: UsedDocument,
}

/// How much of the quotas is used. What is ordered counts at once, also before it is made.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsedDocument {
    /// The month, in UTC.
    #[schema(example = "2026-11", pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: String,
    /// Dubbings that are not at their end.
    running_jobs: u64,
    /// Minutes of sources, rounded up; those that are ordered and not taken in yet included.
    minutes_a_month: u64,
    /// Bytes that were handed in, or announced by uploads that are not complete.
    bytes_a_month: u64,
    /// Millionths of the currency's unit, at today's prices.
    spend_micros_a_month: u64,
}

/// What was used in a month.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsageMonth {
    /// The month, in UTC.
    #[schema(example = "2026-11", pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: String,
    /// Dubbings that were ordered.
    dubbings_started: u64,
    /// Length of the sources that were taken in, in milliseconds.
    source_ms: u64,
    /// Languages that were published; each time counts.
    tracks_published: u64,
    /// Bytes that were handed in.
    bytes_uploaded: u64,
    /// Time that finished stages took, in milliseconds.
    engine_ms: u64,
    /// Lines that were spoken.
    lines_spoken: u64,
    /// Lines that were taken over from before.
    lines_reused: u64,
}

/// What was used, month by month
#[utoipa::path(get, path = "/v1/usage", tag = "operations", operation_id = "list_usage",
    params(("min_position" = Option<u64>, Query, description = "The answer holds for this position at least")),
    responses(
        (status = 200, description = "The months", body = Usage),
        (status = 304, description = "Unchanged since the answer whose `ETag` `If-None-Match` names"),
    ))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    _: MinPosition,
    Query(Nothing {}): Query<Nothing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let conditions = vec![Condition::Equals("tenant", caller.tenant().0.as_str().into())];
    let order = Order { column: "month", descending: true };
    let query = PageQuery { conditions, order, after: None, limit: MONTHS_MAX };
    let rows = api.read_store.page(&TABLE, &query).await?;
    let (quotas, used) = api.quota_standing(&caller).await?;
    // Not from memory: uploads and months come and go without an event.
    let usage = Usage {
        items: rows.iter().map(UsageMonth::of).collect(),
        quotas: quotas.into(),
        used: UsedDocument::new(month(api.clock.now()), &used),
    };
    Ok(Ready::json(&usage)?.answer(&headers))
}

impl UsedDocument {
    fn new(month: String, used: &Use) -> Self {
        Self {
            month,
            running_jobs: used.of(Quota::RunningJobs),
            minutes_a_month: used.of(Quota::Minutes),
            bytes_a_month: used.of(Quota::Bytes),
            spend_micros_a_month: used.of(Quota::Spend),
        }
    }
}

impl UsageMonth {
    fn of(row: &Row) -> Self {
        let number = |column| columns::number(row, column).unwrap_or_default();
        Self {
            month: columns::owned(row, "month"),
            dubbings_started: number("dubbings_started"),
            source_ms: number("source_ms"),
            tracks_published: number("tracks_published"),
            bytes_uploaded: number("bytes_uploaded"),
            engine_ms: number("engine_ms"),
            lines_spoken: number("lines_spoken"),
            lines_reused: number("lines_reused"),
        }
    }
}
