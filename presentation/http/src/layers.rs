//! What every request goes through, from the outside in:
//!
//! 1. [`observe`]: address (`address`), names, span, measure, headers of every answer; a panic becomes an answer;
//!    causes are logged
//! 2. compression, of texts only
//! 3. CORS, where origins are allowed
//! 4. what the table of routes says (`policy`)
//! 5. how often an address may ask, and all together (`rate`)
//! 6. authentication (`auth`)
//! 7. how often the caller may ask (`rate`)
//! 8. authorization (`auth`)
//! 9. idempotency (`idempotency`)
//! 10. [`in_time`]: the bound on the time until an answer begins
//!
//! What is deliberately absent: bodies' bounds, which belong to those who read them (`extract::body`).

use crate::{
    address::ClientAddress,
    answer::tell_coding,
    api::Api,
    auth::{authenticate, authorize, find_policy, policy_of},
    idempotency::{IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, remember},
    policy::Table,
    problem::{Code, Problem, Unlogged},
    rate::{RATE_LIMIT, RATE_LIMIT_POLICY, limit_address, limit_caller},
    trace::{REQUEST_ID, TRACEPARENT, Trace},
    v1::uploads::tus,
};
use axum::{
    Router,
    body::HttpBody,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::time::{Instant, timeout};
use tower::{Layer, ServiceBuilder, ServiceExt, util::option_layer};
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, Predicate},
    cors::{AllowOrigin, CorsLayer},
};
use tracing::{
    Instrument, Span,
    field::{self, Empty},
};
use uuid::Uuid;

/// Answers smaller than this go as they are: packets are no smaller. Bytes.
const COMPRESSED_BYTES_MIN: u64 = 1_024;
/// How long a browser may remember what CORS allows.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);
/// Position in the log of what a command wrote.
pub const DRAGOMAN_POSITION: HeaderName = HeaderName::from_static("dragoman-position");

/// Puts the stack around all routes.
pub(crate) fn around(router: Router<Api>, api: &Api, table: Table) -> Router<Api> {
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(TextsOnly);
    router.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(api.clone(), observe))
            .layer(compression)
            .layer(option_layer(cors(api).map(|cors| from_fn_with_state(cors, cross))))
            .layer(from_fn_with_state(table, find_policy))
            .layer(from_fn_with_state(api.clone(), limit_address))
            .layer(from_fn_with_state(api.clone(), authenticate))
            .layer(from_fn_with_state(api.clone(), limit_caller))
            .layer(from_fn_with_state(api.clone(), authorize))
            .layer(from_fn_with_state(api.clone(), remember))
            .layer(from_fn_with_state(api.clone(), in_time)),
    )
}

async fn observe(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let is_over_tls = ClientAddress::tell(&mut request, api.proxies).is_over_tls() || api.tls;
    let trace = Trace::of(request.headers(), api.ids.next());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let template = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let method = method_name(request.method());
    let span = span(&trace, method, template);
    let trace = trace.recorded(request.headers(), &span, &*api.traces);
    span.record("trace_id", field::display(format_args!("{:032x}", trace.trace_id)));
    let named = subject(template, request.uri().path());
    if let Some(id) = named {
        span.record("correlation_id", field::display(id));
    }
    request.extensions_mut().insert(trace);
    let measured = api.metrics.http().begin();
    let outcome = AssertUnwindSafe(next.run(request).instrument(span.clone())).catch_unwind().await;
    let mut response = outcome.unwrap_or_else(|_| Problem::internal("a handler panicked").into_response());
    if let Some(Unlogged(problem)) = response.extensions_mut().remove() {
        response = log_cause(&span, &trace, &problem);
    }
    let status = response.status().as_u16();
    measured.end(template, method, status, began.elapsed());
    span.record("status", status);
    // What a request makes has a name only now.
    let made = || subject(template, response.headers().get(header::LOCATION)?.to_str().ok()?);
    if let Some(id) = made().filter(|_| named.is_none()) {
        span.record("correlation_id", field::display(id));
    }
    if response.status().is_server_error() {
        api.traces.fail(&span, response.status().as_str());
    }
    tracing::debug!(parent: &span, duration_us = began.elapsed().as_micros() as u64, "answered");
    stamp(response.headers_mut(), &trace, is_over_tls);
    response
}

fn span(trace: &Trace, method: &'static str, template: &str) -> Span {
    tracing::info_span!(
        "request",
        method,
        route = template,
        request_id = %trace.request_id,
        correlation_id = Empty,
        trace_id = Empty,
        status = Empty,
    )
}

/// What a path is about: the first id in it. A part is one where the template has a parameter, and behind its end.
fn subject(template: &str, path: &str) -> Option<Uuid> {
    let parts = template.split('/').map(Some).chain(std::iter::repeat(None)).zip(path.split('/'));
    let mut ids = parts.filter(|(part, _)| part.is_none_or(|part| part.starts_with('{')));
    ids.find_map(|(_, part)| part.parse().ok())
}

