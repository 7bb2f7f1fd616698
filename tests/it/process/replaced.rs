//! What was replaced goes after its time; what a state of anybody refers to stays.

use super::{
    collected::{At, HOUR_MS, Keeping, handlers},
    house::{House, JOB},
    request::{language, start},
    told::lock,
};
use application::{
    aggregates::{Aggregates, CommandMeta},
    commands::{
        collect_blobs::{CollectBlobs, Collected, Removed},
        withdraw_track::WithdrawTrack,
    },
    ports::{blob_store::BlobStore, clock::Clock, event_log::StreamId},
    process_manager::Ending,
    testing::MemoryKeyVault,
};
use blob_store::LocalBlobStore;
use domain::{
    dubbing::{Dubbing, DubbingCommand},
    flow::Stage,
    glossary::{Content, Glossary, GlossaryCommand},
    value::{Artefact, DubbingId, GlossaryId, Personal, Timestamp, TrackId},
};
use event_codec::EventCodec;
use event_log_memory::MemoryEventLog;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

const DAY_MS: u64 = 24 * HOUR_MS;
const MIXES: Keeping = Keeping { stage: Stage::Mix, hangs_at_first: false };
const GLOSSARY: StreamId = StreamId::Glossary(GlossaryId(Uuid::from_u128(1)));

/// A clock that is set.
struct Set(AtomicU64);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// A store on the disk, and a log whose clock is set: what was put now may be replaced whenever it is to be.
struct Desk {
    _folder: tempfile::TempDir,
    blobs: Arc<dyn BlobStore>,
    log: Arc<MemoryEventLog>,
    clock: Arc<Set>,
    put_at: u64,
}

impl Desk {
    async fn with(texts: &[&str]) -> (Self, Vec<Artefact>) {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let blobs = LocalBlobStore::open(folder.path()).unwrap_or_else(|error| panic!("{error}"));
        let blobs: Arc<dyn BlobStore> = Arc::new(blobs);
        let mut put = vec![];
        for text in texts {
            let blob = blobs.put_bytes(text.as_bytes().to_vec(), "text/csv").await;
            put.push(blob.unwrap_or_else(|error| panic!("{error}")));
        }
        let listed = blobs.list(None, texts.len()).await.unwrap_or_else(|error| panic!("{error}"));
        let put_at = listed.iter().map(|blob| blob.put_at.unix_ms()).max().unwrap_or_default() + 1;
        let clock = Arc::new(Set(AtomicU64::new(put_at)));
        let codec = EventCodec::new("main", Arc::new(MemoryKeyVault::new(1)));
        let log = Arc::new(MemoryEventLog::new(codec, clock.clone()));
        (Self { _folder: folder, blobs, log, clock, put_at }, put)
    }

    /// So many days after everything was put, or before.
    fn on_day(&self, day: i64) {
        let ms = day.unsigned_abs() * DAY_MS;
        let at = if day < 0 { self.put_at - ms } else { self.put_at + ms };
        self.clock.0.store(at, Ordering::SeqCst);
    }

    async fn glossary(&self, command: GlossaryCommand) {
        let meta = CommandMeta::fresh("test", Uuid::new_v4());
        let given = Aggregates::new(self.log.clone()).execute::<Glossary>(&GLOSSARY, command, &meta).await;
        given.unwrap_or_else(|error| panic!("{error}"));
    }

    async fn collect(&self) -> Collected {
        let collector = CollectBlobs {
            log: self.log.clone(),
            blobs: Arc::clone(&self.blobs),
            clock: self.clock.clone(),
            grace: Duration::from_millis(DAY_MS),
            replaced_after: Duration::from_millis(30 * DAY_MS),
        };
        let trial = collector.run(true).await.unwrap_or_else(|error| panic!("{error}"));
        let collected = collector.run(false).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(trial, collected, "a trial tells what a round does");
        collected
    }

    async fn has(&self, blobs: &[Artefact]) -> Vec<bool> {
        let mut has = vec![];
        for blob in blobs {
            has.push(self.blobs.has(&blob.sha256).await.unwrap_or_else(|error| panic!("{error}")));
        }
        has
    }
}

fn content(terms: &Artefact) -> Content {
    Content { name: Personal::new("terms".to_owned()), language: None, terms: terms.clone(), count: 1 }
}

