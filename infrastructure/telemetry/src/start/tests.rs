//! What is logged, and what a collector gets: a real one, as far as HTTP and OTLP go.

mod collector;

use super::*;
use crate::{OtelTraces, config::Sampling};
use application::ports::trace::{TraceContext, Traces};
use collector::{Received, Receiver, hex};
use serde_json::Value;
use std::{
    io::Write,
    net::TcpListener,
    sync::{Arc, Mutex},
};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
/// How long anything here may take; reached only when something is broken.
const LONG: Duration = Duration::from_secs(30);

#[test]
fn given_a_traceparent_then_the_collector_gets_its_children() {
    let collector = Receiver::start();
    let (current, request) = run(&collector, Log::default(), || {
        let request = tracing::info_span!("request", request_id = "r-1");
        OtelTraces.adopt(&request, &parent(PARENT));
        let _in_request = request.enter();
        let stage = tracing::info_span!("stage", stage = "translate");
        let _in_stage = stage.enter();
        OtelTraces.current()
    });
    assert_eq!(request.head.first().map(String::as_str), Some("POST /v1/traces HTTP/1.1"));
    assert!(request.head.contains(&"x-token: secret".to_owned()), "{:?}", request.head);
    assert_eq!(request.service(), "dragoman-test");
    let spans = request.spans();
    let find = |name: &str| spans.iter().find(|span| span.name == name).expect("the span was sent");
    let (request, stage) = (find("request"), find("stage"));
    assert_eq!(
        (hex(&request.trace_id).as_str(), hex(&request.parent_span_id).as_str()),
        (&PARENT[3..35], &PARENT[36..52])
    );
    assert_eq!((&stage.trace_id, &stage.parent_span_id), (&request.trace_id, &request.span_id));
    let current = current.expect("a span was current");
    assert_eq!(current.span_id(), hex(&stage.span_id));
    assert!(current.is_of_trace(&parent(PARENT)) && current.is_sampled());
}

#[test]
fn given_no_traceparent_then_a_trace_begins_here() {
    let collector = Receiver::start();
    let (current, request) =
        run(&collector, Log::default(), || tracing::info_span!("request").in_scope(|| OtelTraces.current()));
    let spans = request.spans();
    assert_eq!(spans.len(), 1);
    assert!(spans[0].parent_span_id.is_empty());
    assert_eq!(current.expect("a span was current").trace_id(), hex(&spans[0].trace_id));
}

#[test]
fn only_spans_of_ours_from_info_on_are_sent() {
    let collector = Receiver::start();
    let ((), request) = run(&collector, Log::default(), || {
        tracing::info_span!(target: "hyper::client", "foreign").in_scope(|| ());
        tracing::debug_span!("detail").in_scope(|| ());
        tracing::info_span!("ours").in_scope(|| {
            tracing::info!("all is well");
            tracing::warn!(code = "stage-failed", "a stage failed");
        });
    });
    let spans = request.spans();
    assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["ours"]);
    assert_eq!(spans[0].events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["a stage failed"]);
}

#[test]
fn given_no_collector_then_contexts_are_still_passed_on() {
    let (dispatch, telemetry) = build(&config(), io::sink, false).expect("telemetry");
    tracing::dispatcher::with_default(&dispatch, || {
        assert_eq!(OtelTraces.current(), None);
        for (given, is_sampled) in [(PARENT, true), (UNSAMPLED, false)] {
            let span = tracing::info_span!("request");
            OtelTraces.adopt(&span, &parent(given));
            let current = span.in_scope(|| OtelTraces.current()).expect("a span is current");
            assert!(current.is_of_trace(&parent(given)) && current.span_id() != &given[36..52]);
            assert_eq!(current.is_sampled(), is_sampled);
            // Too late: the span has begun.
            OtelTraces.adopt(&span, &parent(&PARENT.replacen("4b", "4c", 1)));
            assert_eq!(span.in_scope(|| OtelTraces.current()), Some(current));
        }
        let own = tracing::info_span!("request").in_scope(|| OtelTraces.current()).expect("a span is current");
        assert!(!own.is_sampled());
    });
    assert!(telemetry.stop(LONG));
}

