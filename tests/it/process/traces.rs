//! Traces: what somebody asks for carries its trace through every stream and to every attempt.

use super::{house::House, request::requests, told::Fault};
use application::{
    ports::trace::{TraceContext, Traces},
    process_manager::Ending,
};
use domain::{
    dubbing::DubbingCommand,
    flow::{Scope, Stage, rows},
};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

const ONE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OTHER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Remembers what it was told. Nothing is ever current.
#[derive(Default)]
pub struct Noted {
    parents: Mutex<Vec<String>>,
    failures: Mutex<Vec<String>>,
}

impl Traces for Noted {
    fn adopt(&self, _span: &tracing::Span, parent: &TraceContext) {
        self.parents.lock().unwrap_or_else(PoisonError::into_inner).push(parent.to_string());
    }

    fn current(&self) -> Option<TraceContext> {
        None
    }

    fn fail(&self, _span: &tracing::Span, code: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(code.to_owned());
    }
}

fn taken(noted: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Streams with events after a position, each of which must belong to this trace.
async fn streams_of(house: &House, after: u64, trace: &str) -> BTreeSet<String> {
    let page = house.log().read_log(after, 10_000).await.unwrap_or_else(|error| panic!("{error}"));
    for event in &page.events {
        assert_eq!(event.traceparent.as_deref(), Some(trace), "{} at {}", event.stream, event.position);
    }
    page.events.iter().map(|event| event.stream.to_string()).collect()
}

async fn ask(house: &House, language: &str, trace: &str) {
    let meta = house.by_user().traced(Some(trace.to_owned()));
    let command = DubbingCommand::RequestTracks { tracks: requests(&[language]), delivery: None };
    house.give_as(command, &meta).await;
}

#[tokio::test(start_paused = true)]
async fn the_trace_of_an_order_reaches_the_tracks_and_every_attempt() {
    let house = House::begin(&["es"]).await;
    let begun = house.head().await;
    ask(&house, "ca", ONE).await;
    assert_eq!(house.drive().await, Ending::Settled);
    let streams = streams_of(&house, begun, ONE).await;
    assert_eq!(streams.len(), 3, "the dubbing and both tracks: {streams:?}");
    let parents = taken(&house.traces().parents);
    assert_eq!(parents.len(), rows(Scope::Dubbing).count() + 2 * rows(Scope::Track).count());
    assert!(parents.iter().all(|parent| parent == ONE), "{parents:?}");
    assert_eq!(taken(&house.traces().failures), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_later_has_the_trace_of_its_own_request() {
    let house = House::begin(&["es"]).await;
    ask(&house, "ca", ONE).await;
    assert_eq!(house.drive().await, Ending::Settled);
    let settled = house.head().await;
    ask(&house, "fr", OTHER).await;
    assert_eq!(house.drive().await, Ending::Settled);
    let streams = streams_of(&house, settled, OTHER).await;
    assert_eq!(streams.len(), 2, "the dubbing and the new track: {streams:?}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_is_marked_in_its_span() {
    let house = House::begin(&["es"]).await;
    house.break_stage(Stage::Mix, [Fault::Transient]);
    house.break_stage(Stage::Sign, [Fault::Missing]);
    assert_eq!(house.drive().await, Ending::Parked);
    assert_eq!(taken(&house.traces().failures), ["engine-failed", "engine-missing"]);
}
