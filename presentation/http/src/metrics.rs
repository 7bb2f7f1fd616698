//! What is measured, and `GET /metrics`.
//!
//! Others register families of their own in [`Metrics::register`]; names end in their unit, and counters in nothing:
//! `_total` is added when they are written.

use crate::{
    api::Api,
    extract::{Nothing, Query},
    problem::Problem,
    rate::RatePolicy,
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// The registry, and the measures of this crate. Cloning is cheap.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<RwLock<Registry>>,
    http: HttpMetrics,
}

/// Rate, errors and duration of requests, by route.
#[derive(Clone)]
pub struct HttpMetrics {
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
    running: Gauge,
    limited: Family<Limit, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limit {
    policy: &'static str,
}

/// A request that has no answer yet.
pub(crate) struct Running<'a>(&'a HttpMetrics);

impl Default for Metrics {
    fn default() -> Self {
        let seconds = Family::new_with_constructor(buckets as fn() -> Histogram);
        let http = HttpMetrics { seconds, running: Gauge::default(), limited: Family::default() };
        // Each is there from the start: what begins with its first 1 cannot be told to have grown.
        RatePolicy::ALL.iter().for_each(|policy| drop(http.limited.get_or_create(&Limit::of(*policy))));
        let mut registry = Registry::with_prefix("dragoman");
        let seconds = http.seconds.clone();
        registry.register("http_request_duration_seconds", "Time until an answer begins, by route", seconds);
        registry.register("http_requests_running", "Requests that have no answer yet", http.running.clone());
        registry.register("rate_limited", "Requests refused because there were too many", http.limited.clone());
        Self { registry: Arc::new(RwLock::new(registry)), http }
    }
}

impl Metrics {
    /// Adds families. Names get the prefix `dragoman_`.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The measures of requests.
    pub fn http(&self) -> &HttpMetrics {
        &self.http
    }

    /// Everything, in the format of OpenMetrics 1.0.
    pub fn open_metrics(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.read().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}

impl HttpMetrics {
    /// A request has come.
    pub(crate) fn begin(&self) -> Running<'_> {
        self.running.inc();
        Running(self)
    }

    /// A request was refused: there were too many.
    pub(crate) fn rate_limited(&self, policy: RatePolicy) {
        self.limited.get_or_create(&Limit::of(policy)).inc();
    }
}

impl Limit {
    fn of(policy: RatePolicy) -> Self {
        Self { policy: policy.name() }
    }
}

impl Running<'_> {
    /// Its answer begins.
    pub(crate) fn end(self, route: &str, method: &'static str, status: u16, took: Duration) {
        let labels = Labels { route: route.to_owned(), method, status };
        self.0.seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.dec();
    }
}

fn buckets() -> Histogram {
    Histogram::new([0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0])
}

/// Measures for Prometheus
///
/// In the format of OpenMetrics where the client asks for it, in the older text format otherwise.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses(
    (status = 200, description = "All measures", body = String, content_type = "text/plain"),
))]
pub(crate) async fn metrics(
    State(api): State<Api>,
    Query(Nothing {}): Query<Nothing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    exposition(&api.metrics, &headers)
}

/// All measures, in the format that the client asks for.
pub(crate) fn exposition(metrics: &Metrics, headers: &HeaderMap) -> Result<Response, Problem> {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_open = accepted.contains("application/openmetrics-text");
    let text = metrics.open_metrics().map_err(Problem::internal)?;
    let (media_type, text) = if is_open {
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", text)
    } else {
        ("text/plain; version=0.0.4; charset=utf-8", older(&text))
    };
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], text).into_response())
}

/// OpenMetrics as the older text format: counters are named as their samples are, and nothing follows the last one.
fn older(open: &str) -> String {
    let counters: Vec<&str> =
        open.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut text = String::with_capacity(open.len());
    for line in open.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
        let about = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE "));
        match about.and_then(|about| about.split_once(' ')) {
            Some((name, rest)) if counters.contains(&name) => {
                let kind = &line[..7];
                text.extend([kind, name, "_total ", rest]);
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_one_name_in_the_older_format() {
        let metrics = Metrics::default();
        let counter: Counter = Counter::default();
        counter.inc();
        metrics.register(|registry| registry.register("runs", "Runs", counter));
        metrics.http().begin().end("/a", "GET", 200, Duration::from_millis(3));
        let open = metrics.open_metrics().expect("a text");
        assert!(open.contains("# TYPE dragoman_runs counter\ndragoman_runs_total 1\n") && open.ends_with("# EOF\n"));
        let older = older(&open);
        assert!(older.contains("# HELP dragoman_runs_total Runs.\n# TYPE dragoman_runs_total counter\n"), "{older}");
        assert!(older.contains("dragoman_runs_total 1\n") && !older.contains("# EOF"));
        let labels = r#"route="/a",method="GET",status="200""#;
        assert!(older.contains(&format!("dragoman_http_request_duration_seconds_count{{{labels}}} 1\n")), "{older}");
        assert!(older.contains("dragoman_http_requests_running 0\n"));
    }
}
