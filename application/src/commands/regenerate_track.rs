//! Regenerate a track: make anew what is stale, and nothing else. Or replay it: run it anew from a stage on.

use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::event_log::{Appended, ReadError, StreamId},
};
use domain::{
    dubbing::{Dubbing, DubbingCommand, DubbingRejection, RequestedTrack},
    flow::{Row, Scope, Stage, rows, scope_of, with_followers},
    track::Track,
    value::{Span, TrackId, UtteranceId},
};
use std::sync::Arc;
use thiserror::Error;

/// The use case, with what it needs.
#[derive(Clone)]
pub struct RegenerateTrack {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
}

/// What a regeneration makes anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regeneration {
    /// Lines that are made anew, added or taken out, by id.
    pub lines: Vec<UtteranceId>,
    /// The first stage that runs.
    pub first: Stage,
    /// How long the original of those lines lasts, in milliseconds.
    pub speech_ms: u64,
    /// How long the source lasts, in milliseconds: it is mixed and written anew as a whole.
    pub source_ms: u64,
}

/// Why nothing is made anew.
#[derive(Debug, Error)]
pub enum RegenerateError {
    /// There is no such track.
    #[error("there is no such track")]
    NoSuchTrack,
    /// It has no result yet that could be stale, and is not out of attempts at one.
    #[error("the track has not been published yet; wait until it is")]
    NotPublished,
    /// Nothing has changed since.
    #[error("no line has changed since the track was made")]
    NothingStale,
    /// It has not come to this stage, from which it is to be replayed.
    #[error("the track has not come to {0}; replay it from an earlier stage")]
    NotReached(Stage),
    /// This is no stage of a track.
    #[error("{0} is no stage of a track; fork the dubbing from there")]
    NoSuchStage(Stage),
    /// All that has changed is being made already.
    #[error("all that has changed is being made already; wait until it is published")]
    UnderWay,
    /// It is paused; or it is out of attempts, and none of its lines has changed since.
    #[error("the track stands still; resume or retry the dubbing first")]
    StandsStill,
    /// A rule was broken.
    #[error(transparent)]
    Command(#[from] CommandError<DubbingRejection>),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl RegenerateTrack {
    /// What a regeneration, or a replay from a stage, would make anew now. The revision that `meta` expects is the track's.
    pub async fn plan(
        &self,
        id: &TrackId,
        from: Option<Stage>,
        meta: &CommandMeta,
    ) -> Result<Regeneration, RegenerateError> {
        Ok(self.see(id, from, meta).await?.0)
    }

    /// The plan, and how often a regeneration had been asked for when it was made.
    async fn see(
        &self,
        id: &TrackId,
        from: Option<Stage>,
        meta: &CommandMeta,
    ) -> Result<(Regeneration, u32), RegenerateError> {
        let tenant = meta.tenant.clone().unwrap_or_default();
        let (dubbing, track) = (self.aggregates.dubbing(id.dubbing).await?, self.aggregates.track(id).await?);
        let asked = dubbing.state.tracks.get(&id.language).filter(|_| dubbing.is_of(&tenant));
        let asked = asked.ok_or(RegenerateError::NoSuchTrack)?;
        if meta.expected_revision.is_some_and(|expected| expected != track.revision) {
            return Err(CommandError::Stale { actual: track.revision }.into());
        }
        let (lines, first) = match from {
            None => (owed(&dubbing.state, asked, &track.state)?, Stage::Translate),
            Some(from) => replayed(&dubbing.state, asked, &track.state, from)?,
        };
        Ok((measure(lines, first, &dubbing.state), asked.regenerations))
    }

    /// Asks for it. The revision that `meta` expects is the track's, as it is looked at to make the plan. Given again by
    /// `meta`, it answers as the first time; of those who ask at the same time, one does it and the others hear that it
    /// is under way.
    pub async fn run(
        &self,
        id: &TrackId,
        from: Option<Stage>,
        meta: &CommandMeta,
    ) -> Result<(Regeneration, Appended), RegenerateError> {
        let stream = StreamId::Dubbing(id.dubbing);
        let (plan, before) = match self.see(id, from, meta).await {
            Ok(seen) => seen,
            Err(refusal) => {
                let appended = self.aggregates.unless_given(&stream, meta, refusal).await?;
                let dubbing = self.aggregates.dubbing(id.dubbing).await?.state;
                return Ok((measure(vec![], from.unwrap_or(Stage::Translate), &dubbing), appended));
            }
        };
        let command = DubbingCommand::Regenerate { language: id.language.clone(), from, request: before + 1 };
        let meta = meta.clone().expecting(None);
        let appended = self.aggregates.execute::<Dubbing>(&stream, command, &meta).await?;
        // Somebody else asked since: their request takes the same lines.
        Ok((plan, appended.ok_or(RegenerateError::UnderWay)?))
    }
}

/// The lines that a regeneration is for. One that stands still because a stage is out of attempts can be what helps:
/// when the lines that it was made from are different now. What a user paused waits for that user.
fn owed(dubbing: &Dubbing, asked: &RequestedTrack, track: &Track) -> Result<Vec<UtteranceId>, RegenerateError> {
    let transcript = dubbing.source_lines();
    let is_parked = asked.outcome.is_none() && track.flow.has_parked();
    let lines = match (&track.published, is_parked) {
        (Some(_), _) => track.stale_lines(&transcript),
        (None, true) => track.lines_owed_anew(&transcript),
        (None, false) => return Err(RegenerateError::NotPublished),
    };
    if lines.is_empty() && !is_parked {
        return Err(RegenerateError::NothingStale);
    }
    if dubbing.flow.is_held() || track.flow.is_held() {
        return Err(RegenerateError::StandsStill);
    }
    if asked.outcome.is_some() {
        return Ok(lines);
    }
    // What was asked for and has not reached the track yet will take the lines as they are then.
    let is_coming = asked.regenerations > track.regenerations;
    match (is_coming, track.lines_owed_anew(&transcript).is_empty()) {
        (false, false) => Ok(lines),
        (false, true) if is_parked => Err(RegenerateError::StandsStill),
        (false | true, _) => Err(RegenerateError::UnderWay),
    }
}

/// The lines that a replay makes anew besides, and where it begins: at the first stage where lines have changed, as asked
/// otherwise. What is finished, or out of attempts, can be replayed from wherever it has come to.
fn replayed(
    dubbing: &Dubbing,
    asked: &RequestedTrack,
    track: &Track,
    from: Stage,
) -> Result<(Vec<UtteranceId>, Stage), RegenerateError> {
    if scope_of(from) != Scope::Track {
        return Err(RegenerateError::NoSuchStage(from));
    }
    if track.header.is_none() || track.cancelled {
        return Err(RegenerateError::NotPublished);
    }
    if dubbing.flow.is_held() || track.flow.is_held() {
        return Err(RegenerateError::StandsStill);
    }
    let is_coming = asked.regenerations > track.regenerations;
    if is_coming || (asked.outcome.is_none() && !track.flow.has_parked()) {
        return Err(RegenerateError::UnderWay);
    }
    let before = all_before(from);
    if before.iter().any(|stage| !track.flow.is_done(*stage)) {
        return Err(RegenerateError::NotReached(from));
    }
    let lines = track.lines_owed_anew(&dubbing.source_lines());
    let first = if lines.is_empty() { from } else { Stage::Translate };
    Ok((lines, first))
}

/// The stages of a track that one waits for, directly or not.
fn all_before(stage: Stage) -> Vec<Stage> {
    let is_before = |row: &&Row| row.stage != stage && with_followers(Scope::Track, row.stage).contains(&stage);
    rows(Scope::Track).filter(is_before).map(|row| row.stage).collect()
}

fn measure(lines: Vec<UtteranceId>, first: Stage, dubbing: &Dubbing) -> Regeneration {
    let spans = lines.iter().filter_map(|id| dubbing.utterances.get(id)).map(|line| line.span);
    let speech_ms = spans.map(Span::len_ms).sum();
    let source_ms = dubbing.source.as_ref().map_or(0, |source| source.duration_ms);
    Regeneration { lines, first, speech_ms, source_ms }
}