#[tokio::test]
async fn what_was_replaced_goes_after_its_time_and_what_is_in_force_never() {
    let (desk, put) = Desk::with(&["first", "second"]).await;
    let [first, second] = [&put[0], &put[1]];
    let replaced = |blob: &Artefact, seen| Collected {
        seen,
        replaced: Removed { blobs: 1, bytes: blob.bytes },
        ..Collected::default()
    };
    desk.glossary(GlossaryCommand::Create(content(first))).await;
    desk.on_day(10);
    desk.glossary(GlossaryCommand::Replace(content(second))).await;
    for day in [10, 39] {
        desk.on_day(day);
        assert_eq!(desk.collect().await, Collected { seen: 2, ..Collected::default() }, "day {day}");
    }
    desk.on_day(41);
    assert_eq!(desk.collect().await, replaced(first, 2));
    assert_eq!(desk.has(&put).await, [false, true]);
    desk.on_day(1_000);
    assert_eq!(desk.collect().await, Collected { seen: 1, ..Collected::default() }, "it is in force");
    desk.glossary(GlossaryCommand::Remove).await;
    desk.on_day(1_029);
    assert_eq!(desk.collect().await, Collected { seen: 1, ..Collected::default() });
    desk.on_day(1_031);
    assert_eq!(desk.collect().await, replaced(second, 1));
    assert_eq!(desk.has(&put).await, [false, false]);
}

#[tokio::test]
async fn what_was_put_again_since_may_be_about_to_be_reported() {
    let (desk, put) = Desk::with(&["first", "second"]).await;
    // All that is known of them is long past; the bytes came again on day 0.
    desk.on_day(-90);
    desk.glossary(GlossaryCommand::Create(content(&put[0]))).await;
    desk.on_day(-80);
    desk.glossary(GlossaryCommand::Replace(content(&put[1]))).await;
    desk.on_day(29);
    assert_eq!(desk.collect().await, Collected { seen: 2, ..Collected::default() });
    desk.on_day(31);
    assert_eq!(desk.collect().await.replaced.blobs, 1);
    assert_eq!(desk.has(&put).await, [false, true]);
}

#[tokio::test]
async fn what_somebody_else_refers_to_stays() {
    let (desk, put) = Desk::with(&["first", "second"]).await;
    desk.glossary(GlossaryCommand::Create(content(&put[0]))).await;
    let mut order = start(&["es"]);
    order.tracks[0].settings.glossary = Some(put[0].clone());
    let (job, meta) = (DubbingId(Uuid::from_u128(2)), CommandMeta::fresh("test", Uuid::new_v4()));
    let begin = DubbingCommand::Start(Box::new(order));
    let begun = Aggregates::new(desk.log.clone()).execute::<Dubbing>(&StreamId::Dubbing(job), begin, &meta).await;
    begun.unwrap_or_else(|error| panic!("{error}"));
    desk.on_day(1);
    desk.glossary(GlossaryCommand::Replace(content(&put[1]))).await;
    desk.on_day(1_000);
    assert_eq!(desk.collect().await, Collected { seen: 2, ..Collected::default() });
    assert_eq!(desk.has(&put).await, [true, true]);
}

#[tokio::test(start_paused = true)]
async fn what_was_made_anew_or_withdrawn_goes() {
    let kept = Arc::default();
    let house = House::begin(&["es"]).await.with_handlers(handlers(&kept, MIXES));
    assert_eq!(house.drive().await, Ending::Settled);
    let from = Some(Stage::Mix);
    house.give(DubbingCommand::Regenerate { language: language("es"), from, request: 1 }).await;
    assert_eq!(house.drive().await, Ending::Settled);
    let mixes: Vec<Artefact> = lock(&kept).clone();
    assert_eq!(mixes.len(), 2, "mixed twice");

    let blobs = house.blobs();
    let listed = blobs.list(None, 10).await.unwrap_or_else(|error| panic!("{error}"));
    let put_at = listed.iter().map(|blob| blob.put_at.unix_ms()).max().unwrap_or_default();
    let collect = async || {
        let day = Duration::from_millis(DAY_MS);
        let clock = Arc::new(At(Timestamp::from_unix_ms(put_at + 2 * DAY_MS)));
        let (log, blobs) = (house.log(), Arc::clone(&blobs));
        let collector = CollectBlobs { log, blobs, clock, grace: day, replaced_after: day };
        collector.run(false).await.unwrap_or_else(|error| panic!("{error}"))
    };
    let removed = |blob: &Artefact| Removed { blobs: 1, bytes: blob.bytes };
    assert_eq!(collect().await, Collected { seen: 2, replaced: removed(&mixes[0]), ..Collected::default() });

    let withdraw = WithdrawTrack { aggregates: Arc::new(Aggregates::new(house.log())) };
    let es = TrackId { dubbing: JOB, language: language("es") };
    withdraw.run(&es, &house.by_user()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(house.drive().await, Ending::Settled);
    assert_eq!(collect().await, Collected { seen: 1, replaced: removed(&mixes[1]), ..Collected::default() });
    assert!(blobs.list(None, 10).await.unwrap_or_else(|error| panic!("{error}")).is_empty());
}