fn log_cause(span: &Span, trace: &Trace, problem: &Problem) -> Response {
    let cause = problem.cause().unwrap_or_default();
    tracing::error!(parent: span, code = problem.code().entry().code, cause, "a request failed");
    problem.render(Some(&trace.request_id.to_string()))
}

/// The headers that every answer has. What a handler chose itself stays, but that a tag tells its coding.
fn stamp(headers: &mut HeaderMap, trace: &Trace, is_over_tls: bool) {
    const USUAL: [(HeaderName, HeaderValue); 4] = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    tell_coding(headers);
    for (name, value) in USUAL {
        headers.entry(name).or_insert(value);
    }
    if is_over_tls {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    if let Some(traceparent) = trace.header() {
        headers.insert(TRACEPARENT, traceparent);
    }
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    if let Ok(id) = HeaderValue::from_str(trace.request_id.hyphenated().encode_lower(&mut buffer)) {
        headers.insert(REQUEST_ID, id);
    }
}

/// A method's name for measures: clients may invent methods, measures may not.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

async fn in_time(State(api): State<Api>, request: Request, next: Next) -> Response {
    if policy_of(&request).is_some_and(|policy| policy.streams) {
        return next.run(request).await;
    }
    let answer = timeout(api.limits.answer, next.run(request)).await;
    answer.unwrap_or_else(|_| Problem::new(Code::TimedOut).retry_after(5).into_response())
}

/// CORS for all but an `OPTIONS` that a client means: tus asks so for what the server can do.
async fn cross(State(cors): State<CorsLayer>, request: Request, next: Next) -> Response {
    let is_preflight = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() == Method::OPTIONS && !is_preflight {
        return next.run(request).await;
    }
    let crossed = cors.layer(next).oneshot(request).await;
    crossed.unwrap_or_else(|never| match never {})
}

fn cors(api: &Api) -> Option<CorsLayer> {
    if api.origins.is_empty() {
        return None;
    }
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let headers = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_RANGE,
        header::RANGE,
        HeaderName::from_static("content-digest"),
        HeaderName::from_static("repr-digest"),
        IDEMPOTENCY_KEY,
        TRACEPARENT,
        HeaderName::from_static("last-event-id"),
    ];
    let headers = headers.into_iter().chain(tus::REQUEST_HEADERS);
    let exposed = [
        header::ACCEPT_RANGES,
        header::CONTENT_DISPOSITION,
        header::CONTENT_RANGE,
        header::ETAG,
        header::LINK,
        header::LOCATION,
        header::RETRY_AFTER,
        DRAGOMAN_POSITION,
        RATE_LIMIT,
        RATE_LIMIT_POLICY,
        IDEMPOTENT_REPLAYED,
        REQUEST_ID,
        TRACEPARENT,
    ];
    let exposed = exposed.into_iter().chain(tus::ANSWER_HEADERS);
    let origins = AllowOrigin::list(api.origins.iter().cloned());
    let layer =
        CorsLayer::new().allow_origin(origins).allow_methods(methods).allow_headers(headers.collect::<Vec<_>>());
    Some(layer.expose_headers(exposed.collect::<Vec<_>>()).max_age(PREFLIGHT_AGE))
}

/// Compresses texts of some length; never media, nor streams of events, which must not wait for a block to fill.
#[derive(Clone, Copy)]
struct TextsOnly;

impl Predicate for TextsOnly {
    fn should_compress<B: HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        let headers = response.headers();
        let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let is_text = (essence.starts_with("text/") && essence != "text/event-stream")
            || ["/json", "+json", "/javascript"].iter().any(|end| essence.ends_with(end));
        let is_part = headers.contains_key(header::CONTENT_RANGE);
        is_text && !is_part && response.body().size_hint().exact().is_some_and(|bytes| bytes >= COMPRESSED_BYTES_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_about_the_first_id_in_it() {
        let id = Uuid::from_u128(7);
        let check = |template: &str, path: String, expected: Option<Uuid>| {
            assert_eq!(subject(template, &path), expected, "{template}: {path}");
        };
        check("/v1/dubbings/{id}", format!("/v1/dubbings/{id}"), Some(id));
        let line = format!("/v1/dubbings/{id}/tracks/es/utterances/{}", Uuid::from_u128(8));
        check("/v1/dubbings/{dubbing}/tracks/{language}/utterances/{utterance}", line, Some(id));
        check("/v1/dubbings/{id}", "/v1/dubbings/mine".to_owned(), None);
        check("/v1/dubbings", "/v1/dubbings".to_owned(), None);
        check("unmatched", format!("/v2/{id}"), Some(id));
        // Where something was made.
        check("/v1/dubbings", format!("/v1/dubbings/{id}"), Some(id));
    }
}
