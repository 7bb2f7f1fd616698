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
    track::{Track, TrackCommand, TrackRejection},
    value::{DubbingId, Percent, Personal, TrackId, UtteranceId},
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

/// What is to be different in a track's line. What is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct LineChange {
    /// The translation; `Some(None)` leaves it to the engine again.
    pub translation: Option<Option<String>>,
    /// The voice; `Some(None)` is the speaker's.
    pub voice: Option<Option<String>>,
    /// The rate; `Some(None)` leaves it to the planner.
    pub rate: Option<Option<Percent>>,
}

/// Why nothing was corrected.
#[derive(Debug, Error)]
pub enum CorrectError {
    /// There is no such dubbing, track or line.
    #[error("there is no such line")]
    NoSuchLine,
    /// No engine has such a voice.
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

    /// Corrects a line of a track: its wording first, then how it is spoken. Given again, it does what is left.
    pub async fn track(
        &self,
        id: &TrackId,
        utterance: UtteranceId,
        change: LineChange,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, CorrectError> {
        let tenant = meta.tenant.clone().unwrap_or_default();
        let track = self.aggregates.track(id).await?;
        let line =
            track.state.lines.get(&utterance).filter(|_| track.is_of(&tenant)).ok_or(CorrectError::NoSuchLine)?;
        if let Some(Some(voice)) = &change.voice {
            self.abilities.require_voices([voice]).await?;
        }
        let stream = StreamId::Track(id.clone());
        let mut written = None;
        if let Some(text) = change.translation {
            let dubbing = self.aggregates.dubbing(id.dubbing).await?.state;
            let source_revision = dubbing.revisions.get(&utterance).copied().unwrap_or(1);
            let text = text.map(Personal::new);
            let command = TrackCommand::EditTranslation { utterance, text, source_revision };
            written = self.aggregates.execute::<Track>(&stream, command, meta).await?;
        }
        if change.voice.is_none() && change.rate.is_none() {
            return Ok(written);
        }
        let voice = change.voice.unwrap_or_else(|| line.direction.voice.clone());
        let rate = change.rate.unwrap_or(line.direction.rate);
        // The first step has moved the revision on; the second one follows from it.
        let second = if written.is_some() { meta.and_then("direct") } else { meta.clone() };
        let command = TrackCommand::Direct { utterance, voice, rate };
        Ok(self.aggregates.execute::<Track>(&stream, command, &second).await?.or(written))
    }
}
