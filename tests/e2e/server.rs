//! The server from outside: from upload to download, a corrected line, and kills in every stage.

mod bucket;
mod cluster;
mod handed_in;
mod hearing;
mod installation;
mod nodes;
mod operators;
mod outsider;
mod planted;
pub mod rig;
mod rows;
mod telemetry;
mod upgrade;
mod wire;
mod workers;

use crate::{
    media::Sound,
    support::{clip, clip_transcript, sample},
};
use reqwest::{Method, StatusCode};
use rig::{Event, Server};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Orders the file in these languages; the dubbing's id. Without a transcript, what is said is recognised.
fn order(server: &Server, asset: &str, transcript: Option<&Path>, languages: &[&str]) -> String {
    let mut wanted = json!({ "asset": asset, "source_language": "en", "target_languages": languages });
    if let Some(transcript) = transcript {
        let text = fs::read_to_string(transcript).expect("the transcript");
        wanted["transcript"] = json!({ "text": text });
    }
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

/// The line in the middle, and other words for it, which take about as long to say.
fn reworded(lines: &Value) -> (Value, String) {
    let lines = lines.as_array().expect("lines");
    let line = lines[lines.len() / 2].clone();
    let mut words: Vec<&str> = line["translation"].as_str().expect("words").split(' ').collect();
    assert!(words.len() > 1, "{line}");
    words.rotate_left(1);
    let words = words.join(" ");
    (line, words)
}

#[test]
fn from_upload_over_a_corrected_line_to_download() {
    let mut server = Server::start();
    let asset = server.upload(sample());
    let dubbing = order(&server, &asset, Some(&sample().with_extension("vtt")), &["es", "ca"]);
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
    let lines = lines.json(StatusCode::OK)["items"].clone();
    let count = lines.as_array().expect("lines").len() as u64;
    let (line, words) = reworded(&lines);
    let id = line["id"].as_str().expect("an id");
    let nothing = server.answer(server.ask(Method::POST, &format!("{track}/regenerate")));
    assert_eq!(nothing.json(StatusCode::CONFLICT)["code"], "nothing-stale");
    let change = json!({ "translation": words }).to_string();
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
    assert_eq!(lines_made, 1, "one line was spoken");
    let (_, reused) = made(&again, "synthesise", "es")[0];
    assert!(reused + 1 >= count, "all others were taken over: {reused}");
    assert!(again.iter().all(|event| event.data["language"] != "ca"), "the other language was not touched");
    only_the_line_changed(&server, &dubbing, (&before, &lines, id));
    assert_eq!(server.get(&format!("/v1/dubbings/{dubbing}/tracks/ca/video")).header("etag"), catalan);
    downloads_by_range(&server, &track);
    assert_eq!(server.stop(), Some(0));
    server.user.log_is_clean();
}

/// The sound is what it was, sample by sample, except where the line is and was: its neighbours are untouched.
fn only_the_line_changed(server: &Server, dubbing: &str, (before, lines, id): (&Sound, &Value, &str)) {
    let after = server.sound(dubbing, "es");
    assert_eq!(before.samples.len(), after.samples.len());
    let frames = before.channels * before.rate_hz as usize / 1_000;
    let differs =
        |ms: &usize| before.samples[ms * frames..(ms + 1) * frames] != after.samples[ms * frames..(ms + 1) * frames];
    let changed: Vec<usize> = (0..before.samples.len() / frames).filter(differs).collect();
    let lines = lines.as_array().expect("lines");
    let line = lines.iter().position(|line| line["id"] == id).expect("the line");
    let at = |line: usize, name: &str| lines[line][name].as_u64().expect("a time") as usize;
    let (first, last) = (changed.first().expect("a change"), changed.last().expect("a change"));
    let (from, to) = (at(line - 1, "end_ms"), at(line + 1, "start_ms"));
    assert!(*first >= from, "from {first} ms, and the line before it ends at {from} ms");
    assert!(*last < to, "up to {last} ms, and the line after it begins at {to} ms");
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

/// Words the line in the middle anew and asks for it to be spoken; nothing waits for that.
fn correct(server: &Server, dubbing: &str) {
    let track = format!("/v1/dubbings/{dubbing}/tracks/es");
    let lines = server.get(&format!("{track}/utterances"));
    let tag = lines.header("etag");
    let (line, words) = reworded(&lines.json(StatusCode::OK)["items"]);
    let path = format!("{track}/utterances/{}", line["id"].as_str().expect("an id"));
    let patch = server.ask(Method::PATCH, &path).header("if-match", tag).header("content-type", "application/json");
    server.answer(patch.body(json!({ "translation": words }).to_string())).json(StatusCode::OK);
    server.answer(server.ask(Method::POST, &format!("{track}/regenerate"))).json(StatusCode::ACCEPTED);
}

/// What a server was killed in.
#[derive(Default)]
struct Killed {
    /// Stages after whose beginning it was killed at once.
    begun: BTreeSet<String>,
    /// Stages of which an attempt was lost by that.
    lost: BTreeSet<String>,
}

impl Killed {
    /// A kill has found these at work. Others may be over within milliseconds: where the kill lands there is chance,
    /// and the process tests (`tests/it/process.rs`) break each exactly.
    #[track_caller]
    fn has_hit(&self, stages: &[&str]) {
        assert!(self.lost.is_superset(&set(stages)), "only in {:?}", self.lost);
    }
}

/// Kills the server in every stage, as soon as it begins for the first time, until the dubbing is completed. The
/// position of the last event that was seen goes with what was hit.
fn kill_in_every_stage(server: &mut Server, dubbing: &str, seen: u64) -> (Killed, u64) {
    fn itself(server: &Server) -> &Server {
        server
    }
    in_every_stage(server, itself, (dubbing, seen), Server::kill)
}

/// The same of these nodes, one of which answers requests.
fn in_every_stage<N>(
    nodes: &mut N,
    api: fn(&N) -> &Server,
    (dubbing, mut seen): (&str, u64),
    kill: fn(&mut N),
) -> (Killed, u64) {
    let mut killed = Killed::default();
    loop {
        let stage = |event: &Event| event.data["stage"].as_str().unwrap_or_default().to_owned();
        let begins = |event: &Event| event.kind == "stage.started" && !killed.begun.contains(&stage(event));
        let events = api(nodes).events_until(dubbing, seen, |event| begins(event) || is_completed(event));
        assert!(events.first().is_some_and(|event| event.position > seen), "what was seen does not come again");
        let last = events.last().expect("an event");
        seen = last.position;
        let lost = events.iter().filter(|event| event.kind == "stage.lost").map(stage);
        killed.lost.extend(lost);
        if is_completed(last) {
            return (killed, seen);
        }
        killed.begun.insert(stage(last));
        kill(nodes);
    }
}

#[test]
fn killed_in_every_stage_it_makes_the_same() {
    let languages = ["es", "ca"];
    let undisturbed = Server::start();
    let asset = undisturbed.upload(clip());
    let reference = order(&undisturbed, &asset, None, &languages);
    let done = undisturbed.events_until(&reference, 0, is_completed);

    let mut server = Server::start_slow();
    let asset = server.upload(clip());
    let dubbing = order(&server, &asset, None, &languages);
    let (killed, seen) = kill_in_every_stage(&mut server, &dubbing, 0);
    assert_eq!(killed.begun, set(&STAGES));
    killed.has_hit(&["transcribe", "translate", "synthesise"]);
    is_the_same(&server, &dubbing, &undisturbed, &reference);

    correct(&undisturbed, &reference);
    undisturbed.events_until(&reference, done.last().map_or(0, |event| event.position), is_completed);
    correct(&server, &dubbing);
    let (killed, end) = kill_in_every_stage(&mut server, &dubbing, seen);
    assert_eq!(killed.begun, set(&STAGES[CORRECTED..]));
    killed.has_hit(&["synthesise"]);
    is_the_same(&server, &dubbing, &undisturbed, &reference);
    let events = server.events_until(&dubbing, seen, |event| event.position == end);
    let spoken = events.iter().filter(|event| event.kind == "utterance.synthesised");
    let spoken: Vec<_> = spoken.map(|event| &event.data["data"]["utterance"]).collect();
    assert_eq!(spoken.len(), 1, "one line was spoken, once, whatever was killed: {spoken:?}");
    downloads_by_range(&server, &format!("/v1/dubbings/{dubbing}/tracks/es"));
    assert_eq!(server.stop(), Some(0));
    server.user.log_is_clean();
}

/// Sound and lines of all languages.
#[track_caller]
fn is_the_same(server: &Server, dubbing: &str, undisturbed: &Server, reference: &str) {
    for language in ["es", "ca"] {
        let expected = undisturbed.sound(reference, language).samples;
        assert!(server.sound(dubbing, language).samples == expected, "the same sound as undisturbed");
        let lines = |server: &Server, dubbing: &str| {
            server.get(&format!("/v1/dubbings/{dubbing}/tracks/{language}/utterances")).json(StatusCode::OK)["items"]
                .clone()
        };
        assert_eq!(lines(server, dubbing), lines(undisturbed, reference));
    }
}

/// Some of them begin in this order or another.
fn set(stages: &[&str]) -> BTreeSet<String> {
    stages.iter().map(|stage| (*stage).to_owned()).collect()
}

/// The stages in the order of the flow.
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
/// The first stage that runs again for a corrected line.
const CORRECTED: usize = 3;

#[test]
fn what_was_handed_in_stays_when_the_command_line_is_done_with_the_same_file() {
    let mut server = Server::start();
    let asset = server.upload(clip());
    assert_eq!(server.stop(), Some(0));
    let transcript = clip_transcript().to_str().expect("UTF-8");
    server.user.dub(0, clip(), &["--to", "es", "--transcript", transcript]);
    server.kill();
    let dubbing = order(&server, &asset, Some(clip_transcript()), &["es"]);
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
    for part in ["--listen", "http.tls_cert and http.tls_key", "--behind-proxy"] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    let second = server.user.run(["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, 1);
    assert!(second.stderr.contains("--data-dir"), "{}", second.stderr);
}
