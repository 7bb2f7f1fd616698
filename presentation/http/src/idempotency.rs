//! `Idempotency-Key`: a POST under `/v1` that is repeated with its key is answered as the first one was.
//!
//! A request with a key is carried out in a task of its own, to its end: a client that goes away leaves an answer
//! behind and no key that runs for ever. Kept is what was done, and what is wrong with the request itself. A refusal
//! that tells how things stand (not yet, not now, changed since, not there) is no answer to a later request: its key is
//! given back. The next try gets the same ids, so that the log recognises a command that was written after all.
//!
//! What a request says is compared with what the first one said. A body that streams is not gathered for that: its
//! handler says the digest of what it took ([`BodyDigest`]), which is kept with the answer, and a repetition is read
//! through for its digest alone ([`Reread`]).

use crate::{
    api::Api,
    extract::{Caller, CommandIds, read_body},
    policy::Policy,
    problem::{Code, Fault, Problem},
};
use application::ports::request_store::{Answer, Begun};
use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::value::Sha256;
use sha2::Digest;
use tracing::Instrument;

/// The header of the request.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is a repeated one.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Longest key, in characters.
const KEY_CHARS_MAX: usize = 255;
/// The name under which an answer keeps the digest of its request's body. No header has such a name.
const KEPT_DIGEST: &str = ":body-sha256";
/// Largest answer that is kept, in bytes. Answers to commands are far smaller.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Stands in a streamed request that was answered before. Its handler brings nothing about: it reads the body and answers
/// [`BodyDigest::alone`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reread;

/// Stands in the answer of a handler that streams: the digest of what the body held, equal for bodies that say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyDigest(pub Sha256);

impl BodyDigest {
    /// The answer that says nothing else.
    pub fn alone(self) -> Response {
        self.with(StatusCode::NO_CONTENT.into_response())
    }

    /// The answer that says it, too.
    pub fn with(self, mut answer: Response) -> Response {
        answer.extensions_mut().insert(self);
        answer
    }
}

/// The layer.
pub(crate) async fn remember(State(api): State<Api>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(IDEMPOTENCY_KEY).filter(|_| is_keyed(&request)) else {
        return next.run(request).await;
    };
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        return next.run(request).await;
    };
    if request.headers().get_all(IDEMPOTENCY_KEY).iter().count() > 1 {
        return refused("a request has one key").into_response();
    }
    match key_of(key) {
        Ok(key) => answer(api, caller.clone(), own(&caller, key), request, next)
            .await
            .unwrap_or_else(IntoResponse::into_response),
        Err(problem) => problem.into_response(),
    }
}

fn is_keyed(request: &Request) -> bool {
    let template = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let method = request.method();
    method == Method::POST && template.is_some_and(|template| template.starts_with("/v1/"))
}

/// Keys are their accounts': nobody hears the answer to somebody else's request, whatever key they chose.
fn own(caller: &Caller, key: String) -> String {
    caller.principal().account.map_or(key.clone(), |account| format!("{account} {key}"))
}

fn key_of(value: &HeaderValue) -> Result<String, Problem> {
    let key = value.to_str().unwrap_or_default();
    let is_visible = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_visible && key.len() <= KEY_CHARS_MAX {
        return Ok(key.to_owned());
    }
    Err(refused("a key is 1 to 255 visible ASCII characters"))
}

fn refused(detail: &'static str) -> Problem {
    Problem::new(Code::InvalidHeader).fault(Fault::of("Idempotency-Key", "invalid-value", detail))
}

async fn answer(api: Api, caller: Caller, key: String, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let streams = parts.extensions.get::<Policy>().is_some_and(|policy| policy.streams);
    let (fingerprint, body) = if streams {
        (fingerprint(&announced(&parts)), body)
    } else {
        let body = read_body(body, &api).await?;
        let content_type = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        let [method, target] = asked(&parts);
        (fingerprint(&[method, target, content_type, &body]), Body::from(body))
    };
    let work = async move {
        match api.requests.begin(caller.tenant(), &key, &fingerprint).await? {
            Begun::New(ids) => {
                parts.extensions.insert(CommandIds(ids));
                let request = Request::from_parts(parts, body);
                carry_out(&api, &caller, &key, request, next, streams).await
            }
            Begun::Running => Err(Problem::new(Code::RequestRunning).retry_after(1)),
            Begun::Answered(answer) => match digest_of(&answer) {
                Some(digest) => {
                    parts.extensions.insert(Reread);
                    reread(digest, answer, Request::from_parts(parts, body), next).await
                }
                None => replay(answer),
            },
            Begun::OtherRequest => Err(Problem::new(Code::KeyReused)),
        }
    };
    let task = tokio::spawn(work.in_current_span());
    task.await.unwrap_or_else(|broken| Err(Problem::internal(broken)))
}

fn asked(parts: &Parts) -> [&[u8]; 2] {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    [parts.method.as_str().as_bytes(), target.as_bytes()]
}

