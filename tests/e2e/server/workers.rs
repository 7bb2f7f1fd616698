//! Workers that are seen: what each takes, how it is and its measures, one that is drained while it works, and one that is gone.

use super::{
    installation::{Engines, Worker, until_begun},
    is_completed,
    operators::queue,
    order,
    rig::Server,
};
use crate::support::{Said, User, clip, clip_transcript};
use reqwest::{Method, Request, StatusCode, header::HeaderValue};
use serde_json::{Value, json};
use std::fs;

/// A worker of this installation, as its server tells it.
fn listed(server: &Server, name: &str) -> Option<Value> {
    let nodes = server.get("/v1/nodes").json(StatusCode::OK)["items"].take();
    nodes.as_array().expect("nodes").iter().find(|node| node["name"] == name).cloned()
}

/// What a worker answers to who has its token.
fn told(server: &Server, worker: &Worker, path: &str) -> (StatusCode, String) {
    let url = format!("{}{path}", worker.place()).parse().expect("an address");
    let mut request = Request::new(Method::GET, url);
    let bearer = HeaderValue::try_from(format!("Bearer {}", worker.token())).expect("a header");
    request.headers_mut().insert("authorization", bearer);
    let answer = server.send(request);
    (answer.status, String::from_utf8(answer.body).expect("a text"))
}

/// One of a worker's measures; 0 when it is not there.
fn measure(server: &Server, worker: &Worker, name: &str) -> u64 {
    let (status, text) = told(server, worker, "/metrics");
    assert_eq!(status, StatusCode::OK);
    let line = text.lines().find_map(|line| line.strip_prefix("dragoman_worker_")?.strip_prefix(name));
    line.map_or(0, |value| value.trim().parse().expect("a number"))
}

/// How many attempts at each of these stages it has done.
fn done(server: &Server, worker: &Worker, stages: &[&str]) -> Vec<u64> {
    let done = |stage: &&str| measure(server, worker, &format!("attempts_total{{stage=\"{stage}\",outcome=\"done\"}}"));
    stages.iter().map(done).collect()
}

