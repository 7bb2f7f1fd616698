//! Charges say what was ordered, and take back what was never taken in.

use super::{folded, runner};
use crate::usage_index::UsageRows;
use application::{
    ports::{
        event_log::{DomainEvent, Recorded, StreamId, Tenant},
        read_store::ReadStore,
        usage_index::UsageIndex,
    },
    quotas::Charge,
    testing::{MemoryReadStore, RecordedLog, story::Story},
};
use domain::{
    asset::AssetEvent,
    dubbing::{Dubbing, DubbingEvent, Fork, IngestedSource, Order, Transcript},
    flow::Stage,
    value::{Artefact, AssetId, DubbingId, Personal, Sha256, Timestamp},
};
use std::sync::Arc;

const LENGTH_MS: u64 = 60_000;
/// 2026-01-31T23:59:00Z, and two minutes later.
const JANUARY: u64 = 1_769_903_940_000;
const FEBRUARY: u64 = JANUARY + 120_000;

/// Events, one after another, as a log would hold them.
#[derive(Default)]
struct Tale {
    events: Vec<Recorded>,
    sample: Option<Recorded>,
}

impl Tale {
    fn new() -> Self {
        Self { events: vec![], sample: Story::of_events(1, 1, 3).events().first().cloned() }
    }

    fn write(&mut self, stream: StreamId, at_ms: u64, command: u64, event: DomainEvent) {
        let position = self.events.len() as u64 + 1;
        let sample = self.sample.clone().expect("a sample");
        self.events.push(Recorded {
            position,
            stream,
            revision: position,
            event_id: id(position).0,
            recorded_at: Timestamp::from_unix_ms(at_ms),
            tenant: Tenant::default(),
            command_id: id(command).0,
            event,
            ..sample
        });
    }

    fn dubbing(&mut self, number: u64, at_ms: u64, command: u64, events: Vec<DubbingEvent>) {
        for event in events {
            let stream = StreamId::Dubbing(id(number));
            self.write(stream, at_ms, command, DomainEvent::Dubbing(event));
        }
    }

    async fn check(&self, expected: &[(&str, Charge)]) {
        let store = Arc::new(MemoryReadStore::new());
        runner(&Arc::new(RecordedLog::new(self.events.clone())), &store).catch_up().await.unwrap();
        let rows = UsageRows::new(store as Arc<dyn ReadStore>);
        for (month, charge) in expected {
            assert_eq!(rows.ordered(&Tenant::default(), month).await.unwrap(), *charge, "{month}");
        }
        let other = rows.ordered(&Tenant("other".to_owned()), "2026-01").await.unwrap();
        assert_eq!(other, Charge::default());
    }
}

fn id(number: u64) -> DubbingId {
    format!("01980000-0000-7000-8000-{number:012x}").parse().expect("an id")
}

fn file() -> Artefact {
    Artefact { sha256: Sha256::new([7; 32]), media_type: "video/mp4".to_owned(), bytes: 1 }
}

fn started(asset: Option<u64>, from: Option<Stage>) -> DubbingEvent {
    let dubbing = id(99);
    DubbingEvent::VideoGenerationStarted {
        identity: Sha256::new([1; 32]),
        source: file(),
        name: Personal::new("a".to_owned()),
        audio_stream: None,
        source_language: "en".parse().expect("a language"),
        language_assumed: false,
        transcript: Transcript::Recognised,
        delivery: None,
        order: Order {
            asset: asset.map(|asset| AssetId(id(asset).0)),
            forked_from: from.map(|stage| Fork { dubbing, stage }),
            ..Order::default()
        },
    }
}

fn language() -> DubbingEvent {
    let story = Story::of_events(3, 1, 40);
    let is_request =
        |event: &&Recorded| matches!(event.event, DomainEvent::Dubbing(DubbingEvent::TrackRequested { .. }));
    match story.events().iter().find(is_request).map(|event| event.event.clone()) {
        Some(DomainEvent::Dubbing(event)) => event,
        _ => panic!("no language was asked for"),
    }
}

fn taken_in() -> DubbingEvent {
    DubbingEvent::SourceIngested(IngestedSource {
        media: file(),
        signed: false,
        container: "video/mp4".to_owned(),
        duration_ms: LENGTH_MS,
        picture: None,
        audio_stream: 0,
        audio_codec: "audio/mpeg".to_owned(),
        audio_channels: 1,
        subtitles: vec![],
    })
}

