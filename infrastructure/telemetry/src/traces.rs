//! Between the contexts that Dragoman carries along and those of OpenTelemetry.

use application::ports::trace::{TraceContext, Traces};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use tracing::{Dispatch, Span, span::Id};
use tracing_opentelemetry::{OpenTelemetrySpanExt, get_otel_context};

/// The traces of the subscriber that [`crate::start`] installed.
#[derive(Clone, Copy, Debug, Default)]
pub struct OtelTraces;

impl Traces for OtelTraces {
    fn adopt(&self, span: &Span, parent: &TraceContext) {
        let (Ok(trace_id), Ok(span_id)) = (TraceId::from_hex(parent.trace_id()), SpanId::from_hex(parent.span_id()))
        else {
            return;
        };
        let flags = TraceFlags::default().with_sampled(parent.is_sampled());
        let parent = SpanContext::new(trace_id, span_id, flags, true, TraceState::default());
        // A span that nobody records has no parent; one that has begun keeps its own.
        let _adopted = span.set_parent(Context::new().with_remote_span_context(parent));
    }

    fn current(&self) -> Option<TraceContext> {
        said(&Span::current().context())
    }

    fn fail(&self, span: &Span, code: &str) {
        span.set_status(Status::error(code.to_owned()));
    }
}

/// The context of a span, asked from within the subscriber.
pub(crate) fn of_span(id: &Id, subscriber: &Dispatch) -> Option<TraceContext> {
    said(&get_otel_context(id, subscriber)?)
}

fn said(context: &Context) -> Option<TraceContext> {
    let span = context.span();
    let said = span.span_context();
    if !said.is_valid() {
        return None;
    }
    let flags = u8::from(said.is_sampled());
    TraceContext::parse(&format!("00-{}-{}-{flags:02x}", said.trace_id(), said.span_id())).ok()
}
