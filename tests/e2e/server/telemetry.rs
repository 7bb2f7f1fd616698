//! Traces and logs of a server, as a collector and whoever reads its standard error get them.

#[path = "../../../infrastructure/telemetry/src/start/tests/collector.rs"]
mod collector;

use super::{is_completed, rig::Server};
use crate::support::{clip, clip_transcript};
use collector::{Receiver, hex};
use opentelemetry_proto::tonic::{common::v1::any_value::Value as OtlpValue, trace::v1::Span};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// One trace for the upload, another one for the order.
const UPLOAD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ORDER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// The longest wait for spans.
const PATIENCE: Duration = Duration::from_secs(60);

/// Spans of one trace.
struct Trace<'a>(Vec<&'a Span>);

impl<'a> Trace<'a> {
    fn of(spans: &'a [Span], traceparent: &str) -> Self {
        Self(spans.iter().filter(|span| hex(&span.trace_id) == traceparent[3..35]).collect())
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &'a Span> {
        self.0.iter().filter(move |span| span.name == name).copied()
    }

    /// The request that the client sent with this traceparent.
    #[track_caller]
    fn request(&self, traceparent: &str) -> &'a Span {
        let parent = |span: &&Span| hex(&span.parent_span_id) == traceparent[36..52];
        let mut found = self.named("request").filter(parent);
        let request = found.next().expect("the request was told of");
        assert!(found.next().is_none(), "once");
        request
    }

    /// The span whose child this is, by its name.
    #[track_caller]
    fn parent(&self, span: &Span) -> &'a Span {
        let parent = self.0.iter().find(|other| other.span_id == span.parent_span_id);
        parent.unwrap_or_else(|| panic!("{} has no parent in its trace", span.name))
    }
}

