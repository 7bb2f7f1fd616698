//! Files on their way to a client, after RFC 9110: conditions, ranges, names.
//!
//! A file is read in pieces of bounded size while it is sent, so that memory does not grow with it. What is
//! deliberately absent: compression (media are compressed already, and ranges count bytes as they are kept). Where it is
//! so configured, a client is sent to where a large file is kept, by an address that ends soon.

mod name;
mod range;
mod send;

pub(crate) use name::FileName;

use crate::{
    answer::ETag,
    api::Api,
    problem::{Code, Problem},
};
use application::ports::blob_store::Link;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use domain::value::{Artefact, Sha256};
use range::{Part, Wanted};
use send::{Sending, Source};
use thiserror::Error;

/// A file as it is offered.
pub(crate) struct Download {
    /// What is sent.
    pub content: Content,
    /// Its media type, fit for a header.
    pub media_type: String,
    /// The name to keep it under.
    pub name: FileName,
    /// Whether a client may be sent to where it is kept: worth it for what is large.
    pub may_be_elsewhere: bool,
}

/// What is sent.
pub(crate) enum Content {
    /// A blob.
    Blob(Artefact),
    /// A text that was made for this answer.
    Made(Bytes),
}

/// What is not there though it is referred to.
#[derive(Debug, Error)]
#[error("blob {0} is gone, or not as long as it was")]
pub(crate) struct Lost(pub Sha256);

impl Download {
    /// The answer to a GET or HEAD with these headers.
    pub async fn answer(self, api: &Api, method: &Method, headers: &HeaderMap) -> Result<Response, Problem> {
        let tag = match &self.content {
            Content::Blob(blob) => ETag::blob(&blob.sha256),
            Content::Made(text) => ETag::content(text),
        };
        if tag.is_known(headers) {
            return Ok(self.respond(StatusCode::NOT_MODIFIED, &tag, Body::empty()));
        }
        // A link is for GET alone, as it is signed.
        if method == Method::GET
            && let Some(address) = self.address(api).await?
        {
            return self.elsewhere(&tag, &address);
        }
        let (source, bytes) = self.open(api).await?;
        // Ranges are defined for GET only.
        let wanted = if method == Method::GET { range::wanted(headers, &tag, bytes) } else { Wanted::Whole };
        let answer = match wanted {
            Wanted::Whole => self.whole(&tag, source, bytes),
            Wanted::One(part) => self.one(&tag, source, part, bytes),
            Wanted::Many(parts) => self.many(&tag, source, &parts, bytes),
            Wanted::Nothing => {
                let unsatisfied = HeaderValue::try_from(format!("bytes */{bytes}")).map_err(Problem::internal)?;
                return Err(Problem::new(Code::RangeNotSatisfiable).header(header::CONTENT_RANGE, unsatisfied));
            }
        };
        Ok(answer)
    }

    /// Where else it can be fetched.
    async fn address(&self, api: &Api) -> Result<Option<String>, Problem> {
        match (api.links, &self.content) {
            (Some(valid_for), Content::Blob(blob)) if self.may_be_elsewhere => {
                let disposition = self.name.disposition();
                let link = Link { valid_for, disposition: &disposition, media_type: &self.media_type };
                Ok(api.blobs.link(&blob.sha256, &link).await?)
            }
            (Some(_) | None, Content::Blob(_) | Content::Made(_)) => Ok(None),
        }
    }

    /// Sends the client there. Ranges are for whoever answers there.
    fn elsewhere(&self, tag: &ETag, address: &str) -> Result<Response, Problem> {
        let mut answer = self.respond(StatusCode::TEMPORARY_REDIRECT, tag, Body::empty());
        let headers = answer.headers_mut();
        headers.insert(header::LOCATION, HeaderValue::try_from(address).map_err(Problem::internal)?);
        // Whoever knows the address may fetch the file.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        Ok(answer)
    }

    async fn open(&self, api: &Api) -> Result<(Source, u64), Problem> {
        match &self.content {
            Content::Made(text) => Ok((Source::Made(text.clone()), text.len() as u64)),
            Content::Blob(blob) => {
                let lost = || Problem::new(Code::FileLost).caused_by(Lost(blob.sha256));
                let path = api.blobs.path(&blob.sha256).await?.ok_or_else(lost)?;
                let file = send::open(&path).await.map_err(Problem::internal)?.ok_or_else(lost)?;
                let bytes = file.metadata().await.map_err(Problem::internal)?.len();
                if bytes == blob.bytes { Ok((Source::File { file, at: 0 }, bytes)) } else { Err(lost()) }
            }
        }
    }

    fn whole(&self, tag: &ETag, source: Source, bytes: u64) -> Response {
        let sending = Sending::new(source).part(Part { first: 0, bytes });
        self.sized(StatusCode::OK, tag, sending)
    }

    fn one(&self, tag: &ETag, source: Source, part: Part, bytes: u64) -> Response {
        let mut answer = self.sized(StatusCode::PARTIAL_CONTENT, tag, Sending::new(source).part(part));
        put(answer.headers_mut(), header::CONTENT_RANGE, part.content_range(bytes));
        answer
    }

    fn many(&self, tag: &ETag, source: Source, parts: &[Part], bytes: u64) -> Response {
        let boundary = self.boundary();
        let mut sending = Sending::new(source);
        for part in parts {
            let (media_type, range) = (&self.media_type, part.content_range(bytes));
            let head = format!("--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {range}\r\n\r\n");
            sending = sending.text(head).part(*part).text("\r\n".to_owned());
        }
        let sending = sending.text(format!("--{boundary}--\r\n"));
        let mut answer = self.sized(StatusCode::PARTIAL_CONTENT, tag, sending);
        let media_type = format!("multipart/byteranges; boundary={boundary}");
        put(answer.headers_mut(), header::CONTENT_TYPE, media_type);
        answer
    }

    /// The content's own digest: it cannot stand in the content.
    fn boundary(&self) -> String {
        match &self.content {
            Content::Blob(blob) => blob.sha256.to_string(),
            Content::Made(text) => application::aggregates::sha256(text).to_string(),
        }
    }

    fn sized(&self, status: StatusCode, tag: &ETag, sending: Sending) -> Response {
        let bytes = sending.bytes();
        let mut answer = self.respond(status, tag, sending.into_body());
        answer.headers_mut().insert(header::CONTENT_LENGTH, bytes.into());
        put(answer.headers_mut(), header::CONTENT_TYPE, self.media_type.clone());
        put(answer.headers_mut(), header::CONTENT_DISPOSITION, self.name.disposition());
        answer
    }

    fn respond(&self, status: StatusCode, tag: &ETag, body: Body) -> Response {
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(header::ETAG, tag.header());
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        // Kept by the client, but asked for each time: a result may be replaced, or withdrawn.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        answer
    }
}

/// Everything given here is visible ASCII.
fn put(headers: &mut HeaderMap, name: header::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
