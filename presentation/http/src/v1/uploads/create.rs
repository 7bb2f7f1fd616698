//! Begins an upload, perhaps with its first piece.

use super::{
    checksum::Checksum,
    metadata::Metadata,
    piece::{Piece, Taken, take},
    tus::{self, PIECE, PieceBytes, UPLOAD_LENGTH},
};
use crate::{
    api::Api,
    extract::{Caller, CommandIds, Nothing, Query},
    idempotency::{BodyDigest, IDEMPOTENCY_KEY, Reread},
    layers::DRAGOMAN_POSITION,
    problem::{Code, Problem, ProblemDocument},
    trace::Trace,
    upload::{
        Arriving, has_room,
        import::{import, too_large},
    },
};
use application::{
    aggregates::sha256,
    ports::upload_store::{NewUpload, Upload, UploadError},
    quotas::Turn,
};
use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::value::{Personal, Sha256};
use http_body_util::BodyExt;
use sha2::Digest;
use std::sync::{Arc, Mutex, PoisonError};

/// Begins an upload
///
/// Its length must be known. The body may hold the first piece, as `application/offset+octet-stream`.
#[utoipa::path(post, path = "/v1/uploads", tag = "uploads",
    params(
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Length" = u64, Header, description = "Bytes of the file"),
        ("Upload-Metadata" = Option<String>, Header, description = "Keys and Base64 texts: `filename`, `filetype`, `sha256` (hexadecimal, the digest that the file must have); others are passed over"),
        ("Upload-Checksum" = Option<String>, Header, description = "Checksum of the piece in the body: `sha256 BASE64`"),
    ),
    request_body(content = PieceBytes, content_type = "application/offset+octet-stream"),
    responses(
        (status = 201, description = "It has begun", headers(
            ("Location" = String, description = "Where to send pieces"),
            ("Upload-Offset" = u64, description = "How many bytes are there"),
            ("Upload-Expires" = String, description = "When it is removed, unless it goes on or is complete"),
            ("Dragoman-Asset" = String, description = "The asset, when the body held the whole file"))),
        (status = 400, description = "A header is not understood, or the body ended early", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 402, description = "The tenant may not hand in so much this month", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The piece came too slowly", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "Another version of the protocol", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The file is too large, or more came than announced", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is no piece", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The metadata say something impossible, or the content has another digest", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 460, description = "The piece does not have its checksum; the upload has begun, with nothing in it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Too many uploads are unfinished, or too many files wait to be looked at; `Retry-After` says when to ask again", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
    ))]
#[expect(clippy::too_many_arguments, reason = "a handler's arguments are the parts of a request that it reads")]
pub(crate) async fn create(
    State(api): State<Api>,
    caller: Caller,
    ids: CommandIds,
    trace: Trace,
    Query(Nothing {}): Query<Nothing>,
    reread: Option<Extension<Reread>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let has_piece = announces_piece(&headers)?;
    let checksum = Checksum::of(&headers)?;
    let announced = announced(&api, &caller, &headers, ids)?;
    if reread.is_some() {
        let piece = if has_piece { Some(body) } else { None };
        return Ok(BodyDigest(digest_of(&api, piece, announced.length).await?).alone());
    }
    has_room(&api)?;
    let upload = begin(&api, &caller, announced).await?;
    let location = HeaderValue::try_from(format!("/v1/uploads/{}", upload.id)).map_err(Problem::internal)?;
    let is_at_start = upload.offset == 0;
    // What an earlier try left is not read once more.
    let is_watched = headers.contains_key(IDEMPOTENCY_KEY) && (is_at_start || !has_piece);
    let watched = is_watched.then(Watched::default);
    let taken = if has_piece && is_at_start {
        let body = if let Some(watched) = &watched { watched.around(body) } else { body };
        let piece = Piece { offset: 0, body, checksum };
        // The client is to learn where its upload is, even when its first piece failed.
        let taken = take(&api, &caller, trace, &upload, piece).await;
        taken.map_err(|problem| problem.header(header::LOCATION, location.clone()))?
    } else if upload.length == Some(upload.offset) {
        let imported = Some(import(&api, &caller, trace, upload.id).await?);
        Taken { offset: upload.offset, expires_at: upload.expires_at, imported }
    } else {
        Taken { offset: upload.offset, expires_at: upload.expires_at, imported: None }
    };
    let mut answer = StatusCode::CREATED.into_response();
    answer.headers_mut().insert(header::LOCATION, location);
    describe(answer.headers_mut(), upload.length, &taken);
    Ok(match watched {
        Some(watched) => BodyDigest(watched.digest()).with(answer),
        None => answer,
    })
}

