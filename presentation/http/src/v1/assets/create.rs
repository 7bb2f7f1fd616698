//! Hands in a file in one request.
//!
//! The file goes to the disk as it comes. Whatever goes wrong on the way, a client that is too slow or goes away
//! included, what came is removed: who wants to go on later uploads by tus.

use super::{
    document::{AssetDocument, AssetView},
    location,
};
use crate::{
    answer::Done,
    api::Api,
    extract::{Caller, CommandIds, Nothing, Query},
    idempotency::{BodyDigest, Reread, fingerprint},
    problem::{Code, Fault, Problem, ProblemDocument},
    trace::Trace,
    upload::{
        Arriving, Renewal, digest, has_room,
        import::{import_within, too_large},
        multipart::{self, Multipart, PartHead},
        said,
    },
};
use application::{
    ports::{
        event_log::Tenant,
        upload_store::{NewUpload, UploadError, UploadStore, UploadWriter},
    },
    quotas::Turn,
};
use axum::{
    Extension,
    body::{Body, HttpBody},
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use domain::{
    asset::Asset,
    value::{AssetId, Personal, Sha256},
};
use sha2::Digest;
use std::{sync::Arc, time::Duration};
use utoipa::ToSchema;
use uuid::Uuid;

/// Longest text of a field, in bytes.
const TEXT_BYTES_MAX: usize = 256;
/// What a form may have around its file, in bytes.
const FORM_BYTES_MAX: u64 = 64 << 10;
/// How often, and after which pause, the rest of a broken upload is removed: its last piece may still be written.
const REMOVALS: u32 = 50;
const REMOVAL_PAUSE: Duration = Duration::from_millis(100);

/// A form with a file
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the form, which is read as it arrives")]
pub(crate) struct FileForm {
    /// The file. Its part may say its digest: `Content-Digest: sha-256=:BASE64:`.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// The SHA-256 that the file must have, in hexadecimal.
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    sha256: Option<String>,
}

/// Hands in a file
///
/// The form has a part `file`, and may have a field `sha256`, in any order. The file's name and media type are kept as
/// data; nothing is believed. `Content-Digest` and `Repr-Digest` of the request are those of the whole form (RFC 9530);
/// the file's own stands in its part or in `sha256`. The asset is `uploaded` at first: it is looked at soon.
#[utoipa::path(post, path = "/v1/assets", tag = "assets",
    params(
        ("Content-Digest" = Option<String>, Header, description = "SHA-256 of the body: `sha-256=:BASE64:`"),
        ("Repr-Digest" = Option<String>, Header, description = "As `Content-Digest`"),
    ),
    request_body(content = FileForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "It is handed in", body = AssetDocument, headers(
            ("Location" = String, description = "Where it is found"),
            ("ETag" = String, description = "Its revision"),
            ("Dragoman-Position" = u64, description = "Where the log holds it"))),
        (status = 400, description = "The form is malformed or ended early, or a header is not understood", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 402, description = "The tenant may not hand in so much this month", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The file came too slowly", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The file is too large; `limit_bytes` says how much is taken", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is no form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing, unknown or wrong, or a digest does not match", body = ProblemDocument, content_type = "application/problem+json"),
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
    let (id, announced) = (ids.0.resource, HttpBody::size_hint(&body).lower().saturating_sub(FORM_BYTES_MAX));
    let (form, whole) = form(&api, headers, body)?;
    if reread.is_some() {
        return Ok(receive(&api, None, form, whole).await?.digest().alone());
    }
    let asset = api.aggregates.asset(AssetId(id)).await?;
    let digest = if asset.revision == 0 {
        has_room(&api)?;
        // What is too much for sure is not read.
        api.quota_turn_for_file(&caller, id, announced).await?.wrote(None);
        let draft = Draft::begin(&api, &caller, id).await?;
        let (received, turn) = match take(&api, &caller, &draft, form, whole).await {
            Ok(taken) => taken,
            Err(problem) => {
                // Before the answer: a request that is repeated with its key makes an upload of the same id.
                draft.remove().await;
                return Err(problem);
            }
        };
        draft.complete();
        import_within(turn, &api, &caller, trace, id).await?;
        received.digest()
    } else {
        // The request is repeated with its key and had come to its end, but not to its answer.
        let digest = receive(&api, None, form, whole).await?.digest();
        if Received::of(&asset.state).is_some_and(|first| first.digest() != digest) {
            return Err(Problem::new(Code::KeyReused));
        }
        digest
    };
    // The upload's note is for clients that come back; this one was told. It holds the name, which an erasure must not
    // have to look for.
    match api.uploads.terminate(caller.tenant(), id).await {
        Ok(()) | Err(UploadError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let view = AssetView::require(&api, &caller, AssetId(id)).await?;
    let done = Done::created(&location(AssetId(id)), view.document);
    Ok(digest.with(done.revision(view.revision).position(view.position).into_response()))
}

/// Takes the form's parts; and a turn, now that it is known how large the file is.
async fn take(
    api: &Api,
    caller: &Caller,
    draft: &Draft,
    form: Multipart,
    whole: Option<Sha256>,
) -> Result<(Received, Turn), Problem> {
    let received = receive(api, Some(draft), form, whole).await?;
    let turn = api.quota_turn_for_file(caller, draft.id, received.bytes).await?;
    Ok((received, turn))
}

/// What a form held.
struct Received {
    sha256: Sha256,
    bytes: u64,
    name: String,
    media_type: String,
}

impl Received {
    /// What the form held that an asset came from, as far as it is still known.
    fn of(asset: &Asset) -> Option<Self> {
        let uploaded = asset.uploaded.as_ref()?;
        Some(Self {
            sha256: uploaded.media.sha256,
            bytes: uploaded.media.bytes,
            name: uploaded.name.reveal()?.clone(),
            media_type: uploaded.media.media_type.clone(),
        })
    }

    /// Equal for forms that say the same, whatever their boundary.
    fn digest(&self) -> BodyDigest {
        BodyDigest(fingerprint(&[self.sha256.to_string().as_bytes(), self.name.as_bytes(), self.media_type.as_bytes()]))
    }
}

/// The form, and the digest that the whole of it must have.
fn form(api: &Api, headers: HeaderMap, body: Body) -> Result<(Multipart, Option<Sha256>), Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multipart::boundary(content_type).filter(|_| !headers.contains_key(header::CONTENT_ENCODING));
    let Some(boundary) = boundary else {
        let detail = "Send `Content-Type: multipart/form-data` with a boundary, and no `Content-Encoding`.";
        return Err(Problem::new(Code::UnsupportedMediaType).detail(detail));
    };
    let limit = api.upload_limits.bytes_max;
    if HttpBody::size_hint(&body).lower() > limit.saturating_add(FORM_BYTES_MAX) {
        return Err(too_large(limit));
    }
    let whole = digest::announced(&headers)?;
    let arriving = Arriving::new(body, api);
    let arriving = if whole.is_some() { arriving.digesting() } else { arriving };
    Ok((Multipart::new(arriving, &boundary), whole))
}

/// Takes the form's parts; without a draft, only reads them.
async fn receive(
    api: &Api,
    draft: Option<&Draft>,
    mut form: Multipart,
    whole: Option<Sha256>,
) -> Result<Received, Problem> {
    let (mut announced, mut found) = (None, None);
    while let Some(part) = form.next().await? {
        match part.name.as_str() {
            "file" if found.is_none() => {
                found = Some(file(api, draft, &part, &mut form, announced).await?);
            }
            "sha256" if announced.is_none() => {
                let text = form.text(TEXT_BYTES_MAX).await?.unwrap_or_default();
                announced = Some(said::sha256(&text, |detail| Fault::at("/sha256", "invalid-value", detail))?);
            }
            "file" | "sha256" => return Err(fault(&part.name, "duplicate-field", "the field stands twice")),
            name => return Err(fault(name, "unknown-field", "the form knows `file` and `sha256`")),
        }
    }
    let Some(received) = found else {
        return Err(fault("file", "missing-field", "the form has no file"));
    };
    if announced.is_some_and(|announced| announced != received.sha256) {
        return Err(digest::mismatch());
    }
    let arrived = form.finish().await?;
    if whole.is_some() && arrived.digest() != whole {
        return Err(digest::mismatch());
    }
    Ok(received)
}

/// Takes the file, straight to the disk.
async fn file(
    api: &Api,
    draft: Option<&Draft>,
    part: &PartHead,
    form: &mut Multipart,
    announced: Option<Sha256>,
) -> Result<Received, Problem> {
    let in_part = digest::announced(&part.headers)?;
    if announced.is_some() && in_part.is_some() && announced != in_part {
        return Err(digest::mismatch());
    }
    let expected = announced.or(in_part);
    let name = part.file_name.as_deref().unwrap_or_default();
    let name = said::name(name, |detail| Fault::at("/file", "invalid-value", detail))?;
    let media_type = said::media_type(part.header(header::CONTENT_TYPE));
    let mut writer = match draft {
        Some(draft) => Some(draft.open(api, &name, &media_type, expected).await?),
        None => None,
    };
    let (mut hasher, mut bytes, limit) = (sha2::Sha256::new(), 0, api.upload_limits.bytes_max);
    let mut renewal = Renewal::new(api);
    while let Some(chunk) = form.chunk().await? {
        hasher.update(&chunk);
        bytes += chunk.len() as u64;
        match &mut writer {
            Some(writer) => {
                writer.write(&chunk).await?;
                renewal.now_and_then(&mut **writer).await?;
            }
            None if bytes > limit => return Err(too_large(limit)),
            None => {}
        }
    }
    if let Some(writer) = writer {
        writer.keep().await?;
    }
    let sha256 = Sha256::new(hasher.finalize().into());
    if expected.is_some_and(|expected| expected != sha256) {
        return Err(digest::mismatch());
    }
    Ok(Received { sha256, bytes, name, media_type })
}

fn fault(name: &str, code: &'static str, detail: &'static str) -> Problem {
    Problem::new(Code::InvalidRequest).fault(Fault::at(format!("/{name}"), code, detail))
}

/// An upload that is removed unless it is completed.
struct Draft {
    uploads: Arc<dyn UploadStore>,
    tenant: Tenant,
    id: Uuid,
    is_complete: bool,
}

impl Draft {
    /// What an earlier try with the same key left is removed first.
    async fn begin(api: &Api, caller: &Caller, id: Uuid) -> Result<Self, Problem> {
        let draft = Self { uploads: api.uploads.clone(), tenant: caller.tenant().clone(), id, is_complete: false };
        match draft.uploads.terminate(&draft.tenant, id).await {
            Ok(()) | Err(UploadError::NotFound) => Ok(draft),
            Err(error) => {
                draft.complete();
                Err(error.into())
            }
        }
    }

    /// The upload, to be written from its beginning.
    async fn open(
        &self,
        api: &Api,
        name: &str,
        media_type: &str,
        sha256: Option<Sha256>,
    ) -> Result<Box<dyn UploadWriter>, Problem> {
        let upload = NewUpload {
            id: self.id,
            tenant: self.tenant.clone(),
            length: None,
            name: Personal::new(name.to_owned()),
            media_type: media_type.to_owned(),
            sha256,
            expires_at: api.upload_expiry(),
        };
        self.uploads.create(upload).await?;
        Ok(self.uploads.open(&self.tenant, self.id, 0).await?)
    }

    fn complete(mut self) {
        self.is_complete = true;
    }

    async fn remove(mut self) {
        self.is_complete = true;
        remove(&*self.uploads, &self.tenant, self.id).await;
    }
}

impl Drop for Draft {
    /// The request was dropped in the middle: its client went away.
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.is_complete {
            return;
        }
        let (uploads, tenant, id) = (self.uploads.clone(), self.tenant.clone(), self.id);
        runtime.spawn(async move { remove(&*uploads, &tenant, id).await });
    }
}

async fn remove(uploads: &dyn UploadStore, tenant: &Tenant, id: Uuid) {
    for _ in 0..REMOVALS {
        match uploads.terminate(tenant, id).await {
            Err(UploadError::Locked) => tokio::time::sleep(REMOVAL_PAUSE).await,
            // What cannot be removed now is removed when its time is up.
            Ok(()) | Err(_) => return,
        }
    }
}
