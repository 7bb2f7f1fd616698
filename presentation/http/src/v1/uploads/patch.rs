//! Goes on with an upload.

use super::{
    checksum::Checksum,
    create::{describe, no_piece},
    head::require,
    piece::{Piece, take},
    tus::{self, PIECE, PieceBytes, UPLOAD_OFFSET},
};
use crate::{
    api::Api,
    extract::{Caller, Nothing, Path, Query},
    problem::{Problem, ProblemDocument},
    trace::Trace,
};
use application::ports::upload_store::UploadError;
use axum::{
    body::{Body, HttpBody},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

/// Sends a piece
///
/// What arrived before the connection broke stays: HEAD tells where to go on. A piece with a checksum is kept whole or
/// not at all. After the last byte the upload is an asset.
#[utoipa::path(patch, path = "/v1/uploads/{id}", tag = "uploads",
    params(
        ("id" = Uuid, Path, description = "Its id"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Offset" = u64, Header, description = "Where the piece begins: where the upload ends"),
        ("Upload-Checksum" = Option<String>, Header, description = "Checksum of the piece: `sha256 BASE64` or `sha1 BASE64`"),
    ),
    request_body(content = PieceBytes, content_type = "application/offset+octet-stream"),
    responses(
        (status = 204, description = "The piece is kept", headers(
            ("Upload-Offset" = u64, description = "Where the upload ends now"),
            ("Upload-Expires" = String, description = "When it is removed, unless it is complete"),
            ("Dragoman-Asset" = String, description = "The asset, once the upload is complete"),
            ("Dragoman-Position" = u64, description = "Where the log holds the asset"))),
        (status = 400, description = "A header is not understood, or the body ended early", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such upload", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The piece came too slowly", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The upload ends elsewhere; `offset` says where", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "The upload has expired", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "Another version of the protocol", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "More came than announced", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is no piece", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The content has another digest than announced; the upload is removed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 423, description = "The upload is being written", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 460, description = "The piece does not have its checksum", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    ))]
pub(crate) async fn patch(
    State(api): State<Api>,
    caller: Caller,
    trace: Trace,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let upload = require(&api, &caller, id).await?;
    if headers.get(header::CONTENT_TYPE).is_none_or(|media_type| media_type != PIECE) {
        return Err(no_piece());
    }
    let offset = tus::required(&headers, &UPLOAD_OFFSET)?;
    let checksum = Checksum::of(&headers)?;
    if let Some(length) =
        upload.length.filter(|length| *length < offset.saturating_add(HttpBody::size_hint(&body).lower()))
    {
        return Err(UploadError::BeyondLength { length }.into());
    }
    let taken = take(&api, &caller, trace, &upload, Piece { offset, body, checksum }).await?;
    let mut answer = StatusCode::NO_CONTENT.into_response();
    describe(answer.headers_mut(), upload.length, &taken);
    Ok(answer)
}
