//! Where a piece of work stands in a distributed trace: the context that commands, events and work carry along.
//!
//! The context is a value, checked and pure. Who opens spans, samples and exports is an adapter behind [`Traces`];
//! nothing here knows OpenTelemetry.

use std::{fmt, str::FromStr};
use thiserror::Error;

/// Length of a traceparent: `00-<32 hex>-<16 hex>-<2 hex>`.
const LEN: usize = 55;

/// A W3C `traceparent` of version 00: 55 characters, lower-case hex, neither id all zeros.
///
/// Grammar and rules: <https://www.w3.org/TR/trace-context/>, section 3.2.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext(String);

/// The text is not a traceparent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a W3C traceparent")]
pub struct InvalidTraceparent;

impl TraceContext {
    /// Reads a header. A version after 00 is read as 00, as the standard asks for; what follows its four fields is
    /// dropped. A caller whose header cannot be read begins a trace of its own.
    pub fn parse(text: &str) -> Result<Self, InvalidTraceparent> {
        let (head, rest) = text.split_at_checked(LEN).ok_or(InvalidTraceparent)?;
        let fields: Vec<&str> = head.split('-').collect();
        let [version, trace_id, span_id, flags] = fields[..] else { return Err(InvalidTraceparent) };
        let widths = [(version, 2), (trace_id, 32), (span_id, 16), (flags, 2)];
        let is_sound = widths.iter().all(|(field, width)| field.len() == *width && is_hex(field))
            && version != "ff"
            && !is_zero(trace_id)
            && !is_zero(span_id)
            && (rest.is_empty() || (version != "00" && rest.starts_with('-')));
        is_sound.then(|| Self(format!("00-{trace_id}-{span_id}-{flags}"))).ok_or(InvalidTraceparent)
    }

    /// The trace: 32 hex digits.
    pub fn trace_id(&self) -> &str {
        self.0.get(3..35).unwrap_or_default()
    }

    /// The span that whatever carries this is a child of: 16 hex digits.
    pub fn span_id(&self) -> &str {
        self.0.get(36..52).unwrap_or_default()
    }

    /// Whether the caller records its part of the trace.
    pub fn is_sampled(&self) -> bool {
        self.0.get(53..).and_then(|flags| u8::from_str_radix(flags, 16).ok()).is_some_and(|flags| flags & 1 == 1)
    }

    /// The same trace, seen from another span of it. `None` for the id zero, which names no span.
    #[must_use]
    pub fn child(&self, span_id: u64) -> Option<Self> {
        let flags = self.0.get(53..).unwrap_or("00");
        (span_id != 0).then(|| Self(format!("00-{}-{span_id:016x}-{flags}", self.trace_id())))
    }

    /// Whether both belong to one trace.
    pub fn is_of_trace(&self, other: &Self) -> bool {
        self.trace_id() == other.trace_id()
    }

    /// As the header says it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTraceparent;

    fn from_str(text: &str) -> Result<Self, InvalidTraceparent> {
        Self::parse(text)
    }
}

/// Ties the spans of `tracing` to the contexts that cross processes and time. Never fails and never blocks: tracing
/// is an aid, and its absence changes no result.
pub trait Traces: Send + Sync {
    /// Makes a span a child of a context from elsewhere. To be called before the span is entered; later it is ignored.
    fn adopt(&self, span: &tracing::Span, parent: &TraceContext);

    /// The context of the span that is current here; `None` outside of every span.
    fn current(&self) -> Option<TraceContext>;

    /// Marks a span as one that failed. `code` is a stable word, nothing personal.
    fn fail(&self, span: &tracing::Span, code: &str);
}

/// No traces: what is adopted is forgotten, and nothing is ever current.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTraces;

impl Traces for NoTraces {
    fn adopt(&self, _span: &tracing::Span, _parent: &TraceContext) {}

    fn current(&self) -> Option<TraceContext> {
        None
    }

    fn fail(&self, _span: &tracing::Span, _code: &str) {}
}

fn is_hex(field: &str) -> bool {
    field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(field: &str) -> bool {
    field.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests;
