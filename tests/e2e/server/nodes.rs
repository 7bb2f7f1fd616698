//! Two nodes for requests, two that drive and fold, and two workers: they are killed, stand still and are drained, the clock
//! of one is five minutes ahead, and the film is as if nothing had been.

use super::{
    hearing::Hearing,
    installation::{Engines, Worker, undisturbed, until_begun},
    is_completed, is_the_same, order,
    rig::{Answer, Event, Server},
    wire::Wire,
};
use crate::{
    clock::FastClock,
    support::{User, clip},
};
use nix::sys::signal::Signal;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const ADMIN: &str = "ada@example.org";
const PASSWORD: &str = "seven crates of lemons";
/// Within which what one node ends is over at the others.
const SOON: Duration = Duration::from_secs(15);
/// How far the clock of one node is ahead, in seconds.
const AHEAD: u32 = 300;

/// A node of these roles, with a data folder of its own and these further variables. Where its programs are used, speech is
/// not made as long as this file is there.
fn node(engines: &Engines, name: &str, roles: &str, (more, hold): (Vec<(&'static str, String)>, &Path)) -> Server {
    let own = [
        ("DRAGOMAN_NODE__NAME", name),
        ("DRAGOMAN_NODE__ROLES", roles),
        ("DRAGOMAN_NODE__LEASE", "2s"),
        ("DRAGOMAN_HTTP__PUBLIC_URL", "https://dub.example.org"),
        ("DRAGOMAN_ADMIN_EMAIL", ADMIN),
        ("DRAGOMAN_ADMIN_PASSWORD", PASSWORD),
        ("DRAGOMAN_WEBHOOKS__ALLOW_PRIVATE", "true"),
    ];
    let own = own.map(|(key, value)| (key, value.to_owned()));
    let variables = [engines.of_server(), own.to_vec(), more].concat();
    // Which one it is and what voices it has it may say.
    let wait = format!("case \"$*\" in *--stdin*) while [ -e '{}' ]; do sleep 0.05; done ;; esac", hold.display());
    Server::begin(User::new(), variables, |programs| {
        programs.slow_down("0.3");
        programs.wrap("espeak-ng", &wait);
    })
}

/// What the node of this name holds, as another one tells it.
fn held(by: &Server, name: &str) -> Vec<String> {
    let nodes = by.get("/v1/nodes").json(StatusCode::OK)["items"].clone();
    let node = nodes.as_array().expect("nodes").iter().find(|node| node["name"] == name).cloned();
    let holds = node.map(|node| node["holds"].clone()).unwrap_or_default();
    holds.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// How many partitions it holds.
fn partitions(by: &Server, name: &str) -> usize {
    held(by, name).iter().filter(|name| name.starts_with("flow/")).count()
}

/// The two nodes that drive: first the one that drives this dubbing. They have shared all partitions between them before.
fn by_driving<'a>(by: &Server, dubbing: &str, nodes: [&'a mut Server; 2]) -> [&'a mut Server; 2] {
    by.wait("both drive", || FLOWS.iter().all(|name| partitions(by, name) == 8));
    let number = dubbing.chars().last().and_then(|last| last.to_digit(16)).expect("a digit");
    let partition = format!("flow/{number:02}");
    let [one, two] = nodes;
    if held(by, FLOWS[0]).contains(&partition) { [one, two] } else { [two, one] }
}

const FLOWS: [&str; 2] = ["flow-1", "flow-2"];

/// How many seconds an event is said to have happened later than now.
#[expect(clippy::disallowed_methods, reason = "the machine's own clock is what the other one is compared with")]
fn ahead(event: &Event) -> i64 {
    const DAY: i64 = 86_400;
    let at = event.data["at"].as_str().expect("a time");
    let part = |from: usize| at[from..from + 2].parse::<i64>().expect("a number");
    let second = part(11) * 3_600 + part(14) * 60 + part(17);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let later = (second - i64::try_from(now).expect("a time")).rem_euclid(DAY);
    if later > DAY / 2 { later - DAY } else { later }
}

/// Without the operator's token.
fn by_link(server: &Server, link: &str) -> Answer {
    server.answer(super::reqwest_without_token(server.ask(Method::GET, link)))
}

/// A session that began at one node goes on at another one, and ends at all.
fn a_session_goes_on_elsewhere(one: &Server, two: &Server) {
    let sign_in = json!({ "grant_type": "password", "username": ADMIN, "password": PASSWORD });
    let pair = one.post("/v1/auth/token", &sign_in).json(StatusCode::OK);
    let next = json!({ "grant_type": "refresh_token", "refresh_token": pair["refresh_token"] });
    let next = two.post("/v1/auth/token", &next).json(StatusCode::OK);
    let status = |server: &Server, tokens: &Value| {
        let token = tokens["access_token"].as_str().expect("a token");
        server.answer(server.ask_as(token, Method::GET, "/v1/account")).status
    };
    for (server, tokens) in [(two, &pair), (one, &next), (two, &next)] {
        assert_eq!(status(server, tokens), StatusCode::OK);
    }
    let over = one.post("/v1/auth/revoke", &json!({ "token": next["refresh_token"] }));
    assert!(over.status.is_success(), "{}", over.status);
    assert_eq!(status(one, &next), StatusCode::UNAUTHORIZED);
    let began = Instant::now();
    two.wait("it is over there, too", || status(two, &next) == StatusCode::UNAUTHORIZED);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

/// A link that one node has signed is good at another one.
fn links_lead_to_each(dubbing: &str, nodes: [&Server; 2]) {
    let track = format!("/v1/dubbings/{dubbing}/tracks/es");
    for (from, to) in [(nodes[0], nodes[1]), (nodes[1], nodes[0])] {
        let link = from.get(&track).json(StatusCode::OK)["links"]["video"].clone();
        let film = by_link(to, link.as_str().expect("a link")).bytes(StatusCode::OK);
        assert!(film == from.get(&format!("{track}/video")).bytes(StatusCode::OK), "{link}");
    }
}

/// All that happened after a position is told to the receiver, without two contents under one id.
fn everything_was_told(server: &Server, hearing: &Hearing, after: u64) {
    let path = server.post("/v1/projects", &json!({ "name": "the last" })).header("location");
    let is_last = |event: &Event| event.data["project"].as_str().is_some_and(|id| path.ends_with(id));
    let events = server.stream_until(&format!("/v1/events?after={after}"), is_last);
    let id = |event: &Event| event.data["id"].as_str().expect("an id").to_owned();
    let of_dubbing = |event: &&Event| event.data["dubbing"].is_string();
    let due: Vec<String> = events.iter().filter(of_dubbing).map(id).collect();
    let all: Vec<String> = events.iter().map(id).collect();
    server.wait("everything was told", || {
        let told = hearing.told();
        all.iter().all(|id| told.contains(id))
    });
    let told: Vec<String> = hearing.told().into_iter().filter(|id| due.contains(id)).collect();
    assert_eq!(told, due, "in order");
    hearing.has_one_content_for_each_id();
}

/// One is told to do nothing new: the other has everything, and takes on what comes.
fn one_is_drained(server: &Server) {
    let listed = server.user.expect(0, ["node", "list"]).stdout;
    for name in ["api-1", "api-2", FLOWS[0], FLOWS[1]] {
        assert!(listed.contains(name), "{listed}");
    }
    let [drained, other] = FLOWS;
    server.user.expect(0, ["node", "drain", drained]);
    server.wait("it has given everything away", || held(server, drained).is_empty());
    server.wait("the other one has it", || partitions(server, other) == 16);
    server.wait("duties, too", || held(server, other).iter().any(|name| name == "webhooks"));
    server.user.expect(0, ["node", "undrain", drained]);
    server.wait("both share again", || FLOWS.iter().all(|name| partitions(server, name) == 8));
}

#[test]
fn nodes_take_over_from_each_other() {
    let (alone, reference) = undisturbed();
    let house = User::new();
    let engines = Engines::start(&house);
    let (hearing, fast) = (Hearing::start(), FastClock::ahead(Duration::from_secs(AHEAD.into())));
    let hold = house.folder().join("hold");
    let mut api_1 = node(&engines, "api-1", "api", (vec![], &hold));
    let mut api_2 = node(&engines, "api-2", "api", (vec![], &hold));
    let mut flow_1 = node(&engines, FLOWS[0], "flow,project", (vec![], &hold));
    let mut flow_2 = node(&engines, FLOWS[1], "flow,project", (fast.variables(), &hold));
    let workers = ["one", "two"].map(|name| Worker::start(&api_2, &engines, name));
    a_session_goes_on_elsewhere(&api_1, &api_2);
    let begin = hearing.subscribe(&api_1);

    let asset = api_1.upload(clip());
    let ordered = json!({ "asset": asset, "source_language": "en", "target_languages": ["es", "ca"] });
    let ordered = api_1.post("/v1/dubbings", &ordered);
    let dubbing = ordered.json(StatusCode::ACCEPTED)["id"].as_str().expect("an id").to_owned();
    let position = ordered.header("dragoman-position");
    let read = api_2.get(&format!("/v1/dubbings/{dubbing}?min_position={position}")).json(StatusCode::OK);
    assert_eq!(read["id"], dubbing);
    fs::write(&hold, "").expect("a file");

    // Who drives it is killed: the other one takes over.
    let seen = until_begun(&api_2, &dubbing, 0, "transcribe");
    let [driving, _] = by_driving(&api_2, &dubbing, [&mut flow_1, &mut flow_2]);
    driving.die();
    let seen = until_begun(&api_2, &dubbing, seen, "translate");
    driving.start_again();
    // Who drives it then stands still for longer than its lease, and who took the order is killed.
    let [driving, _] = by_driving(&api_2, &dubbing, [&mut flow_1, &mut flow_2]);
    driving.signal(Signal::SIGSTOP);
    fs::remove_file(&hold).expect("it was there");
    api_1.die();
    api_2.wait("the other one drives all", || FLOWS.iter().any(|name| partitions(&api_2, name) == 16));
    driving.signal(Signal::SIGCONT);
    api_2.events_until(&dubbing, seen, is_completed);
    api_1.start_again();

    is_the_same(&api_2, &dubbing, &alone, &reference);
    let events = api_2.events_until(&dubbing, 0, is_completed);
    // Time does not go back in the log: what others add after it is as late as what the node ahead has written.
    let ahead = events.last().map_or(0, ahead);
    assert!(ahead > i64::from(AHEAD) / 2, "the clock of one was not ahead: {ahead} s");
    let published = events.iter().filter(|event| event.kind == "track.published").count();
    assert_eq!(published, 2, "each language once");
    links_lead_to_each(&dubbing, [&api_1, &api_2]);
    one_is_drained(&api_2);
    everything_was_told(&api_2, &hearing, begin);
    for worker in workers {
        assert_eq!(worker.stop(), Some(0));
    }
    for server in [&mut flow_1, &mut flow_2, &mut api_1, &mut api_2] {
        assert_eq!(server.stop(), Some(0), "{}", server.complaints());
    }
    let verified = engines.run(&api_2, &["log", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
}

/// The node that drives all hears nothing of PostgreSQL and NATS for longer than its lease, and they nothing of it; what it
/// had sent arrives when another one has gone on for long.
#[test]
fn a_node_that_is_cut_off_changes_nothing_when_it_is_heard_again() {
    let (alone, reference) = undisturbed();
    let house = User::new();
    let engines = Engines::start(&house);
    let hold = house.folder().join("hold");
    let mut api = node(&engines, "api-1", "api", (vec![], &hold));
    let wires = [engines.postgres.port(), engines.nats.port()].map(|port| (port, Wire::before(port)));
    let far = engines.variables.iter().map(|(key, value)| {
        let detour = |value: String, (port, wire): &(u16, Wire)| {
            value.replace(&format!(":{port}"), &format!(":{}", wire.port()))
        };
        (*key, wires.iter().fold(value.clone(), detour))
    });
    let mut cut_off = node(&engines, FLOWS[0], "flow,project", (far.collect(), &hold));
    let worker = Worker::start(&api, &engines, "one");
    let asset = api.upload(clip());
    let dubbing = order(&api, &asset, None, &["es", "ca"]);
    fs::write(&hold, "").expect("a file");
    let seen = until_begun(&api, &dubbing, 0, "synthesise");
    wires.iter().for_each(|(_, wire)| wire.cut());
    fs::remove_file(&hold).expect("it was there");
    let mut other = node(&engines, FLOWS[1], "flow,project", (vec![], &hold));
    let seen = until_begun(&api, &dubbing, seen, "mix");
    assert_eq!(partitions(&api, FLOWS[1]), 16);
    wires.iter().for_each(|(_, wire)| wire.mend());
    api.events_until(&dubbing, seen, is_completed);
    api.wait("both drive", || FLOWS.iter().all(|name| partitions(&api, name) == 8));
    is_the_same(&api, &dubbing, &alone, &reference);
    assert_eq!(worker.stop(), Some(0));
    for server in [&mut cut_off, &mut other] {
        assert_eq!(server.stop(), Some(0), "{}", server.complaints());
    }
    assert_eq!(api.stop(), Some(0));
    let verified = engines.run(&api, &["log", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
}
