//! Names of a request: an id of its own, and its place in a trace (W3C Trace Context).

use crate::problem::Problem;
use application::ports::trace::{TraceContext, Traces};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use std::fmt::{self, Write};
use tracing::Span;
use uuid::Uuid;

/// The header that carries a trace in and out.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header that names the request in its answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a request is known by in logs, traces and events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Names this request.
    pub request_id: Uuid,
    /// The trace that it belongs to: the caller's, or one that begins here.
    pub trace_id: u128,
    /// This request's span within the trace.
    pub span_id: u64,
    /// Whether the caller records the trace.
    pub sampled: bool,
}

impl Trace {
    /// Of a request with these headers. `id` is fresh, and random in its last 62 bits.
    pub(crate) fn of(headers: &HeaderMap, id: Uuid) -> Self {
        let (_, low) = id.as_u64_pair();
        let of_parent = |parent: TraceContext| (number(&parent), parent.is_sampled());
        let (trace_id, sampled) = parent(headers).map_or((id.as_u128(), true), of_parent);
        // The variant's two bits make `low` differ from zero, as a span's id must.
        Self { request_id: id, trace_id, span_id: low, sampled }
    }

    /// As whoever records traces sees it: under the span that stands for this request there.
    pub(crate) fn recorded(self, headers: &HeaderMap, span: &Span, traces: &dyn Traces) -> Self {
        if let Some(parent) = parent(headers) {
            traces.adopt(span, &parent);
        }
        let Some(own) = span.in_scope(|| traces.current()) else {
            return self;
        };
        let span_id = u64::from_str_radix(own.span_id(), 16).unwrap_or(self.span_id);
        Self { trace_id: number(&own), span_id, sampled: own.is_sampled(), ..self }
    }

    /// As a header for those who are called on, and for events.
    pub fn traceparent(&self) -> String {
        self.to_string()
    }

    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let mut text = String::with_capacity(55);
        write!(text, "{self}").ok()?;
        HeaderValue::try_from(text).ok()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

impl<S: Sync> FromRequestParts<S> for Trace {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let trace = parts.extensions.get::<Self>().copied();
        trace.ok_or_else(|| Problem::internal("the request came past the outermost layer"))
    }
}

/// What a request is a part of; a header that cannot be read is as none.
fn parent(headers: &HeaderMap) -> Option<TraceContext> {
    headers.get(TRACEPARENT).and_then(|value| TraceContext::parse(value.to_str().ok()?).ok())
}

/// The id of a trace as a number.
fn number(trace: &TraceContext) -> u128 {
    u128::from_str_radix(trace.trace_id(), 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(header: &str) -> Trace {
        let headers = HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_str(header).expect("a header"))]);
        Trace::of(&headers, Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001))
    }

    #[test]
    fn a_trace_goes_on_under_a_span_of_its_own() {
        let trace = of(GOOD);
        assert_eq!(trace.traceparent(), "00-4bf92f3577b34da6a3ce929d0e0e4736-8000000000000001-01");
        assert!(!of(&GOOD.replace("-01", "-00")).sampled);
        assert_eq!(of(&format!("{}-more", GOOD.replacen("00", "01", 1))).trace_id, trace.trace_id);
    }

    #[test]
    fn a_wrong_header_begins_a_trace() {
        let fresh = 0x0198_0000_0000_7000_8000_0000_0000_0001;
        let wrong = [
            String::new(),
            GOOD.to_uppercase(),
            GOOD.replacen("00", "ff", 1),
            format!("{GOOD}-more"),
            GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GOOD.replace("-01", ""),
            GOOD.replace("-01", "-1"),
        ];
        for header in wrong {
            assert_eq!(of(&header).trace_id, fresh, "{header}");
        }
    }
}
