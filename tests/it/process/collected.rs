//! What an attempt kept and never reported goes, and nothing that anybody waits for.

use super::{house::House, told::lock};
use application::{
    commands::collect_blobs::{CollectBlobs, CollectError, Collected},
    ports::{blob_store::BlobStore, clock::Clock},
    process_manager::Ending,
    stages::handler::{Done, DubbingJob, DubbingStage, StageError, TrackJob, TrackStage},
    testing::MemoryKeyVault,
    worker::Handlers,
};
use async_trait::async_trait;
use domain::{
    dubbing::{DubbingEvent, SeparatedSound},
    flow::{Scope, Stage, rows},
    track::TrackEvent,
    value::{Artefact, Decibel, Timestamp},
};
use event_codec::EventCodec;
use event_log_memory::MemoryEventLog;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

const HOUR_MS: u64 = 3_600_000;

/// A stage that does nothing; as Separate it keeps a sound of its own in each attempt, and never comes back from the first.
struct Keeps {
    stage: Stage,
    kept: Arc<Mutex<Vec<Artefact>>>,
}

#[async_trait]
impl DubbingStage for Keeps {
    async fn run(&self, job: &DubbingJob) -> Result<Done<DubbingEvent>, StageError> {
        if self.stage != Stage::Separate {
            return Ok(Done::made(vec![], vec![]));
        }
        let attempt = lock(&self.kept).len();
        let sound = job.attempt.kit.blobs.put_bytes(format!("sound {attempt}").into_bytes(), "audio/wav").await?;
        lock(&self.kept).push(sound.clone());
        if attempt == 0 {
            std::future::pending::<()>().await;
        }
        let separated = DubbingEvent::SpeechSeparated(SeparatedSound {
            background: sound.clone(),
            speech: sound,
            separated: false,
            duration_ms: 1_000,
            loudness: Decibel::from_db(-20.0),
            true_peak: Decibel::from_db(-2.0),
        });
        Ok(Done::made(vec![separated], vec![]))
    }
}

#[async_trait]
impl TrackStage for Keeps {
    async fn run(&self, _job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        Ok(Done::made(vec![], vec![]))
    }
}

fn handlers(kept: &Arc<Mutex<Vec<Artefact>>>) -> Handlers {
    let keeps = |stage| Keeps { stage, kept: Arc::clone(kept) };
    let handlers = rows(Scope::Dubbing).fold(Handlers::default(), |all, row| all.dubbing(row.stage, keeps(row.stage)));
    rows(Scope::Track).fold(handlers, |all, row| all.track(row.stage, keeps(row.stage)))
}

/// A clock that stands still.
struct At(Timestamp);

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
    let house = House::begin(&["es"]).await.with_handlers(handlers(&kept));
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
    };
    let found = async |hours: u64, is_trial: bool| {
        let collected = collect(house.log(), hours).run(is_trial).await;
        collected.unwrap_or_else(|error| panic!("{error}"))
    };
    assert_eq!(found(23, false).await, Collected { seen: 2, blobs: 0, bytes: 0 }, "it may be reported yet");
    assert_eq!(found(48, true).await, Collected { seen: 2, blobs: 1, bytes: orphan.bytes });
    assert!(has(&*blobs, &orphan).await, "that was a trial");

    let codec = EventCodec::new("other", Arc::new(MemoryKeyVault::new(1)));
    let other = Arc::new(MemoryEventLog::new(codec, Arc::new(At(put_at))));
    let refused = collect(other, 48).run(false).await;
    assert!(matches!(refused, Err(CollectError::OtherLog(2))), "another log knows of none of them: {refused:?}");

    assert_eq!(found(48, false).await, Collected { seen: 2, blobs: 1, bytes: orphan.bytes });
    assert!(!has(&*blobs, &orphan).await && has(&*blobs, &sound).await);
    assert_eq!(found(48, false).await, Collected { seen: 1, blobs: 0, bytes: 0 });
}
