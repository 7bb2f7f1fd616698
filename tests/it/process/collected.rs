//! What an attempt kept and never reported goes, and nothing that anybody waits for.

use super::{house::House, told::lock};
use application::{
    commands::collect_blobs::{CollectBlobs, CollectError, Collected, Removed},
    ports::{blob_store::BlobStore, clock::Clock},
    process_manager::Ending,
    stages::handler::{Attempt, Done, DubbingJob, DubbingStage, StageError, TrackJob, TrackStage},
    testing::MemoryKeyVault,
    worker::Handlers,
};
use async_trait::async_trait;
use domain::{
    dubbing::{DubbingEvent, SeparatedSound},
    flow::{Scope, Stage, rows},
    track::{MixedSound, TrackEvent},
    value::{Artefact, Decibel, Timestamp},
};
use event_codec::EventCodec;
use event_log_memory::MemoryEventLog;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

pub const HOUR_MS: u64 = 3_600_000;

/// Which of the stages keeps a blob of its own in each attempt.
#[derive(Clone, Copy)]
pub struct Keeping {
    pub stage: Stage,
    /// Whether it never comes back from the first.
    pub hangs_at_first: bool,
}

/// A stage that does nothing but keep a blob, if it is the one.
struct Keeps {
    stage: Stage,
    keeping: Keeping,
    kept: Arc<Mutex<Vec<Artefact>>>,
}

impl Keeps {
    async fn keep(&self, attempt: &Attempt) -> Result<Option<Artefact>, StageError> {
        if self.stage != self.keeping.stage {
            return Ok(None);
        }
        let before = lock(&self.kept).len();
        let sound = attempt.kit.blobs.put_bytes(format!("sound {before}").into_bytes(), "audio/wav").await?;
        lock(&self.kept).push(sound.clone());
        if self.keeping.hangs_at_first && before == 0 {
            std::future::pending::<()>().await;
        }
        Ok(Some(sound))
    }
}

#[async_trait]
impl DubbingStage for Keeps {
    async fn run(&self, job: &DubbingJob) -> Result<Done<DubbingEvent>, StageError> {
        let separated = self.keep(&job.attempt).await?.map(|sound| {
            DubbingEvent::SpeechSeparated(SeparatedSound {
                background: sound.clone(),
                speech: sound,
                separated: false,
                duration_ms: 1_000,
                loudness: Decibel::from_db(-20.0),
                true_peak: Decibel::from_db(-2.0),
            })
        });
        Ok(Done::made(separated.into_iter().collect(), vec![]))
    }
}

#[async_trait]
impl TrackStage for Keeps {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        let mixed = self.keep(&job.attempt).await?.map(|sound| {
            TrackEvent::TrackMixed(MixedSound {
                key: sound.sha256,
                sound,
                loudness: Decibel::from_db(-20.0),
                true_peak: Decibel::from_db(-2.0),
                loudness_reached: true,
                levels: None,
            })
        });
        Ok(Done::made(mixed.into_iter().collect(), vec![]))
    }
}

/// Stages that do nothing, but for one.
pub fn handlers(kept: &Arc<Mutex<Vec<Artefact>>>, keeping: Keeping) -> Handlers {
    let keeps = |stage| Keeps { stage, keeping, kept: Arc::clone(kept) };
    let handlers = rows(Scope::Dubbing).fold(Handlers::default(), |all, row| all.dubbing(row.stage, keeps(row.stage)));
    rows(Scope::Track).fold(handlers, |all, row| all.track(row.stage, keeps(row.stage)))
}

/// A clock that stands still.
pub struct At(pub Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

async fn has(blobs: &dyn BlobStore, blob: &Artefact) -> bool {
    blobs.has(&blob.sha256).await.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test(start_paused = true)]
async fn what_an_attempt_kept_before_it_died_is_collected_after_the_grace() {
    let kept = Arc::new(Mutex::new(vec![]));
    let keeping = Keeping { stage: Stage::Separate, hangs_at_first: true };
    let house = House::begin(&["es"]).await.with_handlers(handlers(&kept, keeping));
    tokio::select! {
        ending = house.drive() => panic!("{ending:?} though it hangs"),
        () = house.until("a sound is kept", async || !lock(&kept).is_empty()) => {}
    }
    // The process is dead, between keeping a result and reporting it.
    let house = house.reborn();
    let blobs = house.blobs();
    let listed = blobs.list(None, 10).await.unwrap_or_else(|error| panic!("{error}"));
    let put_at = listed.first().map(|blob| blob.put_at).unwrap_or_else(|| panic!("nothing is kept"));
    assert_eq!(house.drive().await, Ending::Settled);
    let (orphan, sound) = match lock(&kept).as_slice() {
        [orphan, sound] => (orphan.clone(), sound.clone()),
        kept => panic!("{kept:?}"),
    };
    let collect = |log, hours: u64| CollectBlobs {
        log,
        blobs: Arc::clone(&blobs),
        clock: Arc::new(At(put_at.plus_ms(hours * HOUR_MS))),
        grace: Duration::from_secs(24 * 3_600),
        replaced_after: Duration::from_secs(24 * 3_600),
    };
    let found = async |hours: u64, is_trial: bool| {
        let collected = collect(house.log(), hours).run(is_trial).await;
        collected.unwrap_or_else(|error| panic!("{error}"))
    };
    let unreported = Removed { blobs: 1, bytes: orphan.bytes };
    assert_eq!(found(23, false).await, Collected { seen: 2, ..Collected::default() }, "it may be reported yet");
    assert_eq!(found(48, true).await, Collected { seen: 2, unreported, ..Collected::default() });
    assert!(has(&*blobs, &orphan).await, "that was a trial");

    let codec = EventCodec::new("other", Arc::new(MemoryKeyVault::new(1)));
    let other = Arc::new(MemoryEventLog::new(codec, Arc::new(At(put_at))));
    let refused = collect(other, 48).run(false).await;
    assert!(matches!(refused, Err(CollectError::OtherLog(2))), "another log knows of none of them: {refused:?}");

    assert_eq!(found(48, false).await, Collected { seen: 2, unreported, ..Collected::default() });
    assert!(!has(&*blobs, &orphan).await && has(&*blobs, &sound).await);
    assert_eq!(found(48, false).await, Collected { seen: 1, ..Collected::default() });
}
