//! `POST /v1/dubbings/{id}/cancel`, `/pause`, `/resume`, `/retry`.

use super::{
    path,
    view::{DubbingDocument, Seen},
};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, IfMatch, Nothing, Path, Query},
    problem::Problem,
    trace::Trace,
};
use application::{aggregates::CommandMeta, commands::control_dubbing::Controlled, ports::event_log::StreamId};
use axum::{
    extract::{FromRequestParts, State},
    http::request::Parts,
};
use domain::value::DubbingId;
use uuid::Uuid;

/// A command to a dubbing, as its request says it.
pub(crate) struct Command {
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    condition: IfMatch,
    id: DubbingId,
}

type Answer = Result<Done<DubbingDocument>, Problem>;

/// Cancel a dubbing
///
/// Work stops and its workers are freed. Languages that are finished are kept, also those that were being made anew: they
/// are as they were before. Of languages that were never finished nothing remains. A dubbing that was completed before,
/// or that only makes languages anew, is `completed` or `needs_attention` again in a moment; any other is `cancelled`.
/// Cancelling once more changes nothing. `404 not-found`; `409 already-ended` when it is completed or failed; `412
/// revision-mismatch` when `If-Match` names another revision.
#[utoipa::path(post, path = "/v1/dubbings/{id}/cancel", tag = "dubbings", operation_id = "cancel_dubbing",
    params(
        ("id" = Uuid, Path, description = "Its id"),
        ("If-Match" = Option<String>, Header, description = "Refused unless the dubbing is at this revision"),
    ),
    responses((status = 202, description = "What was under way is called off", body = DubbingDocument, headers(
        ("Location" = String, description = "Path of the dubbing"),
        ("Dragoman-Position" = u64, description = "Where the log holds it"),
        ("ETag" = String, description = "Its revision now"),
    )))
)]
pub(crate) async fn cancel(State(api): State<Api>, command: Command) -> Answer {
    let meta = command.meta(&api).await?;
    let done = api.control_dubbing().cancel(command.id, &meta).await?;
    command.answer(&api, done).await
}

/// Pause a dubbing
///
/// Nothing begins any more, and attempts under way are given back: what they reported is kept. Pausing once more changes
/// nothing. `404 not-found`; `409 already-ended`; `412 revision-mismatch` when `If-Match` names another revision.
#[utoipa::path(post, path = "/v1/dubbings/{id}/pause", tag = "dubbings", operation_id = "pause_dubbing",
    params(
        ("id" = Uuid, Path, description = "Its id"),
        ("If-Match" = Option<String>, Header, description = "Refused unless the dubbing is at this revision"),
    ),
    responses((status = 202, description = "It is paused", body = DubbingDocument, headers(
        ("Location" = String, description = "Path of the dubbing"),
        ("Dragoman-Position" = u64, description = "Where the log holds it"),
        ("ETag" = String, description = "Its revision now"),
    )))
)]
pub(crate) async fn pause(State(api): State<Api>, command: Command) -> Answer {
    let meta = command.meta(&api).await?;
    let done = api.control_dubbing().pause(command.id, &meta).await?;
    command.answer(&api, done).await
}

/// Resume a dubbing that was paused
///
/// It goes on where it stopped; stages that are out of attempts get new ones. `404 not-found`; `409 not-paused` or
/// `already-ended`; `412 revision-mismatch` when `If-Match` names another revision; `503 overloaded` with `Retry-After`
/// when too much waits already.
#[utoipa::path(post, path = "/v1/dubbings/{id}/resume", tag = "dubbings", operation_id = "resume_dubbing",
    params(
        ("id" = Uuid, Path, description = "Its id"),
        ("If-Match" = Option<String>, Header, description = "Refused unless the dubbing is at this revision"),
    ),
    responses((status = 202, description = "It goes on", body = DubbingDocument, headers(
        ("Location" = String, description = "Path of the dubbing"),
        ("Dragoman-Position" = u64, description = "Where the log holds it"),
        ("ETag" = String, description = "Its revision now"),
    )))
)]
pub(crate) async fn resume(State(api): State<Api>, command: Command) -> Answer {
    let meta = command.meta(&api).await?;
    let place = api.admission.reserve_for(command.id)?;
    let done = api.control_dubbing().resume(command.id, &meta).await?;
    place.fill(command.id).await;
    command.answer(&api, done).await
}

/// Retry what is out of attempts
///
/// Stages that are `parked` get new attempts; what was reported before is kept. `404 not-found`; `409 nothing-to-retry`
/// or `already-ended`; `412 revision-mismatch` when `If-Match` names another revision; `503 overloaded` with
/// `Retry-After` when too much waits already.
#[utoipa::path(post, path = "/v1/dubbings/{id}/retry", tag = "dubbings", operation_id = "retry_dubbing",
    params(
        ("id" = Uuid, Path, description = "Its id"),
        ("If-Match" = Option<String>, Header, description = "Refused unless the dubbing is at this revision"),
    ),
    responses((status = 202, description = "It goes on", body = DubbingDocument, headers(
        ("Location" = String, description = "Path of the dubbing"),
        ("Dragoman-Position" = u64, description = "Where the log holds it"),
        ("ETag" = String, description = "Its revision now"),
    )))
)]
pub(crate) async fn retry(State(api): State<Api>, command: Command) -> Answer {
    let meta = command.meta(&api).await?;
    let place = api.admission.reserve_for(command.id)?;
    let done = api.control_dubbing().retry(command.id, &meta).await?;
    place.fill(command.id).await;
    command.answer(&api, done).await
}

impl Command {
    /// The command as the log knows it.
    async fn meta(&self, api: &Api) -> Result<CommandMeta, Problem> {
        let meta = self.caller.command(self.ids.0.command, self.trace);
        let current = api.require_dubbing(&self.caller, self.id).await?.revision;
        self.condition.bind(api, meta, &StreamId::Dubbing(self.id), current).await
    }

    async fn answer(&self, api: &Api, done: Controlled) -> Answer {
        let position = api.position_of(done.position).await?;
        let seen = Seen::of(api, &self.caller, self.id).await?;
        let document = seen.document(api, position).await?;
        Ok(Done::accepted(&path(self.id), document).position(position).revision(seen.revision()))
    }
}

impl FromRequestParts<Api> for Command {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Path(id) = Path::<Uuid>::from_request_parts(parts, api).await?;
        let Query(Nothing {}) = Query::from_request_parts(parts, api).await?;
        Ok(Self {
            caller: Caller::from_request_parts(parts, api).await?,
            ids: CommandIds::from_request_parts(parts, api).await?,
            trace: Trace::from_request_parts(parts, api).await?,
            condition: IfMatch::from_request_parts(parts, api).await?,
            id: DubbingId(id),
        })
    }
}
