//! What the server can do.

use super::{checksum::Checksum, tus};
use crate::api::Api;
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};

/// What the server can do
#[utoipa::path(options, path = "/v1/uploads", tag = "uploads", responses(
    (status = 204, description = "Versions, extensions and bounds", headers(
        ("Tus-Resumable" = String, description = "The version spoken"),
        ("Tus-Version" = String, description = "All versions known"),
        ("Tus-Extension" = String, description = "Extensions of the protocol"),
        ("Tus-Max-Size" = u64, description = "Bytes of the largest file"),
        ("Tus-Checksum-Algorithm" = String, description = "What `Upload-Checksum` may name"))),
))]
pub(crate) async fn options(State(api): State<Api>) -> Response {
    let headers = [
        (tus::TUS_VERSION, tus::VERSION),
        (tus::TUS_EXTENSION, HeaderValue::from_static("creation,creation-with-upload,checksum,expiration,termination")),
        (tus::TUS_MAX_SIZE, api.upload_limits.bytes_max.into()),
        (tus::TUS_CHECKSUM_ALGORITHM, HeaderValue::from_static(Checksum::ALGORITHMS)),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