#[test]
fn given_a_collector_that_is_gone_then_it_is_said_once_and_nothing_waits() {
    // Nobody listens on the lowest port, and no other test may get it.
    let mut config = TelemetryConfig { endpoint: "http://127.0.0.1:1".parse().ok(), ..config() };
    let log = Log::default();
    config.log_filter = "info".parse().expect("a filter");
    let (dispatch, telemetry) = build(&config, log.clone(), false).expect("telemetry");
    // The exporter's thread speaks to the subscriber of the process.
    tracing::dispatcher::set_global_default(dispatch).expect("the only test that needs it");
    for _ in 0..3 {
        // More than the queue holds: what does not fit is dropped, and nobody waits for room.
        for _ in 0..2 * QUEUE_MAX {
            tracing::info_span!("request").in_scope(|| ());
        }
        // What is still queued fails now; what is not has failed already.
        telemetry.provider.force_flush().ok();
    }
    assert!(telemetry.stop(LONG), "it ends although nothing was sent");
    // Other tests' collectors fail in other ways, and may speak to this subscriber, too.
    let is_refusal = |line: &Value| line["fields"]["reason"].as_str().is_some_and(|text| text.contains("refused"));
    let lines: Vec<Value> = log.lines().into_iter().filter(is_refusal).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0]["message"].as_str().is_some_and(|text| text.contains("does not take spans")), "{lines:?}");
}

#[test]
fn given_a_collector_that_hangs_then_stopping_is_bounded() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its number");
    let config = TelemetryConfig { endpoint: format!("http://{address}").parse().ok(), ..config() };
    let (dispatch, telemetry) = build(&config, io::sink, false).expect("telemetry");
    tracing::dispatcher::with_default(&dispatch, || tracing::info_span!("request").in_scope(|| ()));
    assert!(!telemetry.stop(Duration::from_millis(50)), "it says that something was left");
}

#[test]
fn given_json_then_a_line_tells_spans_ids_and_trace() {
    let log = Log::default();
    let mut config = config();
    // Spans are told although the filter is for warnings.
    config.log_filter = "warn".parse().expect("a filter");
    let (dispatch, _telemetry) = build(&config, log.clone(), false).expect("telemetry");
    tracing::dispatcher::with_default(&dispatch, || {
        let request =
            tracing::info_span!("request", request_id = "r-1", stage = "none", status = tracing::field::Empty);
        OtelTraces.adopt(&request, &parent(PARENT));
        let _in_request = request.enter();
        let _in_stage = tracing::info_span!("stage", correlation_id = %"d-1", stage = "mix", attempt = 2).entered();
        request.record("status", 202);
        tracing::info!("not asked for");
        tracing::warn!(code = "stage-failed", retries = 3_u64, share = 0.5, is_last = false, what = ?Some(1), "it \"failed\"\n");
    });
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    let expected = serde_json::json!({
        "timestamp": line["timestamp"], "span_id": line["span_id"],
        "level": "WARN", "target": module_path!(), "message": "it \"failed\"\n",
        "request_id": "r-1", "correlation_id": "d-1", "trace_id": &PARENT[3..35],
        "fields": { "code": "stage-failed", "retries": 3, "share": 0.5, "is_last": false, "what": "Some(1)" },
        "span": { "names": ["request", "stage"], "stage": "mix", "attempt": 2, "status": 202 },
    });
    assert_eq!(line, &expected);
    let time = line["timestamp"].as_str().expect("a time");
    assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
    assert_eq!(line["span_id"].as_str().map(str::len), Some(16));
}

#[test]
fn given_an_error_then_the_line_tells_all_its_causes() {
    let log = Log::default();
    let config = TelemetryConfig { log_filter: "info".parse().expect("a filter"), ..config() };
    let (dispatch, _telemetry) = build(&config, log.clone(), false).expect("telemetry");
    tracing::dispatcher::with_default(&dispatch, || {
        let _in_request = tracing::info_span!("request", correlation_id = "of the span").entered();
        let error = TelemetryError::Runtime(io::Error::other("no more threads"));
        tracing::warn!(correlation_id = "d-1", error = &error as &dyn std::error::Error, "it failed");
    });
    let line = &log.lines()[0];
    assert_eq!(line["fields"]["error"], "the exporter of traces could not be started: no more threads");
    assert_eq!(line["correlation_id"], "d-1", "what the event says is the most exact");
    assert!(line["fields"].get("correlation_id").is_none(), "{line}");
}

