//! What the server is asked to keep: one stream, and a consumer for each lane. Whoever finds them missing makes them.
//!
//! A stream takes a second message under the same subject only when the first is gone, so work is deduplicated exactly
//! as long as it is in the queue, however often it was handed out. Deliberately absent: `Nats-Msg-Id`. Its window of time
//! would swallow work that was done without its end being recorded, and which is therefore published again.

use crate::{
    error::NatsError,
    lane::{Lane, Names},
    link::Link,
    settings::Settings,
};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Mutex as Gate;

const THE_STREAM: &str = "the stream of the work queue";
const A_CONSUMER: &str = "a consumer of the work queue";

/// Not enough room: on the server, for the account in bytes, in memory, and in files.
const NO_ROOM: [u64; 4] = [10_023, 10_002, 10_028, 10_047];
/// The name is in use with other settings.
const OTHER_SETTINGS: u64 = 10_058;
/// Another stream takes these subjects.
const OVERLAP: u64 = 10_065;

/// The stream as it was found or made.
#[derive(Debug)]
pub(crate) struct Made {
    /// When it was made, as a word: a stream that is made anew has another.
    pub mark: String,
    /// The lanes that are known to have a consumer.
    lanes: Mutex<HashSet<Lane>>,
    /// How many connections there had been.
    connects: u64,
}

/// Makes what is missing, once for each connection and whenever there is a doubt.
#[derive(Debug)]
pub(crate) struct Topology {
    pub link: Link,
    pub names: Names,
    config: Value,
    bytes_max: u64,
    lease_ns: u64,
    made: Gate<Option<Arc<Made>>>,
}

impl Topology {
    /// Over this connection; nothing is made yet.
    pub fn new(link: Link, names: Names, settings: &Settings) -> Self {
        let config = json!({
            "name": names.stream(),
            // Metadata would be the place, but 2.9 drops it.
            "description": description(settings),
            "subjects": [names.all_work()],
            "retention": "workqueue",
            "max_bytes": settings.bytes_max,
            "max_msgs_per_subject": 1,
            "discard": "new",
            "discard_new_per_subject": true,
            "storage": settings.storage.name(),
            "num_replicas": settings.replicas,
            // The server itself tells of what it has taken: a publisher that dies cannot leave it unsaid.
            "republish": {
                "src": names.all_work(),
                "dest": names.all_wake(),
                "headers_only": true,
            },
        });
        let lease_ns = u64::try_from(settings.lease.as_nanos()).unwrap_or(u64::MAX);
        Self { link, names, config, bytes_max: settings.bytes_max, lease_ns, made: Gate::new(None) }
    }

    /// The stream; made if it is missing. Costs nothing while the connection lasts.
    pub async fn stream(&self) -> Result<Arc<Made>, NatsError> {
        let mut known = self.made.lock().await;
        let connects = self.link.connects();
        if let Some(made) = known.as_ref().filter(|made| made.connects == connects) {
            return Ok(Arc::clone(made));
        }
        let mark = self.make_stream().await?;
        if known.as_ref().is_some_and(|before| before.mark != mark) {
            tracing::warn!("the work queue on NATS was lost, and was made anew");
        }
        let made = Arc::new(Made { mark, lanes: Mutex::default(), connects });
        *known = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Looks anew the next time: something was missing that should be there.
    pub async fn doubt(&self) {
        let mut known = self.made.lock().await;
        if let Some(made) = known.take() {
            // Zero connections there never were, so this is looked at anew; the mark is still compared.
            let again = Made { mark: made.mark.clone(), lanes: Mutex::default(), connects: 0 };
            *known = Some(Arc::new(again));
        }
    }

    async fn make_stream(&self) -> Result<String, NatsError> {
        let name = self.names.stream();
        let answer = match self.link.api(THE_STREAM, &format!("STREAM.CREATE.{name}"), &self.config).await {
            Err(NatsError::Refused { code: OTHER_SETTINGS, .. }) => self.change_stream(&name).await?,
            Err(NatsError::Refused { code: OVERLAP, said, .. }) => return Err(self.taken(said)),
            answer => self.with_room(answer)?,
        };
        compare(THE_STREAM, &self.config, answer.get("config"))?;
        let made = answer.get("created").and_then(Value::as_str).unwrap_or_default();
        Ok(made.chars().filter(char::is_ascii_digit).collect())
    }

    /// Changes a stream that is ours to what is asked for now.
    async fn change_stream(&self, name: &str) -> Result<Value, NatsError> {
        let found = self.link.api(THE_STREAM, &format!("STREAM.INFO.{name}"), &Value::Null).await?;
        let whose = |config: &Value| config.get("description").and_then(Value::as_str).map(str::to_owned);
        let other = found.get("config").and_then(whose);
        if other != whose(&self.config) {
            return Err(self.taken(other.unwrap_or_else(|| format!("a stream of the name {name}"))));
        }
        self.with_room(self.link.api(THE_STREAM, &format!("STREAM.UPDATE.{name}"), &self.config).await)
    }

    fn taken(&self, by: String) -> NatsError {
        NatsError::Taken { prefix: self.names.prefix().to_owned(), by }
    }

    fn with_room(&self, answer: Result<Value, NatsError>) -> Result<Value, NatsError> {
        match answer {
            Err(NatsError::Refused { code, said, .. }) if NO_ROOM.contains(&code) => {
                Err(NatsError::NoRoom { bytes_max: self.bytes_max, said })
            }
            answer => answer,
        }
    }

    /// Makes the consumer of a lane, if it is not known to be there; gives its name.
    pub async fn consumer(&self, made: &Made, lane: Lane) -> Result<String, NatsError> {
        let name = lane.consumer(&made.mark);
        let lanes = || made.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes().contains(&lane) {
            return Ok(name);
        }
        let stream = self.names.stream();
        let config = json!({
            "durable_name": name,
            "deliver_policy": "all",
            "replay_policy": "instant",
            "ack_policy": "explicit",
            "ack_wait": self.lease_ns,
            "max_deliver": -1,
            "max_ack_pending": -1,
            "filter_subject": self.names.lane(lane),
        });
        let body = json!({ "stream_name": stream, "config": config });
        let answer = self.link.api(A_CONSUMER, &format!("CONSUMER.DURABLE.CREATE.{stream}.{name}"), &body).await?;
        compare(A_CONSUMER, &config, answer.get("config"))?;
        lanes().insert(lane);
        Ok(name)
    }
}

/// What stands beside the stream, and tells installations apart.
fn description(settings: &Settings) -> String {
    format!("the work of the Dragoman installation {}", settings.installation)
}

/// Whether everything that was asked for came of it: servers drop in silence what they do not know.
pub(crate) fn compare(what: &'static str, asked: &Value, echoed: Option<&Value>) -> Result<(), NatsError> {
    let asked = asked.as_object().into_iter().flatten();
    for (field, asked) in asked {
        let is = echoed.and_then(|echoed| echoed.get(field)).unwrap_or(&Value::Null);
        if is != asked {
            let (asked, is) = (asked.to_string(), is.to_string());
            return Err(NatsError::Differs { what, field: field.clone(), asked, is });
        }
    }
    Ok(())
}