#[test]
fn workers_are_listed_drained_measured_and_gone() {
    let user = User::new();
    let mut engines = Engines::start(&user);
    engines.variables.push(("DRAGOMAN_QUEUE__GPU_STAGES", "transcribe".to_owned()));
    engines.variables.push(("DRAGOMAN_NODE__LEASE", "2s".to_owned()));
    let hold = user.folder().join("hold");
    let mut server = Server::begin(user, engines.of_server(), |programs| {
        // Which one it is and what voices it has it may say.
        let wait = format!("case \"$*\" in *--stdin*) while [ -e '{}' ]; do sleep 0.05; done ;; esac", hold.display());
        programs.wrap("espeak-ng", &wait);
    });
    let start = |name, args: &[&'static str]| Worker::start_with(&server, &engines, name, args);
    let one = start("one", &["--slots", "1,mix=1", "--http", "127.0.0.1:0"]);
    fs::write(&hold, "").expect("a file");
    let asset = server.upload(clip());
    let dubbing = order(&server, &asset, Some(clip_transcript()), &["es"]);
    server.wait("there is nobody for one stage", || {
        let health = server.get("/health").json(StatusCode::OK);
        health["components"].to_string().contains("work waits that nobody takes: transcribe")
    });
    let graphic = start("graphic", &["--class", "gpu", "--slots", "2", "--http", "127.0.0.1:0"]);
    server.wait("both are listed", || ["one", "graphic"].iter().all(|name| listed(&server, name).is_some()));
    let card = listed(&server, "graphic").expect("it is there");
    assert_eq!((&card["roles"], &card["draining"], &card["holds"]), (&json!(["worker"]), &json!(false), &json!([])));
    assert_eq!(card["work"], json!({ "stages": ["transcribe"], "slots": 2, "classes": ["gpu"] }));
    let shown = server.user.expect(0, ["node", "list"]).stdout;
    assert!(shown.contains("2 at a time (gpu) of transcribe") && shown.contains("1 at a time (cpu) of"), "{shown}");

    // It is drained while it speaks: that it ends, and all that follows another one does.
    let seen = until_begun(&server, &dubbing, 0, "synthesise");
    assert_eq!(measure(&server, &one, "busy{stage=\"synthesise\"}"), 1);
    assert!(measure(&server, &one, "memory_held_bytes") > 0);
    server.user.expect(0, ["node", "drain", "one"]);
    server.wait("it has heard of it", || measure(&server, &one, "draining") == 1);
    assert_eq!(listed(&server, "one").expect("it is there")["draining"], true);
    let (status, health) = told(&server, &one, "/health");
    assert!(status == StatusCode::OK && health.contains("it takes nothing new: it is drained"), "{health}");
    let other = start("other", &["--slots", "2", "--http", "127.0.0.1:0"]);
    fs::remove_file(&hold).expect("it was there");
    let events = server.events_until(&dubbing, seen, is_completed);
    assert!(!events.iter().any(|event| ["stage.lost", "stage.released"].contains(&event.kind.as_str())));
    let stages = ["ingest", "transcribe", "synthesise", "mix", "mux"];
    assert_eq!(done(&server, &one, &stages), [1, 0, 1, 0, 0]);
    // Whether lines have to be spoken once more is theirs to say.
    assert_eq!(done(&server, &other, &["ingest", "transcribe", "mix", "mux"]), [0, 0, 1, 1]);
    assert_eq!(done(&server, &graphic, &stages), [0, 1, 0, 0, 0]);
    assert!(measure(&server, &one, "memory_need_bytes{stage=\"synthesise\"}") > 0);

    // It goes on when it is let, and others are gone when they have ended, or were killed.
    assert_eq!(other.stop(), Some(0));
    assert!(listed(&server, "other").is_none(), "it has left");
    server.user.expect(0, ["node", "undrain", "one"]);
    // What a paused queue has stays in it: no worker holds any.
    server.user.expect(0, ["queue", "pause", "mux", "--reason", "its disk is changed"]);
    let again = order(&server, &asset, Some(clip_transcript()), &["ca"]);
    server.wait("the film waits in its queue", || {
        let queue = queue(&server, "mux");
        (&queue["ready"], &queue["leased"]) == (&json!(1), &json!(0))
    });
    server.user.expect(0, ["queue", "resume", "mux"]);
    server.events_until(&again, 0, is_completed);
    assert_eq!(done(&server, &one, &["mix", "mux"]), [1, 1]);
    drop(one);
    server.wait("nobody hears of it any more", || listed(&server, "one").is_none());
    assert_eq!(graphic.stop(), Some(0));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_stranger_is_refused_and_leaves_no_trace_in_the_queue() {
    let house = User::new();
    let mut engines = Engines::start(&house);
    let mut server = Server::begin(User::new(), engines.of_server(), |_programs| {});
    engines.variables.push(("DRAGOMAN_QUEUE__PREFIX", "fourth".to_owned()));
    let mut stranger = house.command(["worker"]);
    stranger.envs(engines.of_server()).env("DRAGOMAN_NODE__SHARED_DIR", house.folder().join("other-keys"));
    let said = Said::from(stranger.output().expect("it runs"));
    assert_ne!(said.code, 0);
    let sentence = "belongs to another data folder";
    assert!(said.stderr.contains(sentence) && said.stderr.contains("node.shared_dir"), "{}", said.stderr);
    // What it named is free for those whose log it is.
    assert_eq!(server.stop(), Some(0));
    let mut server = Server::begin(User::new(), engines.of_server(), |_programs| {});
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_second_installation_on_the_same_servers_is_told_which_prefix_to_change() {
    let house = User::new();
    let mut engines = Engines::start(&house);
    let mut server = Server::begin(User::new(), engines.of_server(), |_programs| {});
    let database = engines.postgres.database("others").expect("a database");
    let blobs = format!("s3://{}/two", engines.s3.bucket());
    let keys = house.folder().join("other-keys").display().to_string();
    engines.variables.extend([
        ("DRAGOMAN_LOG__URL", database.clone()),
        ("DRAGOMAN_READ__URL", database),
        ("DRAGOMAN_BLOBS__URL", blobs),
        ("DRAGOMAN_NODE__SHARED_DIR", keys),
    ]);
    for (prefix, key) in [("dragoman", "queue.prefix: "), ("second", "queue.events_prefix: ")] {
        let mut second = house.command(["serve", "--listen", "127.0.0.1:0"]);
        second.envs(engines.of_server()).env("DRAGOMAN_QUEUE__PREFIX", prefix);
        let said = Said::from(second.output().expect("it runs"));
        assert_ne!(said.code, 0);
        assert!(said.stderr.contains(key) && said.stderr.contains("is in use on this NATS account"), "{}", said.stderr);
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn workers_that_would_wait_for_ever_do_not_start() {
    let user = User::new();
    let server = Server::start_for(user);
    let refused = |args: &[&'static str], gpu: &str, said: &str| {
        let mut command = server.command([&["worker"], args].concat());
        let keys = ["LOG__URL", "READ__URL", "QUEUE__URL", "BLOBS__URL"];
        let values = ["postgres://nowhere/a", "postgres://nowhere/a", "nats://nowhere:1", "s3://a"];
        let variables = keys.iter().zip(values).map(|(key, value)| (format!("DRAGOMAN_{key}"), value));
        command.envs(variables).env("DRAGOMAN_QUEUE__GPU_STAGES", gpu);
        command.env("DRAGOMAN_BLOBS__ACCESS_KEY", "a").env("DRAGOMAN_BLOBS__SECRET_KEY", "b");
        let output = command.output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(said) && text.trim().lines().count() == 1, "{text}");
    };
    refused(&["--class", "gpu"], "", "none of these stages is work for the class gpu");
    refused(&["--stages", "transcribe"], "transcribe", "transcribe is work for the class gpu");
    refused(&["--class", "tpu"], "", "no class of machines; they are cpu and gpu");
    refused(&["--slots", "mix=0"], "", "numbers from 1 to 1024");
    refused(&["--stages", "mix", "--slots", "fit=1"], "", "--slots names fit, which this worker does not do");
    refused(&["--slots", "1,2"], "", "--slots says twice how much there is at a time overall");
    refused(&["--slots", "mix=1,mix=2"], "", "--slots says twice how much of mix there is at a time");
    refused(&["--http", "0.0.0.0:8090"], "", "worker.listen (--http): 0.0.0.0:8090 is not loopback");
}