fn validated(tale: &mut Tale, asset: u64) {
    let story = Story::of_events(40, 3, 3_000);
    let found = story.events().iter().find_map(|event| match &event.event {
        DomainEvent::Asset(AssetEvent::AssetValidated(found)) => Some(found.clone()),
        _ => None,
    });
    let mut found = found.expect("an asset that is ready");
    found.duration_ms = LENGTH_MS;
    let stream = StreamId::Asset(AssetId(id(asset).0));
    tale.write(stream, JANUARY, 1, DomainEvent::Asset(AssetEvent::AssetValidated(found)));
}

fn charge(sources: u64, transcripts: u64, languages: [u64; 3]) -> Charge {
    Charge {
        source_ms: sources * LENGTH_MS,
        transcribe_ms: transcripts * LENGTH_MS,
        translate_ms: languages[0] * LENGTH_MS,
        synthesise_ms: languages[1] * LENGTH_MS,
        finish_ms: languages[2] * LENGTH_MS,
    }
}

#[tokio::test]
async fn an_order_counts_at_once_and_in_its_month() {
    let mut tale = Tale::new();
    validated(&mut tale, 5);
    tale.dubbing(6, JANUARY, 2, vec![started(Some(5), None), language(), language()]);
    tale.check(&[("2026-01", charge(1, 1, [2, 2, 2])), ("2026-02", Charge::default())]).await;
    // Taken in later, and one more language.
    tale.dubbing(6, FEBRUARY, 3, vec![taken_in()]);
    tale.dubbing(6, FEBRUARY, 4, vec![language()]);
    tale.check(&[("2026-01", charge(1, 1, [2, 2, 2])), ("2026-02", charge(0, 0, [1, 1, 1]))]).await;
}

#[tokio::test]
async fn a_source_of_unknown_length_counts_once_it_is_taken_in() {
    let mut tale = Tale::new();
    tale.dubbing(6, JANUARY, 2, vec![started(None, None), language()]);
    tale.check(&[("2026-01", Charge::default())]).await;
    tale.dubbing(6, FEBRUARY, 3, vec![taken_in(), language()]);
    tale.check(&[("2026-01", charge(1, 1, [1, 1, 1])), ("2026-02", charge(0, 0, [1, 1, 1]))]).await;
    tale.dubbing(6, FEBRUARY, 4, vec![taken_in()]);
    tale.check(&[("2026-01", charge(1, 1, [1, 1, 1]))]).await;
}

#[tokio::test]
async fn a_fork_is_charged_from_its_stage_on_and_its_later_languages_whole() {
    let mut tale = Tale::new();
    validated(&mut tale, 5);
    let fork = started(Some(5), Some(Stage::Synthesise));
    tale.dubbing(6, JANUARY, 2, vec![fork, taken_in(), language()]);
    tale.check(&[("2026-01", charge(1, 0, [0, 1, 1]))]).await;
    tale.dubbing(6, JANUARY, 3, vec![language()]);
    tale.check(&[("2026-01", charge(1, 0, [1, 2, 2]))]).await;
}

#[tokio::test]
async fn what_ends_before_it_was_taken_in_is_taken_back() {
    for off in [DubbingEvent::VideoGenerationCancelled, DubbingEvent::VideoGenerationFailed { code: "a".to_owned() }] {
        let mut tale = Tale::new();
        validated(&mut tale, 5);
        tale.dubbing(6, JANUARY, 2, vec![started(Some(5), None), language(), off.clone()]);
        tale.check(&[("2026-01", Charge::default())]).await;
        tale.dubbing(7, JANUARY, 3, vec![started(Some(5), None), language(), taken_in(), off]);
        tale.check(&[("2026-01", charge(1, 1, [1, 1, 1]))]).await;
    }
}

#[tokio::test]
async fn what_is_charged_is_what_stories_tell() {
    for seed in 0..6 {
        let story = Story::of_events(seed, 3, 900);
        let models = folded(story.events()).await;
        let charged: u64 = models["charges"].iter().filter_map(|row| row["source_ms"].as_u64()).sum();
        // Nothing is known of the assets that dubbings of stories name: each counts once it is taken in.
        let taken_in = |dubbing: &Dubbing| dubbing.source.as_ref().map(|source| source.duration_ms);
        assert_eq!(charged, story.dubbings().values().filter_map(taken_in).sum::<u64>(), "{seed}");
    }
}
