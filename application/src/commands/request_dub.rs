//! Request a dub: begin a job, or find the one that this request means and ask for what is new.

use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    commands::order_dubbing,
    ports::{
        blob_store::{BlobError, BlobStore},
        clock::Ids,
        event_log::{ReadError, StreamId},
    },
};
use domain::{
    dubbing::{Delivery, Dubbing, DubbingCommand, DubbingRejection, Order, Phase, Start, TrackRequest, Transcript},
    value::{DubbingId, LanguageTag, Personal, Sha256},
};
use std::{path::PathBuf, sync::Arc};
use thiserror::Error;

/// The use case, with what it needs.
pub struct RequestDub {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// Where the source is kept.
    pub blobs: Arc<dyn BlobStore>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct DubRequest {
    /// The source file.
    pub source: PathBuf,
    /// Digest of its content: [`crate::commands::request_dub::identity`] needs it before anything is kept.
    pub source_sha256: Sha256,
    /// Its name without folder.
    pub name: String,
    /// The sound asked for.
    pub audio_stream: Option<u32>,
    /// The language spoken.
    pub source_language: LanguageTag,
    /// Nobody said so.
    pub language_assumed: bool,
    /// Where the words come from.
    pub transcript: Transcript,
    /// The languages to make, and how.
    pub tracks: Vec<TrackRequest>,
    /// Where results are put.
    pub delivery: Delivery,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requested {
    /// The job.
    pub job: DubbingId,
    /// Whether it is a new one.
    pub is_new: bool,
    /// Whether anything new was asked of it.
    pub is_changed: bool,
}

/// Why a request came to nothing.
#[derive(Debug, Error)]
pub enum RequestDubError {
    /// A rule was broken.
    #[error(transparent)]
    Command(#[from] CommandError<DubbingRejection>),
    /// The source could not be kept.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file's content changed while it was read.
    #[error("the source changed while it was read; try again when it is complete")]
    SourceChanged,
}

/// What makes a second request the same job: source, sound, language and words.
pub fn identity(request: &DubRequest) -> Sha256 {
    order_dubbing::identity(&request.source_sha256, request.audio_stream, &request.source_language, &request.transcript)
}

impl RequestDub {
    /// Begins a new job, or asks `known` (the job of this identity, if there is one) for what is new.
    pub async fn run(&self, request: DubRequest, known: Option<DubbingId>) -> Result<Requested, RequestDubError> {
        if let Some(job) = known {
            let dubbing = self.aggregates.dubbing(job).await?.state;
            match dubbing.phase {
                Phase::Processing | Phase::Completed => return self.extend(job, request).await,
                // What failed or was called off is begun anew.
                Phase::NotStarted | Phase::Failed | Phase::Cancelled => {}
            }
        }
        self.begin(request).await
    }

    async fn begin(&self, request: DubRequest) -> Result<Requested, RequestDubError> {
        let job = DubbingId(self.ids.next());
        let source = self.blobs.put_file(&request.source, "application/octet-stream").await?;
        if source.sha256 != request.source_sha256 {
            self.blobs.delete(&source.sha256).await?;
            return Err(RequestDubError::SourceChanged);
        }
        let start = Start {
            identity: identity(&request),
            source,
            name: Personal::new(request.name),
            audio_stream: request.audio_stream,
            source_language: request.source_language,
            language_assumed: request.language_assumed,
            transcript: request.transcript,
            delivery: Some(request.delivery),
            order: Order::default(),
            tracks: request.tracks,
        };
        self.give(job, DubbingCommand::Start(Box::new(start))).await?;
        Ok(Requested { job, is_new: true, is_changed: true })
    }

    async fn extend(&self, job: DubbingId, request: DubRequest) -> Result<Requested, RequestDubError> {
        let command = DubbingCommand::RequestTracks { tracks: request.tracks, delivery: Some(request.delivery) };
        let is_changed = self.give(job, command).await?;
        Ok(Requested { job, is_new: false, is_changed })
    }

    async fn give(&self, job: DubbingId, command: DubbingCommand) -> Result<bool, RequestDubError> {
        let meta = CommandMeta::fresh("cli", self.ids.next());
        let appended = self.aggregates.execute::<Dubbing>(&StreamId::Dubbing(job), command, &meta).await?;
        Ok(appended.is_some())
    }
}
