//! Control a dubbing: cancel, pause, resume, retry, skip a stage, cancel one track.
//!
//! What is decided is written to the dubbing's stream first, under the command's own id, and then carried to
//! its tracks at once, so that workers stop now. What a crash keeps from being carried the process manager
//! carries later. Giving a command twice under one id is giving it once.
//!
//! Pause and park: a user pauses a dubbing with all its tracks; a stage that is out of attempts parks its own
//! flow. `resume` is refused unless a user paused, `retry` unless something is parked. Where both are so, either
//! of them makes everything go on: who says "go on" means all of it.

use crate::{
    aggregates::{Aggregate, Aggregates, CommandError, CommandMeta},
    crossing::{Crossing, crossing},
    ports::event_log::{ReadError, StreamId, Tenant},
};
use domain::{
    dubbing::{Dubbing, DubbingCommand, DubbingRejection, Phase},
    flow::{FlowCommand, PAUSED_BY_USER, Scope, Stage, scope_of},
    track::{Track, TrackCommand, TrackRejection},
    value::{DubbingId, LanguageTag, TrackId},
};
use std::sync::Arc;
use thiserror::Error;

/// The use cases, with what they need.
#[derive(Clone)]
pub struct ControlDubbing {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
}

/// What a command brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Controlled {
    /// Position of the last event that it wrote, now or when it was given first; `None` when it was already so.
    pub position: Option<u64>,
}

