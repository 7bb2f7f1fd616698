//! Withdraws a track.

use super::TrackPath;
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, IfMatch, Nothing, Path, Query},
    problem::Problem,
    trace::Trace,
};
use application::queries;
use axum::extract::State;

/// Withdraw a track
///
/// A result that is there can be fetched no more; work that is under way stops. The other languages go on. It can be
/// asked for again, unless it was the last one of a dubbing that never had a result: that dubbing is cancelled. Doing it
/// twice is doing it once.
#[utoipa::path(delete, path = "/v1/dubbings/{id}/tracks/{lang}", tag = "tracks",
    operation_id = "withdraw_track", params(
    TrackPath,
    ("If-Match" = Option<String>, Header, description = "Tags of the track: another revision is refused"),
), responses(
    (status = 204, description = "It is withdrawn", headers(("Dragoman-Position" = u64, description = "Where the log holds it"))),
))]
pub(crate) async fn withdraw(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    condition: IfMatch,
    Path(path): Path<TrackPath>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<()>, Problem> {
    let id = path.id();
    let (_, track) = queries::track(&api.aggregates, &id, caller.tenant()).await?;
    let meta = caller.command(ids.0.command, trace).expecting(condition.resolve(track.revision)?);
    let done = api.withdraw_track().run(&id, &meta).await?;
    Ok(Done::nothing().position(api.position_of(done.position).await?))
}
