//! The server from outside: from upload to download, a corrected line, and kills in every stage.

mod rig;

use crate::support::{clip, clip_transcript, sample};
use reqwest::{Method, StatusCode};
use rig::{Event, Server};
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};

/// Orders the file in these languages, with its transcript; the dubbing's id.
fn order(server: &Server, asset: &str, transcript: &std::path::Path, languages: &[&str]) -> String {
    let text = fs::read_to_string(transcript).expect("the transcript");
    let wanted = json!({
        "asset": asset,
        "source_language": "en",
        "target_languages": languages,
        "transcript": { "text": text },
    });
    let answer = server.post("/v1/dubbings", &wanted);
    let dubbing = answer.json(StatusCode::ACCEPTED)["id"].as_str().expect("an id").to_owned();
    assert_eq!(answer.header("location"), format!("/v1/dubbings/{dubbing}"));
    dubbing
}

fn is_completed(event: &Event) -> bool {
    event.kind == "dubbing.completed"
}

/// What stages made, after their last reopening.
fn made(events: &[Event], stage: &str, language: &str) -> Vec<(u64, u64)> {
    let of_stage = |event: &&Event| {
        event.kind == "stage.completed" && event.data["stage"] == stage && event.data["language"] == language
    };
    let number = |event: &Event, name: &str| event.data["data"][name].as_u64().expect("a number");
    events.iter().filter(of_stage).map(|event| (number(event, "made"), number(event, "reused"))).collect()
}

#[test]
fn from_upload_over_a_corrected_line_to_download() {
    let mut server = Server::start();
    let asset = server.upload(sample());
    let dubbing = order(&server, &asset, &sample().with_extension("vtt"), &["es", "ca"]);
    let events = server.events_until(&dubbing, 0, is_completed);
    let positions: Vec<u64> = events.iter().map(|event| event.position).collect();
    assert!(positions.is_sorted_by(|before, after| before < after), "in order, and each once");
    for language in ["es", "ca"] {
        let published =
            events.iter().filter(|event| event.kind == "track.published" && event.data["language"] == language);
        assert_eq!(published.count(), 1);
    }
    let seen = positions.last().copied().unwrap_or_default();
    let track = format!("/v1/dubbings/{dubbing}/tracks/es");
    let before = server.sound(&dubbing, "es");
    let catalan = server.get(&format!("/v1/dubbings/{dubbing}/tracks/ca/video")).header("etag");

    let lines = server.get(&format!("{track}/utterances"));
    let tag = lines.header("etag");
    let lines = lines.json(StatusCode::OK)["items"].as_array().expect("lines").clone();
    let line = &lines[lines.len() / 2];
    let id = line["id"].as_str().expect("an id");
    let nothing = server.answer(server.ask(Method::POST, &format!("{track}/regenerate")));
    assert_eq!(nothing.json(StatusCode::CONFLICT)["code"], "nothing-stale");
    let change = json!({ "translation": "Todo esto cabe." }).to_string();
    let patch = server.ask(Method::PATCH, &format!("{track}/utterances/{id}"));
    let patch = patch.header("if-match", tag).header("content-type", "application/json").body(change);
    let changed = server.answer(patch);
    let position = changed.header("dragoman-position");
    assert_eq!(changed.json(StatusCode::OK)["stale"], true);
    let read = server.get(&format!("{track}?min_position={position}")).json(StatusCode::OK);
    assert_eq!(read["state"], "stale", "{read}");
    let dry = server.answer(server.ask(Method::POST, &format!("{track}/regenerate?dry_run=true")));
    assert_eq!(dry.json(StatusCode::OK)["lines"], json!([id]));
    let begun = server.answer(server.ask(Method::POST, &format!("{track}/regenerate")));
    assert_eq!(begun.json(StatusCode::ACCEPTED)["lines"], json!([id]));

    let again = server.events_until(&dubbing, seen, is_completed);
    let lines_made: u64 = made(&again, "synthesise", "es").iter().map(|(made, _)| made).sum();
    assert!((1..=2).contains(&lines_made), "one line was spoken, once more at most to fit: {lines_made}");
    let (_, reused) = made(&again, "synthesise", "es")[0];
    assert!(reused + 1 >= lines.len() as u64, "all others were taken over: {reused}");
    assert!(again.iter().all(|event| event.data["language"] != "ca"), "the other language was not touched");
    only_the_line_changed(&server, &dubbing, (&before, line));
    assert_eq!(server.get(&format!("/v1/dubbings/{dubbing}/tracks/ca/video")).header("etag"), catalan);
    downloads_by_range(&server, &track);
    assert_eq!(server.stop(), Some(0));
    server.user.log_is_clean();
}

/// The sound is what it was, sample by sample, except around the line.
fn only_the_line_changed(server: &Server, dubbing: &str, (before, line): (&crate::media::Sound, &Value)) {
    let after = server.sound(dubbing, "es");
    assert_eq!(before.samples.len(), after.samples.len());
    let frames = before.channels * before.rate_hz as usize / 1_000;
    let differs =
        |ms: &usize| before.samples[ms * frames..(ms + 1) * frames] != after.samples[ms * frames..(ms + 1) * frames];
    let changed: Vec<usize> = (0..before.samples.len() / frames).filter(differs).collect();
    let at = |name: &str| line[name].as_u64().expect("a time") as usize;
    let (first, last) = (changed.first().expect("a change"), changed.last().expect("a change"));
    // Ramps of the bed around the line, and a new line that may begin earlier or end later than the old one.
    assert!(*first + 1_500 >= at("start_ms"), "from {first} ms, the line from {} ms", at("start_ms"));
    assert!(*last <= at("end_ms") + 3_000, "up to {last} ms, the line up to {} ms", at("end_ms"));
}