/// Why a command brought nothing about.
#[derive(Debug, Error)]
pub enum ControlError {
    /// There is no such dubbing, or it is another tenant's.
    #[error("there is no such dubbing")]
    UnknownDubbing,
    /// The dubbing was never asked for in this language.
    #[error("the dubbing has no track in this language")]
    UnknownTrack,
    /// Neither the dubbing nor its tracks have this stage where it was looked for.
    #[error("there is no such stage there: some are of the dubbing, others of each of its languages")]
    UnknownStage,
    /// It is completed, failed or cancelled.
    #[error("the dubbing has ended")]
    AlreadyEnded,
    /// Nobody paused it.
    #[error("the dubbing is not paused")]
    NotPaused,
    /// No stage is out of attempts.
    #[error("nothing in the dubbing waits for a retry")]
    NothingParked,
    /// The command to the dubbing failed.
    #[error(transparent)]
    Dubbing(CommandError<DubbingRejection>),
    /// A command to one of its tracks failed.
    #[error(transparent)]
    Track(CommandError<TrackRejection>),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl ControlDubbing {
    /// Calls off what is under way: work stops, and tracks that were never finished end. What was finished is kept, also
    /// of tracks that are being made anew; a dubbing that was completed before comes to its end again. Once more: silent.
    pub async fn cancel(&self, id: DubbingId, meta: &CommandMeta) -> Result<Controlled, ControlError> {
        let dubbing = self.require(id, meta).await?;
        if matches!(dubbing.phase, Phase::Completed | Phase::Failed) && !self.was_given(id, meta).await? {
            return Err(ControlError::AlreadyEnded);
        }
        let mut done = self.decide(id, DubbingCommand::Cancel, meta).await?;
        for (track, _) in self.tracks(id).await? {
            done = done.and(self.stop(&track, meta).await?);
        }
        Ok(done)
    }

    /// Carries to a track that its work was called off, where it was.
    async fn stop(&self, id: &TrackId, meta: &CommandMeta) -> Result<Controlled, ControlError> {
        let dubbing = self.aggregates.dubbing(id.dubbing).await?.state;
        let track = self.aggregates.track(id).await?.state;
        if let Some(Crossing::ToTrack(command @ (TrackCommand::Cancel | TrackCommand::CallOff(_)))) =
            crossing(id, &dubbing, &track)
        {
            return self.carry(id, command, meta).await;
        }
        let stream = StreamId::Track(id.clone());
        let position = self.outcome(&stream, &meta.and_then(&stream.to_string())).await?;
        Ok(Controlled { position })
    }

    /// Pauses a dubbing and all its tracks: attempts under way are given back, and nothing begins. Once more: silent.
    pub async fn pause(&self, id: DubbingId, meta: &CommandMeta) -> Result<Controlled, ControlError> {
        self.require_live(id, meta).await?;
        let pause = || FlowCommand::Pause { code: PAUSED_BY_USER.to_owned() };
        let mut done = self.decide(id, DubbingCommand::Flow(pause()), meta).await?;
        for (track, _) in self.tracks(id).await? {
            done = done.and(self.carry(&track, TrackCommand::Flow(pause()), meta).await?);
        }
        Ok(done)
    }

    /// Lets a dubbing go on that a user paused.
    pub async fn resume(&self, id: DubbingId, meta: &CommandMeta) -> Result<Controlled, ControlError> {
        let dubbing = self.require_live(id, meta).await?;
        if !dubbing.flow.is_held() && !self.was_given(id, meta).await? {
            return Err(ControlError::NotPaused);
        }
        self.go_on(id, meta).await
    }

    /// Gives stages that are out of attempts a fresh budget.
    pub async fn retry(&self, id: DubbingId, meta: &CommandMeta) -> Result<Controlled, ControlError> {
        let dubbing = self.require_live(id, meta).await?;
        let tracks = self.tracks(id).await?;
        let is_parked = |(_, track): &(TrackId, Arc<Track>)| track.flow.has_parked() && !track.cancelled;
        let has_parked = dubbing.flow.has_parked() || tracks.iter().any(is_parked);
        if !has_parked && !self.was_given(id, meta).await? {
            return Err(ControlError::NothingParked);
        }
        self.go_on(id, meta).await
    }

    /// Passes over a stage that is out of attempts: one of the dubbing, or of the track in this language. Once more: silent.
    pub async fn skip(
        &self,
        id: DubbingId,
        language: Option<&LanguageTag>,
        stage: Stage,
        reason: String,
        meta: &CommandMeta,
    ) -> Result<Controlled, ControlError> {
        let dubbing = self.require_live(id, meta).await?;
        let command = FlowCommand::PassOver { stage, reason };
        match (scope_of(stage), language) {
            (Scope::Dubbing, None) => self.decide(id, DubbingCommand::Flow(command), meta).await,
            (Scope::Track, Some(language)) if dubbing.tracks.contains_key(language) => {
                let track = TrackId { dubbing: id, language: language.clone() };
                self.carry(&track, TrackCommand::Flow(command), meta).await
            }
            (Scope::Track, Some(_)) => Err(ControlError::UnknownTrack),
            (Scope::Dubbing, Some(_)) | (Scope::Track, None) => Err(ControlError::UnknownStage),
        }
    }

    /// Calls one track off, finished or not, without hurting the others. It can be asked for again. Once more: silent.
    pub async fn cancel_track(&self, id: &TrackId, meta: &CommandMeta) -> Result<Controlled, ControlError> {
        let dubbing = self.require(id.dubbing, meta).await?;
        if !dubbing.tracks.contains_key(&id.language) {
            return Err(ControlError::UnknownTrack);
        }
        if matches!(dubbing.phase, Phase::Failed | Phase::Cancelled) && !self.was_given(id.dubbing, meta).await? {
            return Err(ControlError::AlreadyEnded);
        }
        let cancel = DubbingCommand::CancelTrack { language: id.language.clone() };
        let done = self.decide(id.dubbing, cancel, meta).await?;
        let begun = self.aggregates.track(id).await?.state.header.is_some();
        Ok(if begun { done.and(self.carry(id, TrackCommand::Cancel, meta).await?) } else { done })
    }

    /// Resumes whatever stands still, whoever stopped it.
    async fn go_on(&self, id: DubbingId, meta: &CommandMeta) -> Result<Controlled, ControlError> {
        let mut done = self.decide(id, DubbingCommand::Flow(FlowCommand::Resume), meta).await?;
        for (track, _) in self.tracks(id).await? {
            done = done.and(self.carry(&track, TrackCommand::Flow(FlowCommand::Resume), meta).await?);
        }
        Ok(done)
    }

    async fn require(&self, id: DubbingId, meta: &CommandMeta) -> Result<Arc<Dubbing>, ControlError> {
        let loaded = self.aggregates.dubbing(id).await?;
        let is_there = meta.tenant.as_ref().map_or(loaded.revision > 0, |tenant| loaded.is_of(tenant));
        if is_there { Ok(loaded.state) } else { Err(ControlError::UnknownDubbing) }
    }

    /// The dubbing, unless it has ended in any way before this command.
    async fn require_live(&self, id: DubbingId, meta: &CommandMeta) -> Result<Arc<Dubbing>, ControlError> {
        let dubbing = self.require(id, meta).await?;
        match dubbing.phase {
            Phase::Processing => Ok(dubbing),
            Phase::NotStarted | Phase::Completed | Phase::Failed | Phase::Cancelled => {
                if self.was_given(id, meta).await? { Ok(dubbing) } else { Err(ControlError::AlreadyEnded) }
            }
        }
    }

    /// Its tracks that have begun.
    async fn tracks(&self, id: DubbingId) -> Result<Vec<(TrackId, Arc<Track>)>, ControlError> {
        let dubbing = self.aggregates.dubbing(id).await?.state;
        let mut tracks = Vec::new();
        for language in dubbing.tracks.keys() {
            let id = TrackId { dubbing: id, language: language.clone() };
            let track = self.aggregates.track(&id).await?.state;
            if track.header.is_some() {
                tracks.push((id, track));
            }
        }
        Ok(tracks)
    }

    /// Whether this command wrote anything before, to the dubbing or to one of its tracks.
    async fn was_given(&self, id: DubbingId, meta: &CommandMeta) -> Result<bool, ControlError> {
        let stream = StreamId::Dubbing(id);
        if self.outcome(&stream, meta).await?.is_some() {
            return Ok(true);
        }
        let languages: Vec<LanguageTag> = self.aggregates.dubbing(id).await?.state.tracks.keys().cloned().collect();
        for language in languages {
            let track = StreamId::Track(TrackId { dubbing: id, language });
            if self.outcome(&track, &meta.and_then(&track.to_string())).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn outcome(&self, stream: &StreamId, meta: &CommandMeta) -> Result<Option<u64>, ControlError> {
        let tenant = match &meta.tenant {
            Some(tenant) => tenant.clone(),
            None => self.tenant_of(stream).await?,
        };
        let found = self.aggregates.log().find_outcome(&tenant, meta.id, stream).await?;
        Ok(found.map(|appended| appended.position))
    }

    async fn tenant_of(&self, stream: &StreamId) -> Result<Tenant, ControlError> {
        let owner = match stream.dubbing() {
            Some(id) => self.aggregates.dubbing(id).await?.tenant,
            None => None,
        };
        Ok(owner.unwrap_or_default())
    }

    async fn decide(
        &self,
        id: DubbingId,
        command: DubbingCommand,
        meta: &CommandMeta,
    ) -> Result<Controlled, ControlError> {
        match self.give::<Dubbing>(&StreamId::Dubbing(id), command, meta).await? {
            Ok(done) => Ok(done),
            // It ended in between: what this command would have stopped has stopped.
            Err(CommandError::Rejected(DubbingRejection::Ended)) => Err(ControlError::AlreadyEnded),
            Err(error) => Err(ControlError::Dubbing(error)),
        }
    }

    async fn carry(&self, id: &TrackId, command: TrackCommand, meta: &CommandMeta) -> Result<Controlled, ControlError> {
        let stream = StreamId::Track(id.clone());
        match self.give::<Track>(&stream, command, &meta.and_then(&stream.to_string())).await? {
            Ok(done) => Ok(done),
            // It was called off in between.
            Err(CommandError::Rejected(TrackRejection::Ended)) => Ok(Controlled::default()),
            Err(error) => Err(ControlError::Track(error)),
        }
    }

    /// Gives a command, unless it was given before.
    async fn give<A: Aggregate>(
        &self,
        stream: &StreamId,
        command: A::Command,
        meta: &CommandMeta,
    ) -> Result<Result<Controlled, CommandError<A::Rejection>>, ControlError>
    where
        A::Command: Clone,
        A::Rejection: std::error::Error + Send + Sync + 'static,
    {
        if let Some(position) = self.outcome(stream, meta).await? {
            return Ok(Ok(Controlled { position: Some(position) }));
        }
        let given = self.aggregates.execute::<A>(stream, command, meta).await;
        Ok(given.map(|appended| Controlled { position: appended.map(|appended| appended.position) }))
    }
}

impl Controlled {
    fn and(self, other: Self) -> Self {
        Self { position: self.position.max(other.position) }
    }
}