/// Begins it, or finds the one that an earlier try began: it was let in then. From here on its length counts.
async fn begin(api: &Api, caller: &Caller, announced: NewUpload) -> Result<Upload, Problem> {
    let is_known = api.uploads.get(caller.tenant(), announced.id).await?.is_some();
    let turn = match announced.length.filter(|_| !is_known) {
        Some(bytes) => api.quota_turn_for_file(caller, announced.id, bytes).await?,
        None => Turn::free(),
    };
    let upload = api.uploads.create(announced).await?;
    turn.wrote(None);
    Ok(upload)
}

/// The digest of a first piece of which nothing is kept; without a piece, that of nothing.
async fn digest_of(api: &Api, piece: Option<Body>, length: Option<u64>) -> Result<Sha256, Problem> {
    let Some(body) = piece else {
        return Ok(sha256(b""));
    };
    let (mut arriving, mut hasher, mut bytes) = (Arriving::new(body, api), sha2::Sha256::new(), 0);
    while let Some(chunk) = arriving.next().await? {
        hasher.update(&chunk);
        bytes += chunk.len() as u64;
        if let Some(length) = length.filter(|length| bytes > *length) {
            return Err(UploadError::BeyondLength { length }.into());
        }
    }
    Ok(Sha256::new(hasher.finalize().into()))
}

/// The digest of a piece while somebody else reads it.
#[derive(Clone, Default)]
struct Watched(Arc<Mutex<sha2::Sha256>>);

impl Watched {
    fn around(&self, body: Body) -> Body {
        let watched = self.clone();
        Body::new(body.map_frame(move |frame| {
            if let Some(data) = frame.data_ref() {
                watched.0.lock().unwrap_or_else(PoisonError::into_inner).update(data);
            }
            frame
        }))
    }

    fn digest(&self) -> Sha256 {
        Sha256::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize().into())
    }
}

/// Says how far an upload of this length is after a piece.
pub(super) fn describe(headers: &mut HeaderMap, length: Option<u64>, taken: &Taken) {
    tus::describe(headers, length, taken.offset, taken.expires_at, taken.imported.map(|imported| imported.asset));
    let position = taken.imported.and_then(|imported| imported.appended).map(|appended| appended.position);
    headers.extend(position.map(|position| (DRAGOMAN_POSITION, HeaderValue::from(position))));
}

fn announced(api: &Api, caller: &Caller, headers: &HeaderMap, ids: CommandIds) -> Result<NewUpload, Problem> {
    const DEFERRED: HeaderName = HeaderName::from_static("upload-defer-length");
    if headers.contains_key(DEFERRED) {
        return Err(tus::invalid(&DEFERRED, "invalid-value", "the length must be known at the beginning"));
    }
    let length = tus::required(headers, &UPLOAD_LENGTH)?;
    if length > api.upload_limits.bytes_max {
        return Err(too_large(api.upload_limits.bytes_max));
    }
    let metadata = Metadata::of(headers)?;
    Ok(NewUpload {
        id: ids.0.resource,
        tenant: caller.tenant().clone(),
        length: Some(length),
        name: Personal::new(metadata.name),
        media_type: metadata.media_type,
        sha256: metadata.sha256,
        expires_at: api.upload_expiry(),
    })
}

fn announces_piece(headers: &HeaderMap) -> Result<bool, Problem> {
    let is_empty = !headers.contains_key(header::TRANSFER_ENCODING)
        && headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0");
    match headers.get(header::CONTENT_TYPE) {
        Some(media_type) if media_type == PIECE => Ok(true),
        None | Some(_) if is_empty => Ok(false),
        None | Some(_) => Err(no_piece()),
    }
}

/// The body has another media type than pieces have.
pub(super) fn no_piece() -> Problem {
    Problem::new(Code::UnsupportedMediaType).detail("Send `Content-Type: application/offset+octet-stream`.")
}
