//! Log lines for machines: one JSON object per event.
//!
//! `timestamp`, `level`, `target`, `message`; `request_id` and `correlation_id` of the event, else of the innermost span
//! that has them;
//! `trace_id` and `span_id` of the trace; `fields` of the event; `span`: its names from the outermost on, and the
//! other fields of all its spans, inner ones over outer ones. What is not there is left out.

use crate::traces;
use application::causes::with_causes;
use serde_json::{Map, Value, json};
use std::{error::Error, fmt, io::Write, sync::OnceLock};
use tracing::{
    Dispatch, Event, Subscriber,
    dispatcher::WeakDispatch,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    fmt::{
        MakeWriter,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    layer::Context,
    registry::{LookupSpan, Scope},
};

/// Ids that logs are searched by stand at the top.
const TOP: [&str; 2] = ["request_id", "correlation_id"];

/// Writes each event to `writer`, whole lines at once.
pub(crate) struct JsonLogs<W> {
    writer: W,
    /// Whoever knows the traces of the spans; weak, since it owns this layer.
    subscriber: OnceLock<WeakDispatch>,
}

impl<W> JsonLogs<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self { writer, subscriber: OnceLock::new() }
    }
}

/// The fields of one span, kept with it.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl<S, W> Layer<S> for JsonLogs<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        // The first one stays: a layer belongs to one subscriber.
        let _first = self.subscriber.set(subscriber.downgrade());
    }

    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        if let Some(span) = cx.span(id) {
            let mut fields = Fields::default();
            attrs.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        if let Some(span) = cx.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let meta = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), Value::String(now()));
        line.insert("level".to_owned(), json!(meta.level().as_str()));
        line.insert("target".to_owned(), json!(meta.target()));
        line.extend(fields.0.remove_entry("message"));
        let own = TOP.map(|name| fields.0.remove_entry(name));
        if let Some(span) = cx.event_span(event) {
            self.name_trace(&span.id(), &mut line);
        }
        if let Some(scope) = cx.event_scope(event) {
            tell_spans(scope, &mut line);
        }
        // What the event itself says is the most exact.
        line.extend(own.into_iter().flatten());
        if !fields.0.is_empty() {
            line.insert("fields".to_owned(), Value::Object(fields.0));
        }
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        // Nobody is left to tell when the log itself cannot be written.
        let _told = self.writer.make_writer_for(meta).write_all(text.as_bytes());
    }
}

impl<W> JsonLogs<W> {
    fn name_trace(&self, span: &Id, line: &mut Map<String, Value>) {
        let subscriber = self.subscriber.get().and_then(WeakDispatch::upgrade);
        if let Some(context) = subscriber.and_then(|subscriber| traces::of_span(span, &subscriber)) {
            line.insert("trace_id".to_owned(), json!(context.trace_id()));
            line.insert("span_id".to_owned(), json!(context.span_id()));
        }
    }
}

fn tell_spans<'a, S: Subscriber + LookupSpan<'a>>(scope: Scope<'a, S>, line: &mut Map<String, Value>) {
    let (mut names, mut told) = (Vec::new(), Map::new());
    for span in scope.from_root() {
        names.push(json!(span.name()));
        if let Some(fields) = span.extensions().get::<Fields>() {
            told.extend(fields.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    for name in TOP {
        line.extend(told.remove_entry(name));
    }
    told.insert("names".to_owned(), Value::Array(names));
    line.insert("span".to_owned(), Value::Object(told));
}

/// RFC 3339, UTC, microseconds.
fn now() -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _written = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        // A field that is called like a key word of Rust is written `r#type`.
        let name = field.name().trim_start_matches("r#");
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, with_causes(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}
