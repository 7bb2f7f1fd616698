//! `POST /v1/dubbings`.

use super::{
    path,
    refusal::Asked,
    view::{DubbingDocument, Seen},
    wish::DubbingWish,
};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Json, Nothing, Query},
    problem::Problem,
    quota::{Ordered, within},
    trace::Trace,
};
use application::ports::event_log::StreamId;
use axum::extract::State;
use domain::value::DubbingId;

/// Order a dubbing
///
/// The source is an asset that is ready. What cannot be done here is refused before anything begins: `errors` points to
/// the field. `409 asset-not-ready` while the asset is being looked at; `422 asset-not-dubbable`, `no-recogniser`,
/// `no-translation`, `no-voice`, or `invalid-request` for anything else, unknown references included; `503 overloaded`
/// with `Retry-After` when too much waits already; `429 quota-jobs`, `402 quota-minutes` or `quota-spend` when the tenant
/// may not use so much.
#[utoipa::path(post, path = "/v1/dubbings", tag = "dubbings", operation_id = "order_dubbing", request_body = DubbingWish,
    responses(
        (status = 202, description = "It has begun; `Location` tells how it goes on", body = DubbingDocument, headers(
            ("Location" = String, description = "Path of the dubbing"),
            ("Dragoman-Position" = u64, description = "Where the log holds it: `?min_position=` reads it"),
            ("ETag" = String, description = "Its revision, for `If-Match`"),
        )),
    )
)]
pub(crate) async fn order(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Query(Nothing {}): Query<Nothing>,
    Json(wish): Json<DubbingWish>,
) -> Result<Done<DubbingDocument>, Problem> {
    let order = wish.order()?;
    let asked = Asked { languages: order.languages.clone(), voices: order.wishes.voices.clone() };
    let place = api.admission.reserve()?;
    let id = DubbingId(ids.0.resource);
    let (ordered, meta) = (Ordered::from(&order), caller.command(ids.0.command, trace));
    let turn = api.quota_turn(&caller, &StreamId::Dubbing(id), &meta, api.asked_by_order(&caller, &ordered)).await?;
    let ordering = api.order_dubbing();
    let begun = within(turn, async move { ordering.begin(id, order, &meta).await }).await?;
    let appended = begun.map_err(|error| asked.refusal(error))?;
    place.fill(id).await;
    let seen = Seen::without_rows(&api, &caller, id).await?;
    let position = api.position_of(appended.map(|appended| appended.position)).await?;
    let revision = seen.revision();
    Ok(Done::accepted(&path(id), seen.document(&api, position).await?).position(position).revision(revision))
}
