//! What the server is asked to keep: a stream of events for outsiders, of which the oldest go, and a stream of notices, in
//! which each category has its last one. The last notice of all is where the relay has come to, so it never grows old.

use crate::settings::{Prefixes, Settings};
use nats_connection::{Kept, Link, Plan, Prefix};
use serde_json::{Value, json};
use std::time::Duration;

/// What all this is for, in errors.
pub(crate) const PURPOSE: &str = "the event bus";
/// What messages are called in errors.
pub(crate) const AN_EVENT: &str = "an event for outsiders";
/// The same of notices.
pub(crate) const A_NOTICE: &str = "a notice of the log";

/// Room for the notices: there are as many as there are categories, of some hundred bytes each.
const NOTICES_BYTES_MAX: u64 = 1 << 20;
/// How long the server remembers ids. Numbers keep the order and tell repetitions, so it need not be long: it costs the
/// server memory.
const REMEMBERED: Duration = Duration::from_secs(30);

/// Both streams.
#[derive(Debug)]
pub(crate) struct Streams {
    pub events: Kept<()>,
    pub notices: Kept<()>,
}

impl Streams {
    /// Over this connection; nothing is made yet.
    pub fn new(link: &Link, prefixes: &Prefixes, settings: &Settings) -> Self {
        let kept = |more: Value| {
            let mut kept = json!({
                "retention": "limits",
                "discard": "old",
                "storage": settings.storage.name(),
                "num_replicas": settings.replicas,
                "duplicate_window": nanos(REMEMBERED),
            });
            if let (Some(kept), Some(more)) = (kept.as_object_mut(), more.as_object()) {
                kept.extend(more.clone());
            }
            kept
        };
        let events = Plan {
            purpose: PURPOSE,
            called: "the stream of events for outsiders",
            prefix: prefixes.events.clone(),
            name: prefixes.events.name(),
            holds: "the events",
            installation: settings.installation,
            bytes_max: settings.bytes_max,
            settings: kept(json!({
                "subjects": [format!("{}.>", prefixes.events.as_str())],
                "max_age": nanos(settings.age_max),
            })),
        };
        let notices = Plan {
            purpose: PURPOSE,
            called: "the stream of the log's notices",
            prefix: prefixes.own.clone(),
            name: notices_name(&prefixes.own),
            holds: "the notices",
            installation: settings.installation,
            bytes_max: NOTICES_BYTES_MAX,
            settings: kept(json!({
                "subjects": [notices_subjects(&prefixes.own)],
                "max_msgs_per_subject": 1,
            })),
        };
        Self { events: Kept::new(link.clone(), events), notices: Kept::new(link.clone(), notices) }
    }

    /// Looks anew at both the next time.
    pub async fn doubt(&self) {
        self.events.doubt().await;
        self.notices.doubt().await;
    }
}

/// The name of the stream of notices.
pub(crate) fn notices_name(own: &Prefix) -> String {
    format!("{}-log", own.name())
}

/// The subjects of all notices.
pub(crate) fn notices_subjects(own: &Prefix) -> String {
    format!("{}.log.>", own.as_str())
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
