//! What was delivered to a webhook: `/v1/webhooks/{id}/deliveries`, `…/test` and `…/replay`.

#![expect(unused_qualifications, reason = "utoipa's macros repeat paths")]

use super::{kept, path, require};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Json, Nothing, Path, Query},
    pages::{Cursor, Limit, Page},
    problem::{Code, Fault, Problem},
    trace::Trace,
};
use application::ports::delivery_store::{Attempt, Delivery, DeliveryQuery, DeliveryState};
use axum::extract::State;
use domain::value::WebhookId;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveriesQuery {
    /// How many items at most.
    #[serde(default)]
    #[param(inline, required = false)]
    limit: Limit,
    /// Leads to the next items: `next_cursor` of the page before.
    #[param(inline)]
    cursor: Option<Cursor>,
    /// Only those that are so far: `waiting`, `delivered`, `dead`.
    #[param(example = "dead")]
    state: Option<String>,
}

/// A delivery of an event.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryDocument {
    /// Its id: `webhook-id` in its headers, the same for each attempt.
    id: Uuid,
    /// The event.
    event: Uuid,
    /// The event's type.
    #[serde(rename = "type")]
    #[schema(example = "dubbing.completed")]
    kind: String,
    /// The event's place in the log.
    position: u64,
    /// `waiting`, `delivered` or `dead`: given up.
    #[schema(example = "delivered")]
    state: &'static str,
    /// Before when it is not tried again; while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    not_before: Option<String>,
    /// When it was delivered or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    ended_at: Option<String>,
    /// Its last attempts, oldest first.
    attempts: Vec<AttemptDocument>,
}

/// An attempt at a delivery.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttemptDocument {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// How long it took.
    took_ms: u64,
    /// Status code that the receiver answered with, if it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<u16>,
    /// How it ended: `delivered`, `refused`, `redirected`, `gone`, `unreachable`, `timed-out`, `unresolved`, `forbidden`,
    /// `answer-too-large`, `invalid-url`, `no-secret`, `inactive`.
    #[schema(example = "delivered")]
    ending: &'static str,
}

/// From where a webhook is told everything once more.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayFrom {
    /// The position of the first event: 1 is the beginning of the log.
    #[schema(value_type = u64, minimum = 1, example = 1042)]
    from_position: NonZeroU64,
}

impl From<&Attempt> for AttemptDocument {
    fn from(attempt: &Attempt) -> Self {
        let Attempt { at, took_ms, status, ending } = attempt;
        Self { at: at.to_string(), took_ms: *took_ms, status: *status, ending: ending.code() }
    }
}

impl From<Delivery> for DeliveryDocument {
    fn from(delivery: Delivery) -> Self {
        let waits = delivery.state == DeliveryState::Waiting;
        Self {
            id: delivery.what.id,
            event: delivery.what.event,
            kind: delivery.what.kind,
            position: delivery.what.position,
            state: delivery.state.name(),
            not_before: waits.then(|| delivery.not_before.to_string()),
            ended_at: delivery.ended_at.map(|at| at.to_string()),
            attempts: delivery.attempts.iter().map(AttemptDocument::from).collect(),
        }
    }
}

/// Deliveries of a webhook
///
/// Those of the latest events first. What was delivered is known for 30 days, what was given up for 90.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks", operation_id = "list_webhook_deliveries",
    params(("id" = Uuid, Path, description = "The webhook"), DeliveriesQuery),
    responses((status = 200, description = "A page", body = Page<DeliveryDocument>)))]
pub(crate) async fn deliveries(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Done<Page<DeliveryDocument>>, Problem> {
    require(&api, &caller, id).await?;
    let state = query.state.as_deref().map(state).transpose()?;
    let before = query.cursor.map(|cursor| cursor.open()).transpose()?;
    let limit = query.limit;
    let query = DeliveryQuery { webhook: WebhookId(id), state, before, limit: limit.get() + 1 };
    let page = Page::of(api.webhooks.deliveries(&query).await?, limit, |delivery| delivery.what.position);
    let items = page.items.into_iter().map(DeliveryDocument::from).collect();
    Ok(Done::ok(Page { items, next_cursor: page.next_cursor }))
}

fn state(name: &str) -> Result<DeliveryState, Problem> {
    let fault = || Fault::of("state", "invalid-value", "a delivery is waiting, delivered or dead");
    DeliveryState::of_name(name).ok_or_else(|| Problem::new(Code::InvalidQuery).fault(fault()))
}

/// Send a delivery again
///
/// Now, whether it was given up, delivered or waits, with its id and body of before.
#[utoipa::path(post, path = "/v1/webhooks/{id}/deliveries/{delivery}/redeliver", tag = "webhooks",
    operation_id = "redeliver_webhook_delivery",
    params(("id" = Uuid, Path, description = "The webhook"), ("delivery" = Uuid, Path, description = "The delivery")),
    responses(
        (status = 202, description = "It is about to be sent", body = DeliveryDocument, headers(
            ("Location" = String, description = "The deliveries of the webhook"))),
        (status = 409, description = "The webhook is disabled", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn redeliver(
    State(api): State<Api>,
    caller: Caller,
    Path((id, delivery)): Path<(Uuid, Uuid)>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<DeliveryDocument>, Problem> {
    let webhook = require(&api, &caller, id).await?;
    let waiting = api.webhooks.redeliver(WebhookId(id), &webhook.state, delivery).await?;
    Ok(Done::accepted(&format!("{}/deliveries", path(id)), waiting.into()))
}

/// Try a webhook
///
/// A delivery of the type `webhook.test`, which is no event, is signed and sent at once, also to a webhook that is
/// disabled. The answer tells what came of it.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "webhooks", operation_id = "test_webhook",
    params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 200, description = "What came of it", body = AttemptDocument)))]
pub(crate) async fn test(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<AttemptDocument>, Problem> {
    let webhook = require(&api, &caller, id).await?;
    let attempt = api.webhooks.test(WebhookId(id), &webhook.state).await?;
    Ok(Done::ok(AttemptDocument::from(&attempt)))
}

/// Tell a webhook everything once more
///
/// From a position of the log on, in order, with the ids of before: also what was given up, and what happened before
/// the webhook was made.
#[utoipa::path(post, path = "/v1/webhooks/{id}/replay", tag = "webhooks", operation_id = "replay_webhook",
    params(("id" = Uuid, Path, description = "The webhook")), request_body = ReplayFrom,
    responses(
        (status = 202, description = "It has begun", body = ReplayFrom, headers(
            ("Location" = String, description = "The deliveries of the webhook"),
            ("ETag" = String, description = "For `If-Match`"),
            ("Dragoman-Position" = u64, description = "For `min_position`"))),
        (status = 409, description = "The webhook is disabled, or the log has not come to the position", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn replay(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
    Json(from): Json<ReplayFrom>,
) -> Result<Done<ReplayFrom>, Problem> {
    let webhook = require(&api, &caller, id).await?;
    let head = api.log.head().await?;
    if from.from_position.get() > head {
        return Err(Problem::new(Code::PositionUnknown).extension("position", head));
    }
    let meta = caller.command(ids.0.command, trace);
    let written = api.webhooks.replay(WebhookId(id), from.from_position.get(), &meta).await?;
    let (position, revision) = kept::outcome(&api, written, webhook.revision).await?;
    Ok(Done::accepted(&format!("{}/deliveries", path(id)), from).position(position).revision(revision))
}
