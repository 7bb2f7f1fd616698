//! What the server is asked to keep: one stream, and a consumer for each lane. Whoever finds them missing makes them.
//!
//! A stream takes a second message under the same subject only when the first is gone, so work is deduplicated exactly
//! as long as it is in the queue, however often it was handed out. Deliberately absent: `Nats-Msg-Id`. Its window of time
//! would swallow work that was done without its end being recorded, and which is therefore published again.

use crate::{
    lane::{Lane, Names},
    settings::Settings,
};
use nats_connection::{Kept, Link, Made, NatsError, Plan, compare};
use serde_json::json;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

/// What all this is for, in errors.
pub(crate) const PURPOSE: &str = "the work queue";
const A_CONSUMER: &str = "a consumer of the work queue";

/// The lanes that are known to have a consumer.
type Lanes = Mutex<HashSet<Lane>>;

/// Makes what is missing, once for each connection and whenever there is a doubt.
#[derive(Debug)]
pub(crate) struct Topology {
    pub link: Link,
    pub names: Names,
    kept: Kept<Lanes>,
    lease_ns: u64,
}

impl Topology {
    /// Over this connection; nothing is made yet.
    pub fn new(link: Link, names: Names, settings: &Settings) -> Self {
        let plan = Plan {
            purpose: PURPOSE,
            called: "the stream of the work queue",
            prefix: names.prefix().clone(),
            name: names.stream(),
            holds: "the work",
            installation: settings.installation,
            bytes_max: settings.bytes_max,
            settings: json!({
                "subjects": [names.all_work()],
                "retention": "workqueue",
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
            }),
        };
        let lease_ns = u64::try_from(settings.lease.as_nanos()).unwrap_or(u64::MAX);
        Self { kept: Kept::new(link.clone(), plan), link, names, lease_ns }
    }

    /// The stream; made if it is missing. Costs nothing while the connection lasts.
    pub async fn stream(&self) -> Result<Arc<Made<Lanes>>, NatsError> {
        self.kept.stream().await
    }

    /// Looks anew the next time: something was missing that should be there.
    pub async fn doubt(&self) {
        self.kept.doubt().await;
    }

    /// Makes the consumer of a lane, if it is not known to be there; gives its name.
    pub async fn consumer(&self, made: &Made<Lanes>, lane: Lane) -> Result<String, NatsError> {
        let name = lane.consumer(&made.mark);
        let lanes = || made.known.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes().contains(&lane) {
            return Ok(name);
        }
        let stream = self.kept.name();
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
