//! Events for tests to write, and a listener of Server-Sent Events.

use crate::kit::Server;
use application::ports::event_log::{Append, DomainEvent, StreamId, Tenant};
use domain::{
    dubbing::{DubbingEvent, WhyDropped},
    track::{Background, TrackEvent, TrackSettings},
    value::{DubbingId, LanguageTag, Personal, Sha256, TrackId, UtteranceId},
};
use http_api::Api;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;
use uuid::Uuid;

pub const PATIENCE: Duration = Duration::from_secs(30);

/// One writer of one stream.
pub struct Scribe {
    api: Api,
    tenant: Tenant,
    stream: StreamId,
    revision: u64,
}

impl Scribe {
    /// Of a dubbing of this tenant.
    pub fn of_dubbing(server: &Server, tenant: &str, id: Uuid) -> Self {
        let stream = StreamId::Dubbing(DubbingId(id));
        Self { api: server.api.clone(), tenant: Tenant(tenant.to_owned()), stream, revision: 0 }
    }

    /// Of a track of that dubbing.
    pub fn track(&self, language: &str) -> Self {
        let dubbing = self.stream.dubbing().expect("a dubbing");
        let stream = StreamId::Track(TrackId { dubbing, language: language.parse().expect("a language") });
        Self { api: self.api.clone(), tenant: self.tenant.clone(), stream, revision: 0 }
    }

    /// Writes events; returns the position of the last one.
    pub async fn write(&mut self, events: Vec<DomainEvent>) -> u64 {
        let count = events.len() as u64;
        let append = Append {
            tenant: self.tenant.clone(),
            actor: "tests".to_owned(),
            command_id: self.api.ids.next(),
            fingerprint: Sha256::new([0; 32]),
            causation_id: None,
            traceparent: None,
            stream: self.stream.clone(),
            expected_revision: self.revision,
            under: None,
            events,
        };
        let appended = self.api.log.append(append).await.expect("written");
        self.revision += count;
        appended.position
    }

    /// Writes so many public events.
    pub async fn write_lines(&mut self, count: u32) -> u64 {
        self.write((1..=count).map(dropped).collect()).await
    }
}

/// A public event without anything personal.
pub fn dropped(utterance: u32) -> DomainEvent {
    let (utterance, reason) = (UtteranceId(utterance), WhyDropped::NoWords);
    DomainEvent::Dubbing(DubbingEvent::UtteranceDropped { utterance, reason })
}

pub fn requested(language: &str) -> DomainEvent {
    let settings = TrackSettings {
        glossary: None,
        keep_phrases: Personal::new(vec!["a secret phrase".to_owned()]),
        voices: Personal::new(BTreeMap::new()),
        background: Background::Duck,
        keep_original: false,
        embed_subtitles: false,
    };
    let language: LanguageTag = language.parse().expect("a language");
    DomainEvent::Dubbing(DubbingEvent::TrackRequested { language, settings })
}

/// An event that is nobody's business.
pub fn private() -> DomainEvent {
    DomainEvent::Track(TrackEvent::TrackDelivered { files: vec![] })
}

pub fn withdrawn() -> DomainEvent {
    DomainEvent::Track(TrackEvent::TrackWithdrawn)
}

/// A message of Server-Sent Events.
#[derive(Debug)]
pub struct Message {
    pub id: u64,
    pub event: String,
    pub data: Value,
}

/// A listener that reads as the standard says, and checks the form.
pub struct Listener {
    response: Response,
    buffer: Vec<u8>,
    pub comments: usize,
    /// What a client sends as `Last-Event-ID` when it comes again.
    pub last_id: Option<u64>,
}

impl Listener {
    pub async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { response, buffer: Vec::new(), comments: 0, last_id: None }
    }

    /// The next message; `None` when the stream ends in order.
    pub async fn next(&mut self) -> Option<Message> {
        timeout(PATIENCE, self.wait()).await.expect("a message in time")
    }

    async fn wait(&mut self) -> Option<Message> {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                if let Some(message) = self.message(&String::from_utf8(block).expect("UTF-8")) {
                    return Some(message);
                }
            }
            match self.response.chunk().await.expect("an orderly end") {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => {
                    assert!(self.buffer.is_empty(), "a message was cut");
                    return None;
                }
            }
        }
    }

    fn message(&mut self, block: &str) -> Option<Message> {
        let (mut id, mut event, mut data) = (None, None, None);
        for line in block.lines().filter(|line| !line.is_empty()) {
            match line.split_once(": ").expect("a field") {
                ("id", value) => id = Some(value.parse().expect("a position")),
                ("event", value) => event = Some(value.to_owned()),
                ("data", value) => data = Some(serde_json::from_str(value).expect("one line of JSON")),
                ("retry", value) => assert_eq!(value, "2000"),
                ("", _) => self.comments += 1,
                (other, _) => panic!("an unknown field {other}"),
            }
        }
        // Also of a block that is no event.
        self.last_id = id.or(self.last_id);
        let data: Value = data?;
        let message = Message { id: id.expect("an id"), event: event.expect("a type"), data };
        assert_eq!(
            (&message.data["position"], &message.data["type"]),
            (&message.id.into(), &message.event.as_str().into())
        );
        Some(message)
    }

    /// Reads up to the first id, without any event.
    pub async fn greeted(&mut self) -> u64 {
        while self.last_id.is_none() {
            let bytes = timeout(PATIENCE, self.response.chunk()).await.expect("in time").expect("no error");
            self.buffer.extend_from_slice(&bytes.expect("not the end"));
            if self.buffer.ends_with(b"\n\n") {
                let block = String::from_utf8(std::mem::take(&mut self.buffer)).expect("UTF-8");
                assert!(self.message(&block).is_none(), "an event: {block}");
            }
        }
        self.last_id.expect("an id")
    }

    /// The positions of the next messages, up to and with this one.
    pub async fn up_to(&mut self, last: u64) -> Vec<u64> {
        let mut heard = Vec::new();
        while heard.last() != Some(&last) {
            heard.push(self.next().await.expect("a message").id);
        }
        heard
    }
}
