//! Problem documents (RFC 9457): what every answer that is not a success looks like.
//!
//! A problem says what the client can mend. What went wrong inside is a cause: it is logged once, by
//! the outermost layer, beside the id of the request, and never leaves the server.

mod codes;
mod from;
mod identity;
mod kinds;
mod webhooks;

pub use codes::{Code, Entry};
pub(crate) use from::{UPLOADS_RETRY_SECONDS, unasked};
pub use kinds::{FAULT_KINDS, FaultKind};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, header},
    response::IntoResponse,
};
use serde::Serialize;
use serde_json::{Map, Value};
use std::{borrow::Cow, error::Error, fmt, sync::Arc};
use utoipa::ToSchema;

/// Media type of a problem document.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// Longest text of one detail, in characters: a parser may quote what was sent.
const DETAIL_CHARS_MAX: usize = 300;

/// An answer that says what is wrong.
#[derive(Clone)]
pub struct Problem(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<Fault>,
    more: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// One thing that is wrong with what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/target_languages/0")]
    pub pointer: Option<String>,
    /// Name of a query parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// One sentence about it.
    pub detail: String,
    /// Stable code of the kind of fault; `GET /v1/errors` lists them all.
    #[schema(example = "unknown-field")]
    pub code: Cow<'static, str>,
}

impl Fault {
    /// A fault at a JSON pointer into the body; the empty pointer is the body itself.
    pub fn at(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let code = kinds::named(code).into();
        Self { pointer: Some(pointer.into()), parameter: None, detail: shorten(detail.into()), code }
    }

    /// A fault of a query parameter or a header.
    pub fn of(parameter: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let (parameter, code) = (shorten(parameter.into()), kinds::named(code).into());
        Self { pointer: None, parameter: Some(parameter), detail: shorten(detail.into()), code }
    }
}

/// The document as clients read it. Members beside these are extensions of the problem's code.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// Where the code is described.
    #[serde(rename = "type")]
    #[schema(example = "/v1/errors/not-found")]
    kind: String,
    /// The code in a few words.
    title: &'a str,
    /// The status of the answer.
    #[schema(example = 404)]
    status: u16,
    /// What is wrong this time, and what to do.
    detail: &'a str,
    /// Stable code; `GET /v1/errors` lists them all.
    #[schema(example = "not-found")]
    code: &'a str,
    /// The faults, one by one, where there are any.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Fault],
    /// The request's id, when the server is at fault: its log says more under this id.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(flatten)]
    #[schema(ignore)]
    more: &'a Map<String, Value>,
}

impl Problem {
    /// A problem of this code, with the code's own words as its detail.
    pub fn new(code: Code) -> Self {
        let detail = Cow::Borrowed(code.entry().remedy);
        Self(Arc::new(Parts { code, detail, errors: vec![], more: Map::new(), headers: vec![], cause: None }))
    }

    /// The server is at fault. `cause` is logged once and told to nobody.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal).caused_by(cause)
    }

    /// Says it in one sentence for this time.
    #[must_use]
    pub fn detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.with(|parts| parts.detail = detail.into())
    }

    /// Names one thing that is wrong.
    #[must_use]
    pub fn fault(self, fault: Fault) -> Self {
        self.with(|parts| parts.errors.push(fault))
    }

    /// Adds a member to the document: what a program needs to go on.
    #[must_use]
    pub fn extension(self, name: &'static str, value: impl Into<Value>) -> Self {
        self.with(|parts| drop(parts.more.insert(name.to_owned(), value.into())))
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.with(|parts| parts.headers.push((name, value)))
    }

    /// Tells the client to try again after `seconds`.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, seconds.into())
    }

    /// Keeps what the log says about it.
    #[must_use]
    pub fn caused_by(self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.with(|parts| parts.cause = Some(Arc::from(cause.into())))
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What exactly is wrong, where that is known.
    pub fn faults(&self) -> &[Fault] {
        &self.0.errors
    }

    /// The cause that the client is not told, with the causes beneath it, for the log.
    pub(crate) fn cause(&self) -> Option<String> {
        let cause: &(dyn Error + 'static) = self.0.cause.as_deref()?;
        let chain = std::iter::successors(Some(cause), |error: &&(dyn Error + 'static)| (*error).source());
        Some(chain.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }

    /// The answer; `request_id` stands in it when the server is at fault.
    pub(crate) fn render(&self, request_id: Option<&str>) -> Response<Body> {
        let Parts { code, detail, errors, more, headers, cause: _ } = &*self.0;
        let Entry { code: name, status, title, .. } = code.entry();
        let kind = format!("/v1/errors/{name}");
        let document = ProblemDocument { kind, title, status: *status, detail, code: name, errors, request_id, more };
        // Strings and numbers only: it can always be written.
        let mut answer = Response::new(Body::from(serde_json::to_vec(&document).unwrap_or_default()));
        *answer.status_mut() = code.status();
        answer.headers_mut().insert(header::CONTENT_TYPE, PROBLEM_JSON);
        for (name, value) in headers {
            answer.headers_mut().insert(name, value.clone());
        }
        answer
    }

    fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

/// A problem whose cause is still to be logged; the outermost layer does that.
#[derive(Clone)]
pub(crate) struct Unlogged(pub Problem);

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut answer = self.render(None);
        if self.0.cause.is_some() {
            answer.extensions_mut().insert(Unlogged(self));
        }
        answer
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem").field("code", &self.0.code).field("errors", &self.0.errors).finish_non_exhaustive()
    }
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(DETAIL_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
