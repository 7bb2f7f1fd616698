//! `/v1/queues`: the work of each stage that waits, and whether any more of it is begun.

use super::fields::OperatorReason;
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Json, Nothing, Path, Query},
    problem::Problem,
    trace::Trace,
};
use application::commands::control_queues::QueueStanding;
use axum::extract::State;
use domain::flow::Stage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Queues.
#[derive(Serialize, ToSchema)]
pub(crate) struct Queues {
    /// One for each stage, in the order of the flow.
    items: Vec<QueueDocument>,
}

/// The queue of a stage.
#[derive(Serialize, ToSchema)]
#[schema(as = Queue)]
pub(crate) struct QueueDocument {
    /// The stage.
    #[schema(value_type = String, example = "synthesise")]
    stage: Stage,
    /// Work that waits for a worker.
    ready: usize,
    /// Work that was given back and waits for its time. Queues on NATS count it as leased.
    delayed: usize,
    /// Work that a worker has.
    leased: usize,
    /// Who paused it, and why; absent while work of it is begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    paused: Option<PauseDocument>,
}

/// A queue's pause.
#[derive(Serialize, ToSchema)]
#[schema(as = QueuePause)]
pub(crate) struct PauseDocument {
    /// Why; absent once that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Who asked for it.
    by: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
}

/// Why a queue is paused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPause {
    /// Why, for those who look at it later.
    reason: OperatorReason,
}

impl From<QueueStanding> for QueueDocument {
    fn from(queue: QueueStanding) -> Self {
        let paused = queue.pause.map(|pause| PauseDocument {
            reason: pause.reason.reveal().cloned(),
            by: pause.by,
            since: pause.since.to_string(),
        });
        let depth = queue.depth;
        Self { stage: queue.stage, ready: depth.ready, delayed: depth.delayed, leased: depth.leased, paused }
    }
}

/// All queues
#[utoipa::path(get, path = "/v1/queues", tag = "operations", operation_id = "list_queues",
    responses((status = 200, description = "Queues", body = Queues)))]
pub(crate) async fn list(State(api): State<Api>, Query(Nothing {}): Query<Nothing>) -> Result<Done<Queues>, Problem> {
    let queues = api.control_queues().list().await?;
    Ok(Done::ok(Queues { items: queues.into_iter().map(QueueDocument::from).collect() }))
}

/// Pause a queue
///
/// Within a second no more work of the stage is begun, by any worker of the installation; what is under way comes to its
/// end. Nothing is lost, and no attempt is spent: dubbings wait. Other stages go on. It holds until it is resumed, over
/// restarts too. Pausing once more changes nothing.
#[utoipa::path(post, path = "/v1/queues/{stage}/pause", tag = "operations", operation_id = "pause_queue",
    params(("stage" = String, Path, description = "The stage")), request_body = NewPause,
    responses((status = 204, description = "It is paused", headers(
        ("Dragoman-Position" = u64, description = "Where the log holds it"))))
)]
pub(crate) async fn pause(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path(stage): Path<Stage>,
    Query(Nothing {}): Query<Nothing>,
    Json(NewPause { reason }): Json<NewPause>,
) -> Result<Done<()>, Problem> {
    let meta = caller.command(ids.0.command, trace);
    let written = api.control_queues().pause(stage, reason.0, &meta).await?;
    let position = api.position_of(written.map(|appended| appended.position)).await?;
    Ok(Done::nothing().position(position))
}

/// Resume a queue
///
/// Work of the stage is begun again within a few seconds. Resuming once more changes nothing.
#[utoipa::path(post, path = "/v1/queues/{stage}/resume", tag = "operations", operation_id = "resume_queue",
    params(("stage" = String, Path, description = "The stage")),
    responses((status = 204, description = "It goes on", headers(
        ("Dragoman-Position" = u64, description = "Where the log holds it"))))
)]
pub(crate) async fn resume(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Path(stage): Path<Stage>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<()>, Problem> {
    let meta = caller.command(ids.0.command, trace);
    let written = api.control_queues().resume(stage, &meta).await?;
    let position = api.position_of(written.map(|appended| appended.position)).await?;
    Ok(Done::nothing().position(position))
}
