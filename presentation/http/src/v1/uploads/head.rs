//! How far an upload is.

use super::{metadata::Metadata, tus};
use crate::{
    api::Api,
    extract::{Caller, Nothing, Path, Query},
    problem::{Code, Problem},
    trace::Trace,
    upload::import::import,
};
use application::ports::upload_store::Upload;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::value::AssetId;
use uuid::Uuid;

/// How far an upload is
///
/// One that is complete names its asset for a day.
#[utoipa::path(head, path = "/v1/uploads/{id}", tag = "uploads",
    params(
        ("id" = Uuid, Path, description = "Its id"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
    ),
    responses(
        (status = 200, description = "The upload", headers(
            ("Upload-Offset" = u64, description = "How many bytes are there"),
            ("Upload-Length" = u64, description = "How many there are to be"),
            ("Upload-Metadata" = String, description = "What is kept of what its client said"),
            ("Upload-Expires" = String, description = "When it is removed, unless it goes on or is complete"),
            ("Cache-Control" = String, description = "`no-store`"),
            ("Dragoman-Asset" = String, description = "The asset, once the upload is complete"))),
        (status = 404, description = "There is no such upload"),
        (status = 410, description = "The upload has expired"),
        (status = 412, description = "Another version of the protocol"),
        (status = 422, description = "The content has another digest than announced; the upload is removed"),
        (status = 423, description = "The upload is being ended at this moment"),
    ))]
pub(crate) async fn head(
    State(api): State<Api>,
    caller: Caller,
    trace: Trace,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Response, Problem> {
    let upload = require(&api, &caller, id).await?;
    let mut asset = None;
    if upload.length == Some(upload.offset) {
        // Its import may have failed when its last byte came.
        if api.aggregates.asset(AssetId(id)).await?.revision == 0 {
            import(&api, &caller, trace, id).await?;
        }
        asset = Some(AssetId(id));
    }
    let mut answer = StatusCode::OK.into_response();
    tus::describe(answer.headers_mut(), upload.length, upload.offset, upload.expires_at, asset);
    answer.headers_mut().extend(upload.length.map(|length| (tus::UPLOAD_LENGTH, length.into())));
    answer.headers_mut().extend(Metadata::header(&upload).map(|metadata| (tus::UPLOAD_METADATA, metadata)));
    Ok(answer)
}

/// An upload of the caller's that is not past its time. Those that came as a form are not theirs to go on with.
pub(super) async fn require(api: &Api, caller: &Caller, id: Uuid) -> Result<Upload, Problem> {
    let upload = api.uploads.get(caller.tenant(), id).await?.filter(|upload| upload.length.is_some());
    let upload = upload.ok_or_else(|| Problem::new(Code::NotFound))?;
    if upload.finished.is_none() && upload.expires_at <= api.clock.now() {
        return Err(Problem::new(Code::UploadExpired));
    }
    Ok(upload)
}