fn text(span: &Span, name: &str) -> Option<String> {
    let value = span.attributes.iter().find(|pair| pair.key == name)?.value.clone()?.value?;
    match value {
        OtlpValue::StringValue(text) => Some(text),
        OtlpValue::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A dubbing of the asset into Spanish, ordered within a trace; its id.
fn order(server: &Server, asset: &str, traceparent: &str) -> String {
    let transcript = fs::read_to_string(clip_transcript()).expect("the transcript");
    let wanted = json!({
        "asset": asset, "source_language": "en", "target_languages": ["es"], "transcript": { "text": transcript },
    });
    let request = server.ask(Method::POST, "/v1/dubbings").header("traceparent", traceparent);
    let answer = server.answer(request.header("content-type", "application/json").body(wanted.to_string()));
    assert_eq!(answer.header("traceparent")[3..35], traceparent[3..35], "the answer names the trace");
    answer.json(StatusCode::ACCEPTED)["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_trace_goes_from_the_request_over_events_and_queue_to_stages_and_children() {
    let collector = Receiver::start();
    let mut server = Server::start_with(vec![("DRAGOMAN_TELEMETRY__OTLP_ENDPOINT", collector.endpoint().to_owned())]);
    let asset = server.upload_with(clip(), |request| request.header("traceparent", UPLOAD));
    let dubbing = order(&server, &asset, ORDER);
    server.events_until(&dubbing, 0, is_completed);
    engines_go_by_their_names(&server);
    assert_eq!(server.stop(), Some(0), "what waits is sent");
    let mut spans = Vec::new();
    let began = Instant::now();
    let is_whole = |spans: &[Span]| Trace::of(spans, ORDER).named("stage").count() >= super::STAGES.len();
    while !is_whole(&spans) && began.elapsed() < PATIENCE {
        let batch = collector.next(PATIENCE).expect("more spans");
        assert_eq!(batch.head.first().map(String::as_str), Some("POST /v1/traces HTTP/1.1"));
        assert_eq!(batch.service(), "dragoman");
        spans.extend(batch.spans());
    }

    let upload = Trace::of(&spans, UPLOAD);
    let request = upload.request(UPLOAD);
    assert_eq!(text(request, "correlation_id").as_ref(), Some(&asset));
    let look = upload.named("asset").next().expect("the desk's look");
    assert_eq!((&look.parent_span_id, text(look, "correlation_id")), (&request.span_id, Some(asset)));
    assert_eq!(text(look, "outcome").as_deref(), Some("ready"));
    assert!(upload.named("child").count() >= 2, "it is looked into and listened to");
    assert!(upload.named("child").all(|child| upload.parent(child).span_id == look.span_id));

    let ordered = Trace::of(&spans, ORDER);
    let request = ordered.request(ORDER);
    assert_eq!(
        (text(request, "route").as_deref(), text(request, "status").as_deref()),
        (Some("/v1/dubbings"), Some("202"))
    );
    let stages: BTreeSet<String> = ordered.named("stage").filter_map(|stage| text(stage, "stage")).collect();
    assert_eq!(stages, super::set(&super::STAGES));
    for stage in ordered.named("stage") {
        assert_eq!(stage.parent_span_id, request.span_id, "{stage:?}");
        assert_eq!(text(stage, "correlation_id").as_ref(), Some(&dubbing));
        assert_eq!(text(stage, "outcome").as_deref(), Some("done"));
    }
    children_belong_to_their_stages(&ordered);
    events_carry_the_trace(&server, &dubbing);
}

#[track_caller]
fn children_belong_to_their_stages(trace: &Trace<'_>) {
    let mut of_stages = BTreeSet::new();
    for child in trace.named("child") {
        let stage = trace.parent(child);
        if stage.name == "request" {
            // Whether the order can be carried out is asked of programs, too.
            continue;
        }
        assert_eq!(stage.name, "stage");
        let program = text(child, "program").expect("a program");
        assert!(!program.contains('/'), "{program}: a folder may hold a name");
        assert_eq!((text(child, "outcome").as_deref(), text(child, "exit").as_deref()), (Some("done"), Some("0")));
        of_stages.extend(text(stage, "stage"));
    }
    for stage in ["ingest", "translate", "synthesise", "mux", "sign"] {
        assert!(of_stages.contains(stage), "{stage} starts programs: {of_stages:?}");
    }
}

/// Measures name engines as the engines name themselves.
#[track_caller]
fn engines_go_by_their_names(server: &Server) {
    let engines = server.get("/v1/engines").json(StatusCode::OK)["items"].clone();
    let known: BTreeSet<&str> =
        engines.as_array().expect("a list").iter().filter_map(|engine| engine["name"].as_str()).collect();
    let text = String::from_utf8(server.get("/metrics").bytes(StatusCode::OK)).expect("text");
    let calls = text.lines().filter_map(|line| line.strip_prefix("dragoman_engine_call_duration_seconds_count{"));
    let called: BTreeSet<&str> =
        calls.filter_map(|line| line.split_once("engine=\"")?.1.split_once('"')).map(|(name, _)| name).collect();
    assert!(called.is_subset(&known), "{called:?} of {known:?}");
    for engine in ["gstreamer", "none", "apertium", "espeak-ng", "ducking", "c2pa"] {
        assert!(called.contains(engine), "{engine}: {called:?}");
    }
}

#[track_caller]
fn events_carry_the_trace(server: &Server, dubbing: &str) {
    let mut streams = BTreeSet::new();
    for event in server.user.events(dubbing) {
        let traceparent = event["traceparent"].as_str().unwrap_or_else(|| panic!("{event}"));
        assert_eq!(traceparent[3..35], ORDER[3..35], "{event}");
        streams.extend(event["stream"].as_str().map(str::to_owned));
    }
    assert_eq!(streams.len(), 2, "the dubbing and its track: {streams:?}");
}

/// The lines of a log in JSON: whatever is on standard error.
fn lines(server: &Server) -> Vec<Value> {
    let text = server.complaints();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn without_configuration_the_log_tells_beginning_end_and_failures() {
    // Set to nothing is not set.
    let chosen = [("DRAGOMAN_LOG", String::new()), ("DRAGOMAN_TELEMETRY__LOG_FORMAT", "json".to_owned())];
    let mut server = Server::start_with(chosen.to_vec());
    let asset = server.upload(clip());
    remove_files(&server.user.data().join("blobs"));
    let dubbing = order(&server, &asset, ORDER);
    server.wait("the dubbing stands still", || {
        server.get(&format!("/v1/dubbings/{dubbing}")).json(StatusCode::OK)["problem"]["code"] == "input-missing"
    });
    assert_eq!(server.stop(), Some(0));
    let lines = lines(&server);
    let said = |message: &str| lines.iter().find(|line| line["message"].as_str() == Some(message));
    let failed = said("an attempt failed").unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!((&failed["level"], &failed["fields"]["code"]), (&json!("WARN"), &json!("input-missing")));
    assert_eq!(failed["correlation_id"], json!(dubbing));
    assert_eq!(failed["trace_id"], ORDER[3..35]);
    assert_eq!((&failed["span"]["names"], &failed["span"]["stage"]), (&json!(["stage"]), &json!("ingest")));
    assert!(said("serving").is_some_and(|line| line["fields"]["address"].is_string()), "{lines:?}");
    assert!(said("stopped at safe points").is_some(), "{lines:?}");
    let text = server.complaints();
    let home = server.user.folder().to_string_lossy().into_owned();
    for personal in ["Aurelia", "Bartholomew", "river", "clip.mp4", &home] {
        assert!(!text.contains(personal), "{personal}: {text}");
    }
    // A busy machine makes the database's library speak of slow statements.
    let ours = lines.iter().filter(|line| line["target"].as_str().is_some_and(|target| !target.starts_with("sqlx")));
    assert!(ours.count() <= 12, "few lines, all of use: {text}");
}

/// All files below a folder, which stays.
fn remove_files(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { remove_files(&path) } else { fs::remove_file(&path).expect("it is removed") }
    }
}
