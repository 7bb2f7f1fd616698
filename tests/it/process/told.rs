//! Stages that do as they are told.

use application::{
    ports::engine::EngineError,
    stages::handler::{Attempt, Done, DubbingJob, DubbingStage, StageError, TrackJob, TrackStage},
    stop::Stopping,
};
use async_trait::async_trait;
use domain::{
    dubbing::DubbingEvent,
    flow::{Fence, Stage},
    track::TrackEvent,
    value::LanguageTag,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// What a stage is told to do, once.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Fail, and perhaps not the next time.
    Transient,
    /// Say that the engine is missing.
    Missing,
    /// Say that the source cannot be dubbed.
    Rejected,
    /// Never come back.
    Hang,
    /// Go on until the process is being stopped, and end at that safe point.
    UntilSafePoint,
    /// Never come back, but report later: see `report_late`.
    Late,
}

/// Where a fault lies: a stage, of one language or of whichever comes first.
pub type Spot = (Option<String>, Stage);

/// What stages share: what they are told, and what they were asked.
#[derive(Default)]
pub struct Script {
    pub faults: Mutex<BTreeMap<Spot, VecDeque<Fault>>>,
    pub calls: Mutex<Vec<(Stage, Fence)>>,
    /// Handlers that are hanging now.
    pub hanging: AtomicU64,
}

/// A stage that does as it is told.
pub struct Told {
    pub stage: Stage,
    pub script: Arc<Script>,
}

impl Told {
    async fn obey<E>(&self, language: Option<&LanguageTag>, attempt: &Attempt) -> Result<Done<E>, StageError> {
        lock(&self.script.calls).push((self.stage, attempt.fence));
        let own = (language.map(LanguageTag::to_string), self.stage);
        let fault = {
            let mut faults = lock(&self.script.faults);
            let of_language = faults.get_mut(&own).and_then(VecDeque::pop_front);
            of_language.or_else(|| faults.get_mut(&(None, self.stage)).and_then(VecDeque::pop_front))
        };
        let failed = |error| Err(StageError::Engine(error));
        match fault {
            None => Ok(Done::made(vec![], vec![])),
            Some(Fault::Transient) => {
                let detail = "as told".to_owned();
                failed(EngineError::Transient { operation: "test", detail, retry_after: None })
            }
            Some(Fault::Missing) => {
                failed(EngineError::Missing { engine: "test".to_owned(), package: "test".to_owned() })
            }
            Some(Fault::Rejected) => {
                failed(EngineError::Rejected { code: "no-speech", message: "nobody speaks".to_owned() })
            }
            Some(Fault::Hang | Fault::Late) => {
                let _here = Here::new(&self.script);
                std::future::pending().await
            }
            Some(Fault::UntilSafePoint) => {
                let _here = Here::new(&self.script);
                attempt.stop.reached(Stopping::AtSafePoint).await;
                attempt.safe_point()?;
                Ok(Done::made(vec![], vec![]))
            }
        }
    }
}

#[async_trait]
impl DubbingStage for Told {
    async fn run(&self, job: &DubbingJob) -> Result<Done<DubbingEvent>, StageError> {
        self.obey(None, &job.attempt).await
    }
}

#[async_trait]
impl TrackStage for Told {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        self.obey(Some(&job.id.language), &job.attempt).await
    }
}

/// Counts a handler that hangs, until it is dropped.
struct Here(Arc<Script>);

impl Here {
    fn new(script: &Arc<Script>) -> Self {
        script.hanging.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(script))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.0.hanging.fetch_sub(1, Ordering::SeqCst);
    }
}

/// No test goes on after a panic under a lock.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
