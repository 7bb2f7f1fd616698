//! Erases an asset.

use crate::{
    answer::Done,
    api::Api,
    cache::Tag,
    extract::{Caller, CommandIds, IfMatch, Nothing, Path, Query},
    problem::{Code, Problem, ProblemDocument},
    trace::Trace,
};
use axum::extract::State;
use domain::value::AssetId;
use tracing::Instrument;
use uuid::Uuid;

/// Erases an asset
///
/// Its name can be read by nobody any more. Its file goes, too, unless somebody else handed in the same bytes or a
/// dubbing was made from it. Refused while such a dubbing is not at its end. Repeating it does what a failure left.
#[utoipa::path(delete, path = "/v1/assets/{id}", tag = "assets",
    params(
        ("id" = Uuid, Path, description = "Its id"),
        ("If-Match" = Option<String>, Header, description = "Refused unless the asset is at this revision"),
    ),
    responses(
        (status = 204, description = "It is erased", headers(("Dragoman-Position" = u64, description = "Where the log holds it; absent when it was erased before"))),
        (status = 404, description = "There is no such asset", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "A dubbing of it is not at its end (`asset-in-use`)", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "It is at another revision", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 423, description = "Its upload is being ended at this moment", body = ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn erase(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    condition: IfMatch,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<()>, Problem> {
    let asset = api.aggregates.asset(AssetId(id)).await?;
    if !asset.is_of(caller.tenant()) {
        return Err(Problem::new(Code::NotFound));
    }
    let meta = caller.command(ids.0.command, trace).expecting(condition.resolve(asset.revision)?);
    // To its end, even when the client goes away.
    let work = async move {
        let erased = api.erase_asset().run(AssetId(id), &meta).await;
        // Whatever came of it: a name that is gone is not to be read from a ready answer.
        api.cache.invalidate(&[Tag::One(id), Tag::List("assets")]);
        erased
    };
    let erased = tokio::spawn(work.in_current_span()).await.map_err(Problem::internal)??;
    let done = Done::nothing();
    Ok(match erased {
        Some(appended) => done.position(appended.position),
        None => done,
    })
}
