//! What all handlers of stages have in common: what they get, what they answer, how they fail.

use crate::{
    aggregates::{Aggregate, Aggregates, CommandError, CommandMeta, sha256},
    ports::{
        blob_store::{BlobError, BlobStore},
        clock::Ids,
        engine::{Engine, EngineError},
        event_log::{AppendError, ReadError, StreamId},
        memo_store::{MemoError, MemoStore},
        work_queue::QueueError,
    },
    stages::scratch::Scratch,
    stop::StopSignal,
};
use async_trait::async_trait;
use domain::{
    dubbing::{Dubbing, DubbingCommand, DubbingEvent, TranscribedUtterance},
    flow::{Fence, Stage},
    track::{Line, Track, TrackCommand, TrackEvent},
    value::{Artefact, DubbingId, Producer, Sha256, TrackId, UtteranceId},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use thiserror::Error;

/// Does a stage of the dubbing.
#[async_trait]
pub trait DubbingStage: Send + Sync {
    /// Runs one attempt.
    async fn run(&self, job: &DubbingJob) -> Result<Done<DubbingEvent>, StageError>;
}

/// Does a stage of a track.
#[async_trait]
pub trait TrackStage: Send + Sync {
    /// Runs one attempt.
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError>;
}

/// One attempt at a stage of a dubbing.
pub struct DubbingJob {
    /// Which dubbing.
    pub id: DubbingId,
    /// As it was when the attempt began.
    pub dubbing: Arc<Dubbing>,
    /// What every attempt has.
    pub attempt: Attempt,
}

/// One attempt at a stage of a track.
pub struct TrackJob {
    /// Which track.
    pub id: TrackId,
    /// The dubbing, as it was when the attempt began.
    pub dubbing: Arc<Dubbing>,
    /// The track, as it was when the attempt began.
    pub track: Arc<Track>,
    /// Revision of the track's stream then, and the hash of the event there.
    pub revision: (u64, Sha256),
    /// What every attempt has.
    pub attempt: Attempt,
}

/// What every attempt has.
pub struct Attempt {
    /// Whose stage.
    pub stream: StreamId,
    /// Which attempt.
    pub fence: Fence,
    /// Where it may put files; removed when it ends.
    pub scratch: Arc<Scratch>,
    /// What handlers work with.
    pub kit: StageKit,
    /// Whether the process is being stopped.
    pub stop: StopSignal,
    /// The trace that the attempt belongs to, as W3C `traceparent` writes it.
    pub traceparent: Option<String>,
}

/// What handlers work with.
#[derive(Clone)]
pub struct StageKit {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// Media.
    pub blobs: Arc<dyn BlobStore>,
    /// Earlier results.
    pub memos: Arc<dyn MemoStore>,
    /// Fresh ids for commands.
    pub ids: Arc<dyn Ids>,
    /// How many engines may work at a time.
    pub cores: usize,
}

/// What an attempt brought.
#[derive(Debug)]
pub struct Done<E> {
    /// What it found since it last reported.
    pub facts: Vec<E>,
    /// Engines that took part.
    pub producers: Vec<Producer>,
    /// Results made.
    pub made: u32,
    /// Results taken over.
    pub reused: u32,
    /// A stage that must run anew because of what was found.
    pub reopen: Option<Stage>,
    /// There was nothing to do for this stage, says this engine, for this reason.
    pub skipped: Option<(String, String)>,
}

impl<E> Done<E> {
    /// One result, newly made.
    pub fn made(facts: Vec<E>, producers: Vec<Producer>) -> Self {
        Self { facts, producers, made: 1, reused: 0, reopen: None, skipped: None }
    }

    /// The result is there already, from earlier.
    pub fn reused(facts: Vec<E>, producers: Vec<Producer>) -> Self {
        Self { facts, producers, made: 0, reused: 1, reopen: None, skipped: None }
    }

    /// The stage is passed over.
    pub fn skipped(engine: &str, reason: &str) -> Self {
        let skipped = Some((engine.to_owned(), reason.to_owned()));
        Self { facts: vec![], producers: vec![], made: 0, reused: 0, reopen: None, skipped }
    }
}

/// Why an attempt brought nothing.
#[derive(Debug, Error)]
pub enum StageError {
    /// Nobody waits for this attempt any more.
    #[error("this attempt is no longer waited for")]
    Superseded,
    /// The attempt ended early, at a safe point: it is given back.
    #[error("this attempt was stopped")]
    Stopped,
    /// An engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What an earlier stage should have left is not there.
    #[error("{0} is not there")]
    Absent(&'static str),
    /// What an earlier stage left has been erased.
    #[error("the personal data of this dubbing has been erased")]
    Erased,
    /// A command of the worker was refused.
    #[error("a result was refused: {0}")]
    Refused(String),
    /// Blobs could not be used.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// Memos could not be used.
    #[error(transparent)]
    Memo(#[from] MemoError),
    /// The work queue could not be used.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The log could not be written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Attempt {
    /// The dubbing that it is part of.
    pub fn dubbing(&self) -> Result<DubbingId, StageError> {
        self.stream.dubbing().ok_or(StageError::Absent("the dubbing of a stage"))
    }

    /// Whether to end at the next safe point: when all that was found has been reported.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_stopping()
    }

    /// Marks a safe point: the attempt ends here when the process is being stopped, and the next one goes on
    /// after all that was reported.
    pub fn safe_point(&self) -> Result<(), StageError> {
        if self.is_stopping() { Err(StageError::Stopped) } else { Ok(()) }
    }

    /// The path of an artefact that an earlier stage left.
    pub async fn file(&self, artefact: &Artefact) -> Result<PathBuf, StageError> {
        self.kit.blobs.path(&artefact.sha256).await?.ok_or(StageError::Absent("a blob of an earlier stage"))
    }

    /// Whether an artefact is still kept.
    pub async fn has(&self, artefact: &Artefact) -> Result<bool, StageError> {
        Ok(self.kit.blobs.has(&artefact.sha256).await?)
    }

    /// The same for one that no event may refer to yet, as what a memo knows: it is not collected before it is reported.
    pub async fn hold(&self, artefact: &Artefact) -> Result<bool, StageError> {
        Ok(self.kit.blobs.hold(&artefact.sha256).await?)
    }

    /// Takes over a file made in the scratch folder.
    pub async fn keep(&self, file: &Path, media_type: &str) -> Result<Artefact, StageError> {
        Ok(self.kit.blobs.adopt(file, media_type).await?)
    }

    /// A result remembered under this key.
    pub async fn recall<T: DeserializeOwned>(&self, key: &Sha256) -> Result<Option<T>, StageError> {
        let bytes = self.kit.memos.recall(key).await?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Remembers a result under this key.
    pub async fn remember<T: Serialize + Sync>(&self, key: &Sha256, result: &T) -> Result<(), StageError> {
        let Ok(bytes) = serde_json::to_vec(result) else {
            return Ok(());
        };
        Ok(self.kit.memos.remember(key, self.dubbing()?, &bytes).await?)
    }

    async fn give<A: Aggregate>(&self, command: A::Command) -> Result<(), StageError>
    where
        A::Command: Clone,
        A::Rejection: std::error::Error + Send + Sync + 'static,
        StageError: From<CommandError<A::Rejection>>,
    {
        let meta = CommandMeta::fresh("worker", self.kit.ids.next()).traced(self.traceparent.clone());
        self.kit.aggregates.execute::<A>(&self.stream, command, &meta).await?;
        Ok(())
    }
}

impl DubbingJob {
    /// Reports facts at once, so that a crash does not lose them.
    pub async fn record(&self, facts: Vec<DubbingEvent>) -> Result<(), StageError> {
        self.attempt.give::<Dubbing>(DubbingCommand::Record { fence: self.attempt.fence, facts }).await
    }
}

impl TrackJob {
    /// The lines to make something of: those that the transcript still has, as it was when the attempt began.
    pub fn lines(&self) -> impl Iterator<Item = (UtteranceId, &TranscribedUtterance, &Line)> {
        self.dubbing.lines_of(&self.track)
    }

    /// Reports facts at once, so that a crash does not lose them.
    pub async fn record(&self, facts: Vec<TrackEvent>) -> Result<(), StageError> {
        self.attempt.give::<Track>(TrackCommand::Record { fence: self.attempt.fence, facts }).await
    }
}

impl From<CommandError<domain::dubbing::DubbingRejection>> for StageError {
    fn from(error: CommandError<domain::dubbing::DubbingRejection>) -> Self {
        use domain::{dubbing::DubbingRejection, flow::FlowRejection};
        match error {
            CommandError::Rejected(DubbingRejection::Flow(FlowRejection::Superseded)) => Self::Superseded,
            error => from_command(error),
        }
    }
}

impl From<CommandError<domain::track::TrackRejection>> for StageError {
    fn from(error: CommandError<domain::track::TrackRejection>) -> Self {
        use domain::{flow::FlowRejection, track::TrackRejection};
        match error {
            CommandError::Rejected(TrackRejection::Flow(FlowRejection::Superseded)) => Self::Superseded,
            error => from_command(error),
        }
    }
}

fn from_command<R: std::error::Error + Send + Sync + 'static>(error: CommandError<R>) -> StageError {
    match error {
        CommandError::Rejected(rejection) => StageError::Refused(rejection.to_string()),
        CommandError::NotFound | CommandError::Stale { .. } => {
            StageError::Refused("the stream is not as expected".to_owned())
        }
        CommandError::Conflict => StageError::Refused("others kept writing first".to_owned()),
        CommandError::Append(error) => StageError::Append(error),
        CommandError::Read(error) => StageError::Read(error),
    }
}

/// The producer that an engine describes itself as.
pub async fn producer(engine: &(impl Engine + ?Sized)) -> Result<Producer, EngineError> {
    let info = engine.describe().await?;
    Ok(Producer { engine: info.name, version: info.version, model_digest: info.model_digest })
}

/// The key of a memo: a digest over the stage and everything that its result depends on.
///
/// `parts` is serialised as JSON, whose maps are ordered, so that equal content gives equal keys.
pub fn memo_key(stage: Stage, parts: &impl Serialize) -> Result<Sha256, StageError> {
    let parts = serde_json::to_string(parts).map_err(|_| StageError::Absent("a key for the memo"))?;
    Ok(sha256(format!("{stage}\n{parts}").as_bytes()))
}
