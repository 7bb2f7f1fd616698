//! One route for each file: they differ in path and media type only.

#![expect(unused_qualifications, reason = "utoipa's macros repeat paths")]

use super::{File, provenance::ProvenanceDocument, send};
use crate::{
    api::Api,
    extract::{Caller, MinPosition, Path, Query},
    problem::Problem,
    v1::tracks::TrackPath,
};
use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderMap, Method, request::Parts},
    response::Response,
};
use serde::{Deserialize, Deserializer, de::Error};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, schema::Schema, schema::Type},
};

/// What a signed link holds: part of the link, not for clients to make.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "authentication has read them; here they are only known by name")]
pub(crate) struct LinkQuery {
    /// Of a signed link: when it ends, in seconds since 1970.
    #[serde(default, deserialize_with = "seconds")]
    expires: Option<u64>,
    /// Of a signed link: whose it is.
    tenant: Option<String>,
    /// Of a signed link.
    signature: Option<String>,
}

/// A request for a file, whichever it is.
pub(crate) struct Asked {
    caller: Caller,
    path: TrackPath,
    method: Method,
    headers: HeaderMap,
}

impl FromRequestParts<Api> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let Path(path) = Path::from_request_parts(parts, api).await?;
        MinPosition::from_request_parts(parts, api).await?;
        let Query(LinkQuery { .. }) = Query::from_request_parts(parts, api).await?;
        Ok(Self { caller, path, method: parts.method.clone(), headers: parts.headers.clone() })
    }
}

impl Asked {
    async fn answer(self, api: &Api, file: File) -> Result<Response, Problem> {
        send(api, &self.caller, &self.path.id(), file, &self.method, &self.headers).await
    }
}

/// A moment, as far as the document's 64 bits with a sign reach.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let seconds = u64::deserialize(deserializer)?;
    let is_moment = i64::try_from(seconds).is_ok();
    if is_moment { Ok(Some(seconds)) } else { Err(D::Error::custom("expected seconds since 1970")) }
}

/// Reading one's own writes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the document; `MinPosition` reads it")]
pub(crate) struct PositionQuery {
    /// Position that the answer must at least hold for, as `Dragoman-Position` gave it. Not with a signed link.
    min_position: Option<u64>,
}

/// Conditions and ranges, after RFC 9110.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "for the document; they are read where a file is sent")]
pub(crate) struct RangeHeaders {
    /// Bytes to send: one range, or up to 16.
    #[param(rename = "Range", example = "bytes=0-1023")]
    range: Option<String>,
    /// The tag for which the range is meant: the whole file otherwise.
    #[param(rename = "If-Range")]
    if_range: Option<String>,
    /// Tags of what the client has: then 304.
    #[param(rename = "If-None-Match")]
    if_none_match: Option<String>,
}

/// Bytes of a file.
pub(crate) struct FileBytes;

impl PartialSchema for FileBytes {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).content_encoding("binary").into()
    }
}

impl ToSchema for FileBytes {}

/// The finished file
///
/// The file with its provenance: MP4, or M4A of a source without a picture.
#[utoipa::path(get, path = "/v1/dubbings/{id}/tracks/{lang}/video", tag = "downloads",
    operation_id = "get_video", security(("token" = []), ()), params(TrackPath, LinkQuery, PositionQuery, RangeHeaders), responses(
    (status = 200, description = "The file", content((FileBytes = "video/mp4"), (FileBytes = "audio/mp4")), headers(("ETag" = String))),
    (status = 206, description = "The bytes asked for", content((FileBytes = "video/mp4"), (FileBytes = "audio/mp4"), (FileBytes = "multipart/byteranges")), headers(
        ("Content-Range" = String, description = "Which, of how many; not with several ranges"),
    )),
    (status = 307, description = "It can be fetched there for a while, whole or in part, without a token: where the installation is set up so", headers(("Location" = String))),
    (status = 304, description = "The client has it already"),
))]
pub(crate) async fn video(State(api): State<Api>, asked: Asked) -> Result<Response, Problem> {
    asked.answer(&api, File::Video).await
}

/// The mixed sound
///
/// Dub over background as it was before encoding: WAV, of a source with or without a picture. It carries no provenance.
#[utoipa::path(get, path = "/v1/dubbings/{id}/tracks/{lang}/audio", tag = "downloads",
    operation_id = "get_audio", security(("token" = []), ()), params(TrackPath, LinkQuery, PositionQuery, RangeHeaders), responses(
    (status = 200, description = "The file", body = FileBytes, content_type = "audio/wav", headers(("ETag" = String))),
    (status = 206, description = "The bytes asked for", content((FileBytes = "audio/wav"), (FileBytes = "multipart/byteranges")), headers(
        ("Content-Range" = String, description = "Which, of how many; not with several ranges"),
    )),
    (status = 307, description = "It can be fetched there for a while, whole or in part, without a token: where the installation is set up so", headers(("Location" = String))),
    (status = 304, description = "The client has it already"),
))]
pub(crate) async fn audio(State(api): State<Api>, asked: Asked) -> Result<Response, Problem> {
    asked.answer(&api, File::Audio).await
}

