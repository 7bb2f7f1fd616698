//! What is said of a page of the log: a pure function.

use crate::{
    ports::{
        event_bus::{BusPage, Mark, Notice, ToldEvent},
        event_log::Recorded,
    },
    public_events::public,
    webhooks::payload::body,
};
use std::collections::BTreeMap;

/// A notice for each category of streams, and the public events after `told`, up to which they were published before.
pub(super) fn messages(events: &[Recorded], told: u64) -> BusPage {
    let mut latest: BTreeMap<&'static str, &Recorded> = BTreeMap::new();
    latest.extend(events.iter().map(|recorded| (recorded.stream.category(), recorded)));
    let mut notices: Vec<Notice> =
        latest.into_values().map(|last| Notice { mark: mark(last), stream: last.stream.clone() }).collect();
    notices.sort_unstable_by_key(|notice| notice.mark.position);
    let events = events.iter().filter(|recorded| recorded.position > told).filter_map(event).collect();
    BusPage { events, notices }
}

fn mark(recorded: &Recorded) -> Mark {
    Mark { position: recorded.position, event: recorded.event_id }
}

/// What outsiders are told of an event, if it is public.
fn event(recorded: &Recorded) -> Option<ToldEvent> {
    let event = public(recorded)?;
    Some(ToldEvent {
        mark: mark(recorded),
        stream: recorded.stream.clone(),
        event_type: event.kind.camel_name(),
        tenant: recorded.tenant.clone(),
        traceparent: recorded.traceparent.clone(),
        body: body(&event),
    })
}