#[test]
fn given_a_span_that_failed_then_the_collector_is_told() {
    let collector = Receiver::start();
    let ((), request) = run(&collector, Log::default(), || {
        let span = tracing::info_span!("stage", outcome = tracing::field::Empty);
        span.in_scope(|| span.record("outcome", "failed"));
        OtelTraces.fail(&span, "engine-missing");
        tracing::info_span!("other").in_scope(|| ());
    });
    let statuses: Vec<(String, i32, String)> = request
        .spans()
        .into_iter()
        .map(|span| (span.name, span.status.as_ref().map_or(0, |it| it.code), span.status.unwrap_or_default().message))
        .collect();
    let failed = opentelemetry_proto::tonic::trace::v1::status::StatusCode::Error as i32;
    assert!(statuses.contains(&("stage".to_owned(), failed, "engine-missing".to_owned())), "{statuses:?}");
    assert!(statuses.contains(&("other".to_owned(), 0, String::new())), "{statuses:?}");
}

#[test]
fn given_an_event_outside_of_spans_then_its_line_is_short() {
    let log = Log::default();
    let config = TelemetryConfig { log_filter: "info".parse().expect("a filter"), ..config() };
    let (dispatch, _telemetry) = build(&config, log.clone(), false).expect("telemetry");
    tracing::dispatcher::with_default(&dispatch, || tracing::info!("ready"));
    let lines = log.lines();
    let mut keys: Vec<&str> = lines[0].as_object().expect("an object").keys().map(String::as_str).collect();
    // Whether objects keep an order depends on what else is built with this.
    keys.sort_unstable();
    assert_eq!(keys, ["level", "message", "target", "timestamp"]);
}

#[test]
fn the_filter_decides_what_is_logged() {
    check("off", LogFormat::Json, 0);
    check("warn", LogFormat::Json, 1);
    check("info", LogFormat::Json, 2);
    check("warn,telemetry=info", LogFormat::Json, 2);
    check("info,telemetry=off", LogFormat::Json, 0);
    // What libraries tell on the side is heard by those who ask for it.
    check("info,async_nats=info", LogFormat::Json, 3);
    check("off", LogFormat::Text, 0);
    check("info", LogFormat::Text, 2);

    fn check(filter: &str, log_format: LogFormat, lines: usize) {
        let log = Log::default();
        let config = TelemetryConfig { log_filter: filter.parse().expect("a filter"), log_format, ..config() };
        let (dispatch, _telemetry) = build(&config, log.clone(), false).expect("telemetry");
        tracing::dispatcher::with_default(&dispatch, || {
            let _in_request = tracing::info_span!("request", request_id = "r-1").entered();
            tracing::info!("begun");
            tracing::warn!("slow");
            tracing::info!(target: "async_nats::connector", "trying");
        });
        let text = log.text();
        assert_eq!(text.lines().count(), lines, "{filter}: {text}");
        assert!(text.lines().all(|line| line.contains("r-1")), "{text}");
    }
}

fn config() -> TelemetryConfig {
    TelemetryConfig {
        log_format: LogFormat::Json,
        log_filter: crate::LogFilter::default(),
        endpoint: None,
        headers: vec![("x-token".to_owned(), "secret".to_owned())],
        service_name: "dragoman-test".to_owned(),
        service_version: "1".to_owned(),
        sampling: Sampling::ALL,
    }
}

fn at(receiver: &Receiver) -> TelemetryConfig {
    TelemetryConfig { endpoint: receiver.endpoint().parse().ok(), ..config() }
}

fn parent(text: &str) -> TraceContext {
    TraceContext::parse(text).expect("a traceparent")
}

/// Does something, stops telemetry, and returns what was sent.
fn run<T>(collector: &Receiver, log: Log, work: impl FnOnce() -> T) -> (T, Received) {
    let (dispatch, telemetry) = build(&at(collector), log, false).expect("telemetry");
    let done = tracing::dispatcher::with_default(&dispatch, work);
    assert!(telemetry.stop(LONG), "all was sent");
    (done, collector.next(LONG).expect("a request"))
}

/// A log that can be read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("the log").clone()).expect("text")
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the log").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
