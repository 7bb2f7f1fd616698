//! What reaches which layer.

use crate::config::LogFilter;
use tracing::{
    Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    EnvFilter,
    layer::{Context, Filter},
};

/// Libraries whose spans tell nothing of a job, or that send spans themselves.
const FOREIGN: [&str; 7] = ["h2", "hyper", "hyper_util", "opentelemetry", "rustls", "sqlx", "tokio"];

/// Libraries that tell on the side what the program tells in a sentence of its own: heard from warnings on, unless asked for.
const TALKATIVE: [&str; 3] = ["async_nats", "object_store", "sqlx"];

/// What becomes part of a trace: spans of ours from `info` on, and what went wrong in them.
pub(crate) fn is_traced(meta: &Metadata<'_>) -> bool {
    let level = if meta.is_span() { LevelFilter::INFO } else { LevelFilter::WARN };
    *meta.level() <= level && !FOREIGN.contains(&library_of(meta))
}

fn library_of<'a>(meta: &Metadata<'a>) -> &'a str {
    meta.target().split("::").next().unwrap_or_default()
}

/// The user's filter for events. Spans pass from `info` on, so that a warning says which request and which job it
/// belongs to although the filter is `warn`.
pub(crate) struct EventFilter {
    chosen: EnvFilter,
    is_off: bool,
    /// Libraries of which only warnings are wanted.
    hushed: Vec<&'static str>,
}

impl EventFilter {
    pub(crate) fn new(filter: &LogFilter) -> Self {
        let chosen = filter.build();
        let hushed = TALKATIVE.into_iter().filter(|library| !filter.names(library)).collect();
        Self { is_off: chosen.max_level_hint() == Some(LevelFilter::OFF), chosen, hushed }
    }

    fn is_hushed(&self, meta: &Metadata<'_>) -> bool {
        meta.is_event() && *meta.level() > LevelFilter::WARN && self.hushed.contains(&library_of(meta))
    }

    fn wants_span(&self, meta: &Metadata<'_>) -> bool {
        !self.is_off && meta.is_span() && *meta.level() <= LevelFilter::INFO
    }
}

impl<S: Subscriber> Filter<S> for EventFilter {
    fn enabled(&self, meta: &Metadata<'_>, cx: &Context<'_, S>) -> bool {
        !self.is_hushed(meta) && (self.wants_span(meta) || Filter::enabled(&self.chosen, meta, cx))
    }

    fn callsite_enabled(&self, meta: &'static Metadata<'static>) -> Interest {
        if self.is_hushed(meta) {
            return Interest::never();
        }
        let asked = Filter::<S>::callsite_enabled(&self.chosen, meta);
        if self.wants_span(meta) { Interest::always() } else { asked }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let chosen = Filter::<S>::max_level_hint(&self.chosen)?;
        Some(if self.is_off { chosen } else { chosen.max(LevelFilter::INFO) })
    }

    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        Filter::on_new_span(&self.chosen, attrs, id, cx);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        Filter::on_record(&self.chosen, id, values, cx);
    }

    fn on_enter(&self, id: &Id, cx: Context<'_, S>) {
        Filter::on_enter(&self.chosen, id, cx);
    }

    fn on_exit(&self, id: &Id, cx: Context<'_, S>) {
        Filter::on_exit(&self.chosen, id, cx);
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        Filter::on_close(&self.chosen, id, cx);
    }
}
