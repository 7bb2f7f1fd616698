//! A program of somebody else on the installation's NATS server, and what it is told there.

use super::{
    installation::Engines,
    is_completed,
    rig::{Event, Server},
};
use crate::support::{User, clip, clip_transcript};
use reqwest::StatusCode;
use scratch_nats::ScratchNats;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// The longest wait for a message.
const PATIENCE: Duration = Duration::from_secs(60);
const EMAIL: &str = "ada@example.org";
/// Where answers go.
const INBOX: &str = "_INBOX.outsider";

/// A connection that has subscribed to all events.
struct Outsider(BufReader<TcpStream>);

/// A message.
#[derive(Debug)]
struct Message {
    subject: String,
    head: String,
    body: String,
}

impl Outsider {
    /// What happens from now on comes to it.
    fn listen(nats: &ScratchNats) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", nats.port())).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut outsider = Self(BufReader::new(stream));
        outsider.say("CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}");
        outsider.say("SUB dragoman.events.*.* 1");
        outsider.say(&format!("SUB {INBOX} 2"));
        outsider.say("PING");
        while outsider.line() != "PONG" {}
        outsider
    }

    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("it is sent");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line in time");
        line.trim_end().to_owned()
    }

    fn next(&mut self) -> Message {
        loop {
            let line = self.line();
            let words: Vec<&str> = line.split(' ').collect();
            let number = |back: usize| words[words.len() - back].parse::<usize>().expect("a number");
            let (head, whole) = match words[0] {
                "HMSG" => (number(2), number(1)),
                "MSG" => (0, number(1)),
                "PING" => {
                    self.say("PONG");
                    continue;
                }
                _ => panic!("{line}"),
            };
            let mut bytes = vec![0; whole + 2];
            self.0.read_exact(&mut bytes).expect("a message");
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
            return Message {
                subject: words[1].to_owned(),
                head: text(&bytes[..head]),
                body: text(&bytes[head..whole]),
            };
        }
    }

    /// How many messages the stream keeps under this subject.
    fn kept(&mut self, subject: &str) -> Value {
        let ask = json!({ "subjects_filter": subject }).to_string();
        self.say(&format!("PUB $JS.API.STREAM.INFO.dragoman-events {INBOX} {}\r\n{ask}", ask.len()));
        loop {
            let message = self.next();
            if message.subject == INBOX {
                let told: Value = serde_json::from_str(&message.body).expect("a document");
                return told["state"]["subjects"][subject].clone();
            }
        }
    }
}

impl Message {
    fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(key, _)| *key == name).map(|(_, value)| value);
        found.next().unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    fn position(&self) -> u64 {
        self.header("Dragoman-Position").parse().expect("a position")
    }
}

/// What must be told to nobody: an address, the film's name, who speaks in it, and what is said.
fn personal(server: &Server, dubbing: &str) -> Vec<String> {
    let lines = server.get(&format!("/v1/dubbings/{dubbing}/tracks/es/utterances")).json(StatusCode::OK);
    let lines = lines["items"].as_array().expect("lines").clone();
    let translations = lines.iter().map(|line| line["translation"].as_str().expect("a translation").to_owned());
    let others = [EMAIL, "clip.mp4", "Aurelia", "Bartholomew", "The river was", "Nobody said"].map(str::to_owned);
    translations.chain(others).collect()
}

#[test]
fn outsiders_are_told_everything_in_order_and_nothing_about_anybody() {
    let house = User::new();
    let engines = Engines::start(&house);
    let mut outsider = Outsider::listen(&engines.nats);
    let email = vec![("DRAGOMAN_ADMIN_EMAIL", EMAIL.to_owned())];
    let mut server = Server::start_with([engines.variables.clone(), email].concat());
    let asset = server.upload(clip());
    let dubbing = super::order(&server, &asset, Some(clip_transcript()), &["es"]);
    // Who tells it is killed, and goes on where it was.
    server.events_until(&dubbing, 0, |event| event.kind == "stage.started" && event.data["stage"] == "translate");
    server.kill();
    let end = server.events_until(&dubbing, 0, is_completed).last().expect("an event").position;
    let events = server.stream_until("/v1/events?after=0", |event| event.position == end);

    let mut told = vec![outsider.next()];
    while told.last().is_some_and(|message| message.position() < end) {
        told.push(outsider.next());
    }
    let due: Vec<&str> = events.iter().filter_map(|event: &Event| event.data["id"].as_str()).collect();
    let mut known = BTreeSet::new();
    let first: Vec<&Message> = told.iter().filter(|message| known.insert(message.header("Nats-Msg-Id"))).collect();
    assert_eq!(first.iter().map(|message| message.header("Nats-Msg-Id")).collect::<Vec<_>>(), due);
    for (message, event) in first.iter().zip(&events) {
        let body: Value = serde_json::from_str(&message.body).expect("a document");
        assert_eq!((&body["type"], &body["data"]["id"]), (&json!(event.kind), &event.data["id"]));
    }
    let published = "dragoman.events.track.TrackPublished";
    assert_eq!(first.iter().filter(|message| message.subject == published).count(), 1);
    assert_eq!(outsider.kept(published), 1);
    for secret in personal(&server, &dubbing) {
        assert!(told.iter().all(|message| !format!("{message:?}").contains(&secret)), "{secret}");
    }
    assert_eq!(server.stop(), Some(0));
}
