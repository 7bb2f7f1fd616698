//! What is logged, and what a collector gets: a real one, as far as HTTP and OTLP go.

use super::*;
use crate::{OtelTraces, config::Sampling};
use application::ports::trace::{TraceContext, Traces};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value as OtlpValue, trace::v1::Span,
};
use prost::Message;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
/// How long anything here may take; reached only when something is broken.
const LONG: Duration = Duration::from_secs(30);

#[test]
fn given_a_traceparent_then_the_collector_gets_its_children() {
    let collector = Receiver::start("200 OK");
    let (current, request) = run(&at(&collector), Log::default(), || {
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
    let collector = Receiver::start("200 OK");
    let (current, request) =
        run(&at(&collector), Log::default(), || tracing::info_span!("request").in_scope(|| OtelTraces.current()));
    let spans = request.spans();
    assert_eq!(spans.len(), 1);
    assert!(spans[0].parent_span_id.is_empty());
    assert_eq!(current.expect("a span was current").trace_id(), hex(&spans[0].trace_id));
}

#[test]
fn only_spans_of_ours_from_info_on_are_sent() {
    let collector = Receiver::start("200 OK");
    let ((), request) = run(&at(&collector), Log::default(), || {
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
    let (dispatch, telemetry) = build(&config(), io::sink).expect("telemetry");
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
    let (dispatch, telemetry) = build(&config, log.clone()).expect("telemetry");
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
    let (dispatch, telemetry) = build(&config, io::sink).expect("telemetry");
    tracing::dispatcher::with_default(&dispatch, || tracing::info_span!("request").in_scope(|| ()));
    assert!(!telemetry.stop(Duration::from_millis(50)), "it says that something was left");
}

#[test]
fn given_json_then_a_line_tells_spans_ids_and_trace() {
    let log = Log::default();
    let mut config = config();
    // Spans are told although the filter is for warnings.
    config.log_filter = "warn".parse().expect("a filter");
    let (dispatch, _telemetry) = build(&config, log.clone()).expect("telemetry");
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
fn given_an_event_outside_of_spans_then_its_line_is_short() {
    let log = Log::default();
    let config = TelemetryConfig { log_filter: "info".parse().expect("a filter"), ..config() };
    let (dispatch, _telemetry) = build(&config, log.clone()).expect("telemetry");
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
    check("off", LogFormat::Text, 0);
    check("info", LogFormat::Text, 2);

    fn check(filter: &str, log_format: LogFormat, lines: usize) {
        let log = Log::default();
        let config = TelemetryConfig { log_filter: filter.parse().expect("a filter"), log_format, ..config() };
        let (dispatch, _telemetry) = build(&config, log.clone()).expect("telemetry");
        tracing::dispatcher::with_default(&dispatch, || {
            let _in_request = tracing::info_span!("request", request_id = "r-1").entered();
            tracing::info!("begun");
            tracing::warn!("slow");
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
    TelemetryConfig { endpoint: receiver.address.parse().ok(), ..config() }
}

fn parent(text: &str) -> TraceContext {
    TraceContext::parse(text).expect("a traceparent")
}

/// Does something, stops telemetry, and returns what was sent.
fn run<T>(config: &TelemetryConfig, log: Log, work: impl FnOnce() -> T) -> (T, Received) {
    let (dispatch, telemetry) = build(config, log).expect("telemetry");
    let done = tracing::dispatcher::with_default(&dispatch, work);
    assert!(telemetry.stop(LONG), "all was sent");
    let requests = RECEIVED.with(|received| received.borrow_mut().take()).expect("a receiver was started");
    (done, requests.recv_timeout(LONG).expect("a request"))
}

thread_local! {
    static RECEIVED: std::cell::RefCell<Option<mpsc::Receiver<Received>>> = const { std::cell::RefCell::new(None) };
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A collector: takes requests until the test ends.
struct Receiver {
    address: String,
}

/// One request.
struct Received {
    head: Vec<String>,
    body: ExportTraceServiceRequest,
}

impl Receiver {
    fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("its number"));
        let (sender, receiver) = mpsc::channel();
        RECEIVED.with(|received| received.replace(Some(receiver)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let received = take(stream.expect("a connection"), status);
                if sender.send(received).is_err() {
                    break;
                }
            }
        });
        Self { address }
    }
}

impl Received {
    fn spans(&self) -> Vec<Span> {
        let scopes = self.body.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    fn service(&self) -> String {
        let attributes = self.body.resource_spans.iter().filter_map(|spans| spans.resource.as_ref());
        let mut named = attributes.flat_map(|resource| &resource.attributes).filter(|pair| pair.key == "service.name");
        match named.next().and_then(|pair| pair.value.clone()).and_then(|value| value.value) {
            Some(OtlpValue::StringValue(name)) => name,
            other => panic!("{other:?}"),
        }
    }
}

fn take(stream: TcpStream, status: &str) -> Received {
    let mut reader = BufReader::new(&stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    reader.read_exact(&mut body).expect("the body");
    write!(&stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").expect("an answer");
    Received { head, body: ExportTraceServiceRequest::decode(&body[..]).expect("OTLP") }
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