/// Subtitles as SubRip
///
/// The published subtitles.
#[utoipa::path(get, path = "/v1/dubbings/{id}/tracks/{lang}/subtitles.srt", tag = "downloads",
    operation_id = "get_subtitles_srt", security(("token" = []), ()), params(TrackPath, LinkQuery, PositionQuery, RangeHeaders), responses(
    (status = 200, description = "The file", body = FileBytes, content_type = "application/x-subrip", headers(("ETag" = String))),
    (status = 206, description = "The bytes asked for", content((FileBytes = "application/x-subrip"), (FileBytes = "multipart/byteranges")), headers(
        ("Content-Range" = String, description = "Which, of how many; not with several ranges"),
    )),
    (status = 304, description = "The client has it already"),
))]
pub(crate) async fn subtitles_srt(State(api): State<Api>, asked: Asked) -> Result<Response, Problem> {
    asked.answer(&api, File::Srt).await
}

/// Subtitles as WebVTT
///
/// The published subtitles.
#[utoipa::path(get, path = "/v1/dubbings/{id}/tracks/{lang}/subtitles.vtt", tag = "downloads",
    operation_id = "get_subtitles_vtt", security(("token" = []), ()), params(TrackPath, LinkQuery, PositionQuery, RangeHeaders), responses(
    (status = 200, description = "The file", body = FileBytes, content_type = "text/vtt", headers(("ETag" = String))),
    (status = 206, description = "The bytes asked for", content((FileBytes = "text/vtt"), (FileBytes = "multipart/byteranges")), headers(
        ("Content-Range" = String, description = "Which, of how many; not with several ranges"),
    )),
    (status = 304, description = "The client has it already"),
))]
pub(crate) async fn subtitles_vtt(State(api): State<Api>, asked: Asked) -> Result<Response, Problem> {
    asked.answer(&api, File::Vtt).await
}

/// Subtitles as Advanced SubStation Alpha
///
/// The published subtitles, with a style for each speaker.
#[utoipa::path(get, path = "/v1/dubbings/{id}/tracks/{lang}/subtitles.ass", tag = "downloads",
    operation_id = "get_subtitles_ass", security(("token" = []), ()), params(TrackPath, LinkQuery, PositionQuery, RangeHeaders), responses(
    (status = 200, description = "The file", body = FileBytes, content_type = "text/x-ssa", headers(("ETag" = String))),
    (status = 206, description = "The bytes asked for", content((FileBytes = "text/x-ssa"), (FileBytes = "multipart/byteranges")), headers(
        ("Content-Range" = String, description = "Which, of how many; not with several ranges"),
    )),
    (status = 304, description = "The client has it already"),
))]
pub(crate) async fn subtitles_ass(State(api): State<Api>, asked: Asked) -> Result<Response, Problem> {
    asked.answer(&api, File::Ass).await
}

/// The quality report
///
/// What was measured in the finished file, line by line.
#[utoipa::path(get, path = "/v1/dubbings/{id}/tracks/{lang}/report", tag = "downloads",
    operation_id = "get_report", security(("token" = []), ()), params(TrackPath, LinkQuery, PositionQuery, RangeHeaders), responses(
    (status = 200, description = "The file", body = serde_json::Value, content_type = "application/json", headers(("ETag" = String))),
    (status = 206, description = "The bytes asked for", content((serde_json::Value = "application/json"), (FileBytes = "multipart/byteranges")), headers(
        ("Content-Range" = String, description = "Which, of how many; not with several ranges"),
    )),
    (status = 304, description = "The client has it already"),
))]
pub(crate) async fn report(State(api): State<Api>, asked: Asked) -> Result<Response, Problem> {
    asked.answer(&api, File::Report).await
}

/// The provenance
///
/// What the manifest in the finished file names, and how to check it.
#[utoipa::path(get, path = "/v1/dubbings/{id}/tracks/{lang}/provenance", tag = "downloads",
    operation_id = "get_provenance", security(("token" = []), ()), params(TrackPath, LinkQuery, PositionQuery, RangeHeaders), responses(
    (status = 200, description = "The file", body = ProvenanceDocument, content_type = "application/json", headers(("ETag" = String))),
    (status = 206, description = "The bytes asked for", content((serde_json::Value = "application/json"), (FileBytes = "multipart/byteranges")), headers(
        ("Content-Range" = String, description = "Which, of how many; not with several ranges"),
    )),
    (status = 304, description = "The client has it already"),
))]
pub(crate) async fn provenance(State(api): State<Api>, asked: Asked) -> Result<Response, Problem> {
    asked.answer(&api, File::Provenance).await
}