/// What a streamed request says before its body, which is not read for it. The boundary of a form is drawn anew for
/// each try and says nothing.
fn announced(parts: &Parts) -> [&[u8]; 5] {
    let [method, target] = asked(parts);
    let value = |name: &str| parts.headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
    let media_type = value(header::CONTENT_TYPE.as_str()).split(|byte| *byte == b';').next().unwrap_or_default();
    [method, target, media_type, value("upload-length"), value("upload-metadata")]
}

async fn carry_out(
    api: &Api,
    caller: &Caller,
    key: &str,
    request: Request,
    next: Next,
    streams: bool,
) -> Result<Response, Problem> {
    let running = Running { api: Some((api.clone(), caller.clone(), key.to_owned())) };
    let response = next.run(request).await;
    if !is_final(&response, streams) {
        running.abandon().await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, ANSWER_BYTES_MAX).await.map_err(Problem::internal)?;
    let headers =
        parts.headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())));
    let digest = parts.extensions.get::<BodyDigest>().map(|digest| (KEPT_DIGEST.to_owned(), digest.0.to_string()));
    let headers = headers.chain(digest).collect();
    let answer = Answer { status: parts.status.as_u16(), headers, body: body.to_vec() };
    api.requests.finish(caller.tenant(), key, &answer).await?;
    running.keep();
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// Whether the same request would get this answer whenever it comes.
fn is_final(response: &Response, streams: bool) -> bool {
    let status = response.status();
    if status.is_success() {
        return true;
    }
    // A stream that broke off may be sent again; what is wrong with a small body stays wrong.
    let blames_request = matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY
    );
    blames_request && !streams && !response.headers().contains_key(header::RETRY_AFTER)
}

/// A key whose request is being carried out. Dropped before its end (a panic, a time limit), it gives the key back.
struct Running {
    api: Option<(Api, Caller, String)>,
}

impl Running {
    async fn abandon(mut self) -> Result<(), Problem> {
        let Some((api, caller, key)) = self.api.take() else {
            return Ok(());
        };
        Ok(api.requests.abandon(caller.tenant(), &key).await?)
    }

    fn keep(mut self) {
        self.api = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some((api, caller, key)) = self.api.take() else {
            return;
        };
        let give_back = async move {
            if api.requests.abandon(caller.tenant(), &key).await.is_err() {
                tracing::error!("a request that broke off could not give its idempotency key back");
            }
        };
        // Without a runtime the process ends, and the next one finds the key unfinished.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(give_back);
        }
    }
}

fn digest_of(answer: &Answer) -> Option<Sha256> {
    answer.headers.iter().find(|(name, _)| name == KEPT_DIGEST).and_then(|(_, digest)| digest.parse().ok())
}

/// The first answer again, once the body is known to be the same.
async fn reread(first: Sha256, answer: Answer, request: Request, next: Next) -> Result<Response, Problem> {
    let response = next.run(request).await;
    match response.extensions().get::<BodyDigest>() {
        Some(BodyDigest(digest)) if *digest == first => replay(answer),
        Some(_) => Err(Problem::new(Code::KeyReused)),
        // It broke off, or is malformed.
        None => Ok(response),
    }
}

fn replay(answer: Answer) -> Result<Response, Problem> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(Problem::internal)?;
    for (name, value) in answer.headers.into_iter().filter(|(name, _)| name != KEPT_DIGEST) {
        let name = HeaderName::try_from(name).map_err(Problem::internal)?;
        response.headers_mut().append(name, HeaderValue::try_from(value).map_err(Problem::internal)?);
    }
    response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// Digest over parts, each with its length, so that no two lists of parts look the same.
pub(crate) fn fingerprint(parts: &[&[u8]]) -> Sha256 {
    let mut digest = sha2::Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    Sha256::new(digest.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_visible_and_bounded() {
        let check = |key: &str| key_of(&HeaderValue::from_str(key).expect("a header")).is_ok();
        assert!(check("a") && check(&"k".repeat(255)));
        assert!(!check("") && !check(&"k".repeat(256)) && !check("a b") && !check("\u{e9}"));
    }

    #[test]
    fn a_refusal_is_kept_while_only_the_request_is_to_blame() {
        let check = |code: Code, expected: bool| {
            assert_eq!(is_final(&Problem::new(code).into_response(), false), expected, "{code:?}");
            assert!(!is_final(&Problem::new(code).into_response(), true), "{code:?} of a stream");
        };
        for code in [Code::MalformedJson, Code::InvalidQuery, Code::InvalidRequest, Code::NoVoice, Code::BodyTooLarge] {
            check(code, true);
        }
        let passing = [
            Code::AssetNotReady,
            Code::UnderWay,
            Code::Conflict,
            Code::NotFound,
            Code::Withdrawn,
            Code::BodyTooSlow,
            Code::RevisionMismatch,
            Code::RevisionRequired,
            Code::UploadLocked,
            Code::Overloaded,
            Code::Internal,
        ];
        for code in passing {
            check(code, false);
        }
        assert!(!is_final(&Problem::new(Code::NoVoice).retry_after(1).into_response(), false));
        assert!(is_final(&StatusCode::ACCEPTED.into_response(), true));
    }

    #[test]
    fn a_fingerprint_tells_where_a_part_ends() {
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
        assert_eq!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"ab", b"c"]));
    }
}