fn downloads_by_range(server: &Server, track: &str) {
    let path = format!("{track}/video");
    let whole = server.get(&path);
    let tag = whole.header("etag");
    let whole = whole.bytes(StatusCode::OK);
    let middle = whole.len() / 2;
    let part = |range: String| {
        let request = server.ask(Method::GET, &path).header("range", range).header("if-range", &tag);
        server.answer(request).bytes(StatusCode::PARTIAL_CONTENT)
    };
    let parts = [part(format!("bytes=0-{}", middle - 1)), part(format!("bytes={middle}-"))].concat();
    assert!(parts == whole, "two halves are the whole");
    let links = server.get(track).json(StatusCode::OK)["links"].clone();
    let link = links["video"].as_str().expect("a link that needs no token").to_owned();
    let plain = server.ask(Method::GET, &link).header("authorization", "");
    let by_link = server.answer(reqwest_without_token(plain));
    assert!(by_link.bytes(StatusCode::OK) == whole, "a signed link gives the same");
}

/// The same request, without the token.
fn reqwest_without_token(request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    let (client, request) = request.build_split();
    let mut request = request.expect("a request");
    request.headers_mut().remove("authorization");
    reqwest::RequestBuilder::from_parts(client, request)
}

/// Where the server is killed: at the beginning of each stage, the first time it begins.
const STAGES: [&str; 15] = [
    "ingest",
    "separate",
    "transcribe",
    "translate",
    "assign-voices",
    "synthesise",
    "fit",
    "sync-lips",
    "mix",
    "mark",
    "mux",
    "assess",
    "sign",
    "publish",
    "clean",
];

#[test]
fn killed_in_every_stage_it_makes_the_same() {
    let undisturbed = Server::start();
    let asset = undisturbed.upload(clip());
    let reference = order(&undisturbed, &asset, clip_transcript(), &["es"]);
    undisturbed.events_until(&reference, 0, is_completed);
    let expected = undisturbed.sound(&reference, "es").samples;

    let mut server = Server::start();
    let asset = server.upload(clip());
    let dubbing = order(&server, &asset, clip_transcript(), &["es"]);
    let mut seen = 0;
    for stage in STAGES {
        let began = |event: &Event| event.kind == "stage.started" && event.data["stage"] == stage;
        let events = server.events_until(&dubbing, seen, |event| began(event) || is_completed(event));
        let last = events.last().expect("an event");
        assert!(began(last), "{stage} begins before the end");
        seen = last.position;
        server.kill();
    }
    let rest = server.events_until(&dubbing, seen, is_completed);
    assert!(rest.first().is_some_and(|event| event.position > seen), "what was seen does not come again");
    assert!(server.sound(&dubbing, "es").samples == expected, "the same sound as undisturbed");
    let track = format!("/v1/dubbings/{dubbing}/tracks/es/utterances");
    let expected = undisturbed.get(&format!("/v1/dubbings/{reference}/tracks/es/utterances")).json(StatusCode::OK);
    assert_eq!(server.get(&track).json(StatusCode::OK)["items"], expected["items"]);
    assert_eq!(server.stop(), Some(0));
    server.user.log_is_clean();
}

#[test]
fn what_was_handed_in_stays_when_the_command_line_is_done_with_the_same_file() {
    let mut server = Server::start();
    let asset = server.upload(clip());
    assert_eq!(server.stop(), Some(0));
    let transcript = clip_transcript().to_str().expect("UTF-8");
    server.user.dub(0, clip(), &["--to", "es", "--transcript", transcript]);
    server.kill();
    let dubbing = order(&server, &asset, clip_transcript(), &["es"]);
    server.events_until(&dubbing, 0, is_completed);
}

#[test]
fn told_once_it_lets_requests_end_and_told_twice_it_stops_at_once() {
    let mut server = Server::start();
    let _open = server.begin_request("/v1/projects");
    server.ask_to_stop();
    server.wait("it heard", || server.complaints().contains("once more stops at once"));
    let began = Instant::now();
    assert_eq!(server.stop(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(10), "requests have 30 s to end: {:?}", began.elapsed());
    server.user.log_is_clean();
    server.kill();
    server.get("/v1/projects").json(StatusCode::OK);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_stranger_sees_nothing_and_another_address_is_refused() {
    let server = Server::start();
    let stranger = reqwest_without_token(server.ask(Method::GET, "/v1/dubbings"));
    let answer = server.answer(stranger);
    assert_eq!(answer.json(StatusCode::UNAUTHORIZED)["code"], "unauthenticated");
    let said = server.user.run(["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("loopback") && said.stderr.contains("--listen"), "{}", said.stderr);
    let second = server.user.run(["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, 1);
    assert!(second.stderr.contains("--data-dir"), "{}", second.stderr);
}
