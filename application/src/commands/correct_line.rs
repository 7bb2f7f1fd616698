//! Correct a line: its words, times and speaker in the transcript; its wording, voice and rate in a track.
//!
//! An edit is recorded and nothing else: what was made from the line before is stale until it is regenerated.

use crate::{
    abilities::{Abilities, Unable},
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::event_log::{Appended, ReadError, StreamId},
};
use domain::{
    dubbing::{Dubbing, DubbingCommand, DubbingRejection, Edit},
    track::{LineChange, Track, TrackCommand, TrackRejection},
    value::{DubbingId, TrackId, UtteranceId},
};
use std::sync::Arc;
use thiserror::Error;

/// The use case, with what it needs.
#[derive(Clone)]
pub struct CorrectLine {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// Which voices there are.
    pub abilities: Abilities,
}

/// Why nothing was corrected.
#[derive(Debug, Error)]
pub enum CorrectError {
    /// There is no such dubbing, track or line.
    #[error("there is no such line")]
    NoSuchLine,
    /// No engine has such a voice for the track's language.
    #[error(transparent)]
    Unable(#[from] Unable),
    /// A rule of the transcript was broken.
    #[error(transparent)]
    Transcript(#[from] CommandError<DubbingRejection>),
    /// A rule of the track was broken.
    #[error(transparent)]
    Track(#[from] CommandError<TrackRejection>),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl CorrectLine {
    /// Corrects the transcript.
    pub async fn transcript(
        &self,
        dubbing: DubbingId,
        edit: Edit,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, CorrectError> {
        let command = DubbingCommand::Edit(edit);
        Ok(self.aggregates.execute::<Dubbing>(&StreamId::Dubbing(dubbing), command, meta).await?)
    }

    /// Corrects a line of a track: all of it or nothing, decided on the line as it is when it is written.
    pub async fn track(
        &self,
        id: &TrackId,
        utterance: UtteranceId,
        change: LineChange,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, CorrectError> {
        let tenant = meta.tenant.clone().unwrap_or_default();
        let track = self.aggregates.track(id).await?;
        let dubbing = self.aggregates.dubbing(id.dubbing).await?.state;
        let is_there = track.state.lines.contains_key(&utterance) && dubbing.utterances.contains_key(&utterance);
        if !track.is_of(&tenant) || !is_there {
            return Err(CorrectError::NoSuchLine);
        }
        if let Some(Some(voice)) = &change.voice {
            self.abilities.require_voices([voice], std::slice::from_ref(&id.language)).await?;
        }
        let source_revision = dubbing.revisions.get(&utterance).copied().unwrap_or(1);
        let command = TrackCommand::Correct { utterance, change, source_revision };
        Ok(self.aggregates.execute::<Track>(&StreamId::Track(id.clone()), command, meta).await?)
    }
}
