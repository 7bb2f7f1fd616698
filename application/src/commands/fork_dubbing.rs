//! Fork a dubbing: a new job that takes over what another one found before a stage, and runs anew from there.

use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta, Loaded},
    ports::{
        blob_store::{BlobError, BlobStore},
        event_log::{Appended, ReadError, StreamId},
    },
};
use domain::{
    dubbing::{
        Dubbing, DubbingCommand, DubbingRejection, Fork, Order, Outcome, Phase, RequestedTrack, Start, TrackRequest,
    },
    flow::Stage,
    value::{DubbingId, LanguageTag},
};
use std::sync::Arc;
use thiserror::Error;

/// The use case, with what it needs.
#[derive(Clone)]
pub struct ForkDubbing {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// Where the source is, if it is kept.
    pub blobs: Arc<dyn BlobStore>,
}

/// Why nothing was forked.
#[derive(Debug, Error)]
pub enum ForkError {
    /// There is no such dubbing.
    #[error("there is no such dubbing")]
    NoSuchDubbing,
    /// It has not come so far.
    #[error("the dubbing has not come to {0} yet; fork it from an earlier stage, or wait")]
    NotThereYet(Stage),
    /// It was called off, or failed, and gave back what a fork would take over.
    #[error(
        "the dubbing has ended without results, and gave back what it had found before {0}; fork it from ingest, or order a new one"
    )]
    GivenBack(Stage),
    /// It would have to begin with a file that is not there any more.
    #[error("the source as it was given is not kept any more; fork it from separate, or dub the file again")]
    SourceGone,
    /// All its languages were withdrawn.
    #[error("every language of the dubbing was withdrawn; order a new dubbing")]
    NothingToMake,
    /// A rule was broken.
    #[error(transparent)]
    Command(#[from] CommandError<DubbingRejection>),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is not known whether the source is there.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl ForkDubbing {
    /// Begins a new job, `id`, from `origin` as it is now, in the languages that were not withdrawn. Edits come along;
    /// what runs anew finds unchanged results by their memos. The revision that `meta` expects is the origin's. Given
    /// again by `meta`, it answers as the first time.
    pub async fn run(
        &self,
        origin: DubbingId,
        from: Stage,
        id: DubbingId,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, ForkError> {
        let tenant = meta.tenant.clone().unwrap_or_default();
        let loaded = self.aggregates.dubbing(origin).await?;
        let Some(request) = loaded.state.request.clone().filter(|_| loaded.is_of(&tenant)) else {
            return Err(ForkError::NoSuchDubbing);
        };
        let stream = StreamId::Dubbing(id);
        let is_wanted = |(_, track): &(&LanguageTag, &RequestedTrack)| track.outcome != Some(Outcome::Cancelled);
        let wanted = loaded.state.tracks.iter().filter(is_wanted);
        let tracks: Vec<TrackRequest> = wanted
            .map(|(language, track)| TrackRequest { language: language.clone(), settings: track.settings.clone() })
            .collect();
        let mut refusal = refusal(&loaded, from, &tracks, meta);
        if refusal.is_none() && from == Stage::Ingest && !self.blobs.hold(&request.source.sha256).await? {
            refusal = Some(ForkError::SourceGone);
        }
        if let Some(refusal) = refusal {
            return Ok(Some(self.aggregates.unless_given(&stream, meta, refusal).await?));
        }
        let start = Start {
            identity: request.identity,
            source: request.source,
            name: request.name,
            audio_stream: request.audio_stream,
            source_language: request.source_language,
            language_assumed: request.language_assumed,
            transcript: request.transcript,
            delivery: None,
            order: Order { forked_from: Some(Fork { dubbing: origin, stage: from }), ..request.order },
            tracks,
        };
        let command = DubbingCommand::Inherit { start: Box::new(start), inherited: loaded.state.inheritance(from) };
        Ok(self.aggregates.begin::<Dubbing>(&stream, command, &meta.clone().expecting(None)).await?)
    }
}

/// Why nothing is forked, if so.
fn refusal(origin: &Loaded<Dubbing>, from: Stage, tracks: &[TrackRequest], meta: &CommandMeta) -> Option<ForkError> {
    if meta.expected_revision.is_some_and(|expected| expected != origin.revision) {
        return Some(CommandError::Stale { actual: origin.revision }.into());
    }
    if !has_come_to(&origin.state, from) {
        return Some(match origin.state.phase {
            Phase::Failed | Phase::Cancelled => ForkError::GivenBack(from),
            Phase::NotStarted | Phase::Processing | Phase::Completed => ForkError::NotThereYet(from),
        });
    }
    tracks.is_empty().then_some(ForkError::NothingToMake)
}

/// Whether all stages of the dubbing that come before are done. Tracks take over as much as is there.
fn has_come_to(dubbing: &Dubbing, stage: Stage) -> bool {
    use domain::flow::{Scope, TABLE, is_in, rows};
    if is_in(Scope::Track, stage) {
        let needed = rows(Scope::Track).flat_map(|row| row.after.iter());
        return needed.filter(|stage| is_in(Scope::Dubbing, **stage)).all(|stage| dubbing.flow.is_done(*stage));
    }
    let row = TABLE.iter().find(|row| row.stage == stage);
    row.is_some_and(|row| row.after.iter().all(|stage| dubbing.flow.is_done(*stage)))
}
