//! A server, a log and relays from the one to the other.

use super::common::{at, settings};
use application::{
    ports::event_log::{EventLog, Recorded},
    public_events::public,
    relay::Relay,
    stop::{Stopper, Stopping},
    testing::RecordedLog,
};
use async_nats::Message;
use event_bus_nats::NatsEventBus;
use futures::StreamExt;
use scratch_nats::ScratchNats;
use serde_json::{Value, json};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::timeout};

/// Bound for what shall happen.
pub const SOON: Duration = Duration::from_secs(60);

/// A server and a log.
pub struct House {
    pub server: ScratchNats,
    pub log: Arc<RecordedLog>,
}

/// A relay at work, on a connection of its own.
pub struct Running {
    pub relay: Relay,
    stopper: Stopper,
    task: JoinHandle<()>,
}

impl House {
    pub fn new(events: &[Recorded]) -> Self {
        Self::with(events, |folder| format!("jetstream {{ store_dir: \"{}/store\" }}", folder.display()))
    }

    /// With these settings of the server, which follow from its folder.
    pub fn with(events: &[Recorded], settings: impl FnOnce(&Path) -> String) -> Self {
        let log = Arc::new(RecordedLog::new(events.to_vec()));
        Self { server: ScratchNats::start_with(settings).unwrap(), log }
    }

    pub async fn bus(&self) -> NatsEventBus {
        NatsEventBus::connect(&at(&self.server.url()), &settings()).await.unwrap()
    }

    pub async fn starts(&self) -> Running {
        let log = Arc::clone(&self.log);
        let relay = Relay::new(log, Arc::new(self.bus().await));
        let (own, stopper) = (relay.clone(), Stopper::new());
        let signal = stopper.signal();
        let task = tokio::spawn(async move { own.run(&signal).await.unwrap() });
        Running { relay, stopper, task }
    }

    /// A relay runs until it has come to the log's end, and stops.
    pub async fn relays(&self) {
        let running = self.starts().await;
        self.arrives(&running).await;
        running.stop().await;
    }

    pub async fn arrives(&self, running: &Running) {
        let head = self.log.head().await.unwrap();
        let mut relayed = running.relay.relayed();
        let arrived = relayed.wait_for(|position| *position == head);
        timeout(SOON, arrived).await.expect("the relay comes to the log's end").unwrap();
    }

    /// All messages of the stream of events for outsiders, as one of them gets them.
    pub async fn told(&self) -> Vec<Message> {
        self.messages("dragoman-events").await
    }

    /// All notices that are kept.
    pub async fn notices(&self) -> Vec<Message> {
        self.messages("dragoman-log").await
    }

    async fn messages(&self, stream: &str) -> Vec<Message> {
        let client = async_nats::connect(self.server.url()).await.unwrap();
        let info = ask(&client, &format!("STREAM.INFO.{stream}"), &Value::Null).await;
        let count = info.pointer("/state/messages").and_then(Value::as_u64).unwrap_or_default();
        let inbox = client.new_inbox();
        let heard = client.subscribe(inbox.clone()).await.unwrap();
        let config = json!({ "deliver_subject": inbox, "deliver_policy": "all", "ack_policy": "none" });
        let body = json!({ "stream_name": stream, "config": config });
        ask(&client, &format!("CONSUMER.CREATE.{stream}"), &body).await;
        let all = heard.take(usize::try_from(count).unwrap()).collect();
        timeout(SOON, all).await.expect("as many messages as there are")
    }

    /// The ids of the events that outsiders get, in order, are those of the public ones among these.
    pub async fn has_told(&self, events: &[Recorded]) {
        let told: Vec<String> = self.told().await.iter().map(|message| header(message, "Nats-Msg-Id")).collect();
        let due = events.iter().filter(|event| public(event).is_some()).map(|event| event.event_id.to_string());
        let due: Vec<String> = due.collect();
        let place = told.iter().zip(&due).position(|(told, due)| told != due);
        assert_eq!((told.len(), place), (due.len(), None), "each once and in order");
    }
}

impl Running {
    pub async fn stop(self) {
        self.stopper.ask(Stopping::AtSafePoint);
        timeout(SOON, self.task).await.expect("it stops").unwrap();
    }

    /// Ends wherever it is.
    pub fn kill(self) {
        self.task.abort();
    }
}

pub async fn ask(client: &async_nats::Client, name: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = client.request(format!("$JS.API.{name}"), body.into()).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert!(answer.get("error").is_none(), "{name}: {answer}");
    answer
}

pub fn header(message: &Message, name: &str) -> String {
    let value = message.headers.as_ref().and_then(|headers| headers.get(name));
    value.map(|value| value.as_str().to_owned()).unwrap_or_default()
}
