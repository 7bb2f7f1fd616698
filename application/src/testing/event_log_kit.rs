//! The conformance kit of the event log: every promise in the port's header, as a check.
//!
//! An adapter's test calls [`run`] with a way to make a fresh log. Deliberately absent: what only a
//! durable log can show (closing and opening again, crashes, tampering, full disks); those stand with
//! the adapter. Each adapter is checked as far as the capabilities that it declares.

mod concurrent;
mod single;

use super::{ManualClock, MemoryKeyVault};
use crate::ports::event_log::{Append, Appended, DomainEvent, EventLog, Recorded, StreamId, Tenant};
use domain::{
    dubbing::{DubbingEvent, TranscribedUtterance},
    value::{DubbingId, Personal, Sha256, Span, TrackId, UtteranceId},
};
use std::{any::Any, future::Future, sync::Arc};
use uuid::Uuid;

/// A fresh, empty log, with the clock and the vault it uses.
pub struct Subject {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Its vault.
    pub vault: Arc<MemoryKeyVault>,
    /// What must live as long: a temporary folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Checks every promise, each on a fresh log. Panics at the first that is broken. To be called in a
/// runtime of several threads.
pub async fn run<Made: Future<Output = Subject>>(make: impl Fn() -> Made) {
    single::a_new_log_is_empty(&make().await).await;
    single::what_is_appended_is_read_back(&make().await).await;
    single::a_stream_is_whose_its_first_event_is(&make().await).await;
    single::ids_follow_from_the_command(&make().await, &make().await).await;
    single::revisions_are_checked(&make().await).await;
    single::a_repeated_command_returns_its_first_outcome(&make().await).await;
    single::a_command_is_known_per_tenant_and_stream(&make().await).await;
    single::pages_are_whole_and_bounded(&make().await).await;
    single::time_never_runs_backwards(&make().await).await;
    single::erasure_hides_and_breaks_nothing(&make().await).await;
    single::senseless_appends_are_refused(&make().await).await;
    single::large_appends_are_whole(&make().await).await;
    concurrent::each_revision_has_one_winner(&make().await).await;
    concurrent::bad_appends_do_not_hurt_others(&make().await).await;
    concurrent::the_same_command_at_once_is_written_once(&make().await).await;
    concurrent::what_is_decided_again_amid_others_is_written_once(&make().await).await;
    concurrent::readers_see_everything_once_and_in_order(&make().await).await;
}

/// The dubbing of this number.
pub fn dubbing(number: u64) -> DubbingId {
    DubbingId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(number)))
}

/// The stream of the dubbing of this number.
pub fn stream(number: u64) -> StreamId {
    StreamId::Dubbing(dubbing(number))
}

/// The stream of the dubbing's Spanish track.
pub fn track_stream(number: u64) -> StreamId {
    #[expect(clippy::expect_used, reason = "the tag is written here")]
    let language = "es".parse().expect("a language");
    StreamId::Track(TrackId { dubbing: dubbing(number), language })
}

/// An event with nothing personal in it.
pub fn plain(cues: u32) -> DomainEvent {
    DomainEvent::Dubbing(DubbingEvent::TranscriptImported { cues, left_out: 0 })
}

/// An event with what someone says.
pub fn speech(text: &str) -> DomainEvent {
    DomainEvent::Dubbing(DubbingEvent::UtteranceTranscribed(TranscribedUtterance {
        utterance: UtteranceId(1),
        span: Span::lasting(0, 900),
        text: Personal::new(text.to_owned()),
        confidence: None,
        cues: vec![Span::lasting(0, 900)],
        words: Personal::new(Vec::new()),
        speaker_name: None,
    }))
}

/// An append by the command of this number, whose fingerprint follows from the number too.
pub fn append(command: u64, stream: StreamId, expected_revision: u64, events: Vec<DomainEvent>) -> Append {
    let mut fingerprint = [1; 32];
    fingerprint[..8].copy_from_slice(&command.to_be_bytes());
    Append {
        tenant: Tenant::default(),
        actor: "kit".to_owned(),
        command_id: Uuid::from_u128(u128::from(command) + 1),
        fingerprint: Sha256::new(fingerprint),
        causation_id: None,
        traceparent: None,
        stream,
        expected_revision,
        under: None,
        events,
    }
}

/// Everything in the log, read in pages. Panics unless positions grow, and without holes where that is promised.
pub async fn everything(log: &dyn EventLog) -> Vec<Recorded> {
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.position);
        #[expect(clippy::expect_used, reason = "a kit for tests fails by panicking")]
        let page = log.read_log(after, 700).await.expect("a page");
        if page.events.is_empty() {
            assert_positions(log, &events);
            return events;
        }
        events.extend(page.events);
    }
}

fn assert_positions(log: &dyn EventLog, events: &[Recorded]) {
    let mut before = 0;
    for event in events {
        assert!(follows(log, before, event.position), "{} after {before}", event.position);
        before = event.position;
    }
}

/// Whether an event may have this position when `before` is that of the event before it; 0 for the first.
pub(crate) fn follows(log: &dyn EventLog, before: u64, position: u64) -> bool {
    if log.capabilities().dense_positions { position == before + 1 } else { position > before }
}

/// The position of the event of this number, from 1: the number itself where positions are dense.
pub async fn nth(log: &dyn EventLog, number: u64) -> u64 {
    if log.capabilities().dense_positions {
        return number;
    }
    let place = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
    #[expect(clippy::expect_used, reason = "a kit for tests fails by panicking")]
    everything(log).await.get(place).expect("so many events").position
}

/// Panics unless the log verifies without a fault and holds this many events.
pub async fn assert_sound(log: &dyn EventLog, events: u64) {
    #[expect(clippy::expect_used, reason = "a kit for tests fails by panicking")]
    let found = log.verify().await.expect("a verification");
    assert_eq!(found.faults, Vec::<String>::new());
    assert_eq!(found.events, events);
}

/// Where something was written, and whether it had been before.
pub fn place_of(appended: Appended) -> (u64, u64, bool) {
    (appended.position, appended.revision, appended.replayed)
}

/// The place of something written now, whose last event is the log's event of this number.
pub(crate) async fn written(log: &dyn EventLog, number: u64, revision: u64) -> (u64, u64, bool) {
    (nth(log, number).await, revision, false)
}
