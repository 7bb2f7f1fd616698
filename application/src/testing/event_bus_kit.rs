//! The conformance kit of event buses: every adapter passes it.

#![expect(clippy::expect_used, reason = "a kit fails by panicking, in tests")]

use crate::ports::{
    event_bus::{BusError, BusPage, EventBus, Fence, Held, Mark, Notice, ToldEvent},
    event_log::{StreamId, Tenant},
};
use domain::value::DubbingId;
use uuid::Uuid;

/// Rounds in which two publish at the same time.
const ROUNDS: u64 = 50;
/// Events of a page.
const PAGE: u64 = 20;

/// The promises of the port, on a bus that holds nothing. Gives the positions of the events that were told: there they
/// stand in this order, each once.
pub async fn check(bus: &dyn EventBus) -> Vec<u64> {
    let begin = bus.held().await.expect("held");
    assert_eq!((begin.published, begin.noticed), (None, None), "it holds nothing");
    let first = page(1);
    let fence = bus.publish(&begin.fence, &first).await.expect("published");
    holds(bus, &fence, &first).await;
    assert_eq!(bus.held().await.expect("held"), bus.held().await.expect("held"), "looking changes nothing");

    for stale in [begin.fence, Fence { incarnation: "another".to_owned(), ..fence.clone() }] {
        let refused = bus.publish(&stale, &page(PAGE + 1)).await;
        assert!(matches!(refused, Err(BusError::Moved)), "a state that has passed: {refused:?}");
        holds(bus, &fence, &first).await;
    }

    let quiet = BusPage { events: vec![], notices: page(PAGE + 1).notices };
    let fence = bus.publish(&fence, &quiet).await.expect("published");
    let held = bus.held().await.expect("held");
    assert_eq!(held.published, first.events.last().map(|event| event.mark), "nothing was told");
    assert_eq!((held.noticed, held.fence), (Some(mark(2 * PAGE)), fence.clone()), "and yet the log has come further");

    let raced = 2 * PAGE + 1..=(2 + ROUNDS) * PAGE;
    race(bus, fence, *raced.start()).await;
    (1..=PAGE).chain(raced).collect()
}

/// Two publish the same pages upon the same state, again and again: all of it is told once, and who hears that it got on
/// knows where the bus is.
async fn race(bus: &dyn EventBus, mut fence: Fence, from: u64) {
    for round in 0..ROUNDS {
        let page = page(from + round * PAGE);
        let (one, other) = tokio::join!(bus.publish(&fence, &page), bus.publish(&fence, &page));
        let ended = [one, other];
        let mut held = bus.held().await.expect("held");
        assert_eq!(held.published, page.events.last().map(|event| event.mark), "all of it was told");
        for refused in ended.iter().filter_map(|ended| ended.as_ref().err()) {
            assert!(matches!(refused, BusError::Moved), "{refused}");
        }
        let due = page.notices.last().map(|notice| notice.mark);
        if held.noticed != due {
            // Each was in the other's way: whoever looks where the bus is goes on there.
            let rest = BusPage { events: vec![], notices: page.notices };
            bus.publish(&held.fence, &rest).await.expect("published");
            held = bus.held().await.expect("held");
        }
        for now in ended.into_iter().flatten() {
            assert_eq!(now, held.fence);
        }
        assert_eq!(held.noticed, due);
        fence = held.fence;
    }
}

async fn holds(bus: &dyn EventBus, fence: &Fence, page: &BusPage) {
    let due = Held {
        published: page.events.last().map(|event| event.mark),
        noticed: page.notices.last().map(|notice| notice.mark),
        fence: fence.clone(),
    };
    assert_eq!(bus.held().await.expect("held"), due);
}

fn mark(position: u64) -> Mark {
    Mark { position, event: Uuid::from_u128(position.into()) }
}

/// A page of events from this position on.
fn page(first: u64) -> BusPage {
    let stream = StreamId::Dubbing(DubbingId(Uuid::from_u128(7)));
    let event = |position| ToldEvent {
        mark: mark(position),
        stream: stream.clone(),
        event_type: "StageStarted".to_owned(),
        tenant: Tenant::default(),
        traceparent: position.is_multiple_of(2).then(|| format!("00-{position:032x}-{position:016x}-01")),
        body: format!("{{\"position\":{position}}}"),
    };
    let asset = StreamId::Asset(domain::value::AssetId(Uuid::from_u128(8)));
    let last = first + PAGE - 1;
    let notices =
        vec![Notice { mark: mark(last - 1), stream: asset }, Notice { mark: mark(last), stream: stream.clone() }];
    BusPage { events: (first..=last).map(event).collect(), notices }
}
