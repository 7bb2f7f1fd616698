//! The process manager: asks for what the flow owes, and carries over what crosses streams.
//!
//! It names no stage. All it knows it reads from the log, and every command it gives has a
//! deterministic id: after a crash it starts again from nothing and asks for the same.

use crate::{
    aggregates::{Aggregates, CommandMeta, Loaded},
    ports::{
        clock::{Clock, Ids},
        event_log::StreamId,
        work_queue::{Work, WorkQueue},
    },
    stages::handler::StageError,
    worker::give_flow,
};
use domain::{
    dubbing::{Dubbing, DubbingCommand, Outcome, Phase as Life, Request, RequestedTrack},
    flow::{self, Action, Fence, Flow, FlowCommand, Phase, Scope, Stage},
    track::{Track, TrackCommand, TrackEvent},
    value::{DubbingId, LanguageTag, TrackId},
};
use std::{sync::Arc, time::Duration};

/// Longest time between two looks at the log: wake-ups are hints.
const POLL: Duration = Duration::from_millis(500);
const ACTOR: &str = "process-manager";

/// Drives dubbings to their end.
pub struct ProcessManager {
    /// The log's aggregates.
    pub aggregates: Arc<Aggregates>,
    /// Where work goes.
    pub queue: Arc<dyn WorkQueue>,
    /// For retries.
    pub clock: Arc<dyn Clock>,
}

/// How driving a dubbing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is completed, failed or cancelled, and owes nothing.
    Settled,
    /// Some stage is parked: somebody has to act, then resume.
    Parked,
}

/// What is going on in one stream.
#[derive(Clone, Copy, Debug, Default)]
struct Pulse {
    /// Work is asked for or under way.
    in_flight: bool,
    /// Something was asked for just now, or will be at a known time.
    moving: bool,
}

impl ProcessManager {
    /// Declares every attempt lost that was under way when the last owner of the data folder ended.
    /// To be called once, before workers start: leases of a dead owner are void.
    pub async fn recover(&self, dubbing: DubbingId) -> Result<(), StageError> {
        for stream in self.streams(dubbing).await? {
            let flow = self.flow_of(&stream).await?;
            for (stage, cell) in flow.cells {
                if let Phase::Started(work) = cell.phase {
                    let fence = Fence { stage, run: cell.run, attempt: cell.attempt };
                    let meta = CommandMeta::derived(ACTOR, &format!("lose/{}", work.0));
                    // A stream that is over refuses: it waits for no attempt any more.
                    ignore_refusal(give_flow(&self.aggregates, &stream, FlowCommand::Lose(fence), &meta).await)?;
                }
            }
        }
        Ok(())
    }

    /// Gives parked stages a fresh budget and lets the flows run again.
    pub async fn resume(&self, dubbing: DubbingId, ids: &dyn Ids) -> Result<(), StageError> {
        for stream in self.streams(dubbing).await? {
            let meta = CommandMeta::fresh(ACTOR, ids.next());
            ignore_refusal(give_flow(&self.aggregates, &stream, FlowCommand::Resume, &meta).await)?;
        }
        Ok(())
    }

    /// Drives one dubbing until it is settled or parked.
    pub async fn drive(&self, dubbing: DubbingId) -> Result<Ending, StageError> {
        let mut wakeups = self.aggregates.log().wakeups();
        loop {
            wakeups.mark_unchanged();
            if let Some(ending) = self.step(dubbing).await? {
                return Ok(ending);
            }
            // Whether it was a wake-up, a closed channel or time that passed: look at the log again.
            let _hint = tokio::time::timeout(POLL, wakeups.changed()).await;
        }
    }

    async fn step(&self, id: DubbingId) -> Result<Option<Ending>, StageError> {
        let stream = StreamId::Dubbing(id);
        let seen = self.aggregates.log().head().await?;
        let mut pulse = self.advance(&stream).await?;
        let dubbing = self.aggregates.dubbing(id).await?.state;
        for language in dubbing.tracks.keys() {
            let track = TrackId { dubbing: id, language: language.clone() };
            pulse = pulse.and(self.carry(&dubbing, &track).await?);
            pulse = pulse.and(self.advance(&StreamId::Track(track)).await?);
        }
        let dubbing = self.aggregates.dubbing(id).await?.state;
        Ok(match dubbing.phase {
            Life::Completed => Some(Ending::Settled),
            Life::Failed | Life::Cancelled if dubbing.flow.ended => Some(Ending::Settled),
            Life::NotStarted => Some(Ending::Settled),
            Life::Processing | Life::Failed | Life::Cancelled if pulse.in_flight || pulse.moving => None,
            // What was appended while this step looked around may owe something new.
            _ if self.aggregates.log().head().await? > seen => None,
            Life::Processing | Life::Failed | Life::Cancelled => Some(Ending::Parked),
        })
    }

    /// Asks for everything that one stream owes.
    async fn advance(&self, stream: &StreamId) -> Result<Pulse, StageError> {
        let mut pulse = Pulse::default();
        let flow = self.flow_of(stream).await?;
        for action in flow::next_actions(&flow) {
            pulse.moving |= self.act(stream, &flow, action).await?;
        }
        let flow = self.flow_of(stream).await?;
        for (stage, cell) in &flow.cells {
            let fence = Fence { stage: *stage, run: cell.run, attempt: cell.attempt };
            match cell.phase {
                Phase::Requested(id) if !flow.paused && !flow.undoing => {
                    self.queue.publish(Work { id, stream: stream.clone(), fence }).await?;
                    pulse.in_flight = true;
                }
                Phase::Started(_) => pulse.in_flight = true,
                Phase::Requested(_) | Phase::Waiting | Phase::RetryAt(_) | Phase::Done => {}
                Phase::Skipped | Phase::Parked | Phase::Undone => {}
            }
        }
        Ok(pulse)
    }

    /// Acts on one thing that is owed; `true` when something moves because of it.
    async fn act(&self, stream: &StreamId, flow: &Flow, action: Action) -> Result<bool, StageError> {
        match action {
            Action::Run(stage) => self.request(stream, flow, stage).await,
            Action::Retry(stage, at) if self.clock.now() >= at => self.request(stream, flow, stage).await,
            Action::Retry(..) => Ok(true),
            Action::Undo(stage) => {
                let meta = CommandMeta::derived(ACTOR, &format!("undo/{stream}/{stage}/{}", flow.cell(stage).run));
                ignore_refusal(give_flow(&self.aggregates, stream, FlowCommand::Undone(stage), &meta).await)?;
                Ok(true)
            }
            Action::Finish => self.finish(stream, flow).await,
        }
    }

    async fn request(&self, stream: &StreamId, flow: &Flow, stage: Stage) -> Result<bool, StageError> {
        let cell = flow.cell(stage);
        let fence = Fence { stage, run: cell.run, attempt: cell.attempt + 1 };
        let work_id = flow::work_id(&stream.to_string(), fence);
        let meta = CommandMeta::derived(ACTOR, &format!("request/{}", work_id.0));
        let command = FlowCommand::Request { stage, work_id };
        ignore_refusal(give_flow(&self.aggregates, stream, command, &meta).await)?;
        Ok(true)
    }

    async fn finish(&self, stream: &StreamId, flow: &Flow) -> Result<bool, StageError> {
        if flow.undoing {
            let meta = CommandMeta::derived(ACTOR, &format!("compensated/{stream}"));
            ignore_refusal(give_flow(&self.aggregates, stream, FlowCommand::Compensated, &meta).await)?;
            return Ok(true);
        }
        let StreamId::Dubbing(_) = stream else {
            // A finished track is carried to its dubbing, see `carry`.
            return Ok(false);
        };
        let runs: Vec<u32> = flow.cells.values().map(|cell| cell.run).collect();
        let meta = CommandMeta::derived(ACTOR, &format!("finish/{stream}/{runs:?}"));
        let outcome = self.aggregates.execute::<Dubbing>(stream, DubbingCommand::Finish, &meta).await;
        ignore_refusal(outcome.map(|_| ()).map_err(StageError::from))?;
        Ok(true)
    }

    /// What crosses streams: transcript ready → track begins (or begins anew); track finished →
    /// the dubbing hears of it.
    async fn carry(&self, dubbing: &Dubbing, id: &TrackId) -> Result<Pulse, StageError> {
        let (Some(request), Some(requested)) = (&dubbing.request, dubbing.tracks.get(&id.language)) else {
            return Ok(Pulse::default());
        };
        let stream = StreamId::Track(id.clone());
        let Loaded { state: track, revision, .. } = self.aggregates.track(id).await?;
        let command = match &track.header {
            None if !is_track_ready(&dubbing.flow) => return Ok(Pulse::default()),
            None => TrackCommand::Start {
                dubbing: id.dubbing,
                source_language: request.source_language.clone(),
                language: id.language.clone(),
                settings: requested.settings.clone(),
                lines: dubbing.source_lines(),
                inherited: self.inherited(request, requested, id).await?,
            },
            Some(_) if track.regenerations < requested.regenerations => {
                TrackCommand::Regenerate { request: requested.regenerations, lines: dubbing.source_lines() }
            }
            Some(header) if header.settings != requested.settings => TrackCommand::Revise(requested.settings.clone()),
            Some(_) => return self.settle(dubbing, &track, revision, &id.language, id.dubbing).await,
        };
        let meta = CommandMeta::derived(ACTOR, &format!("begin/{stream}/{}", requested.requests));
        let outcome = self.aggregates.execute::<Track>(&stream, command, &meta).await;
        ignore_refusal(outcome.map(|_| ()).map_err(StageError::from))?;
        Ok(Pulse { in_flight: false, moving: true })
    }

    /// What a track of a fork takes over from the track that it was forked from.
    async fn inherited(
        &self,
        request: &Request,
        requested: &RequestedTrack,
        id: &TrackId,
    ) -> Result<Vec<TrackEvent>, StageError> {
        let Some(fork) = request.order.forked_from.filter(|fork| flow::is_in(Scope::Track, fork.stage)) else {
            return Ok(vec![]);
        };
        let origin = TrackId { dubbing: fork.dubbing, language: id.language.clone() };
        let origin = self.aggregates.track(&origin).await?.state;
        Ok(origin.inheritance(fork.stage, &requested.settings))
    }

    async fn settle(
        &self,
        dubbing: &Dubbing,
        track: &Track,
        revision: u64,
        language: &LanguageTag,
        id: DubbingId,
    ) -> Result<Pulse, StageError> {
        let Some(requested) = dubbing.tracks.get(language) else {
            return Ok(Pulse::default());
        };
        if requested.outcome.is_some() || flow::next_actions(&track.flow) != [Action::Finish] {
            return Ok(Pulse::default());
        }
        let outcome = match track.lines_to_attend() {
            _ if track.cancelled => Outcome::Cancelled,
            0 => Outcome::Completed,
            _ => Outcome::NeedsAttention,
        };
        let stream = StreamId::Dubbing(id);
        // A track that was asked for anew without anything to do for it settles anew, at the same revision.
        let name = format!("settle/{stream}/{language}/{}/{revision}", requested.requests);
        let meta = CommandMeta::derived(ACTOR, &name);
        let command = DubbingCommand::SettleTrack { language: language.clone(), outcome };
        let given = self.aggregates.execute::<Dubbing>(&stream, command, &meta).await;
        ignore_refusal(given.map(|_| ()).map_err(StageError::from))?;
        Ok(Pulse { in_flight: false, moving: true })
    }

    /// The streams of a dubbing that exist: its own first.
    async fn streams(&self, id: DubbingId) -> Result<Vec<StreamId>, StageError> {
        let dubbing = self.aggregates.dubbing(id).await?.state;
        let mut streams = vec![StreamId::Dubbing(id)];
        for language in dubbing.tracks.keys() {
            let track = TrackId { dubbing: id, language: language.clone() };
            if self.aggregates.track(&track).await?.revision > 0 {
                streams.push(StreamId::Track(track));
            }
        }
        Ok(streams)
    }

    async fn flow_of(&self, stream: &StreamId) -> Result<Flow, StageError> {
        Ok(match stream {
            StreamId::Dubbing(id) => {
                let dubbing = self.aggregates.dubbing(*id).await?.state;
                // A dubbing that is over in every way owes nothing.
                if dubbing.phase == Life::NotStarted { ended() } else { dubbing.flow.clone() }
            }
            StreamId::Track(id) => {
                let track = self.aggregates.track(id).await?.state;
                if track.header.is_none() { ended() } else { track.flow.clone() }
            }
            StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) => ended(),
        })
    }
}

impl Pulse {
    fn and(self, other: Pulse) -> Pulse {
        Pulse { in_flight: self.in_flight || other.in_flight, moving: self.moving || other.moving }
    }
}

/// Whether everything that tracks wait for in the dubbing's scope is done.
fn is_track_ready(dubbing: &Flow) -> bool {
    let in_dubbing = |stage: &&Stage| flow::rows(Scope::Dubbing).any(|row| row.stage == **stage);
    flow::rows(Scope::Track).flat_map(|row| row.after.iter().filter(in_dubbing)).all(|stage| dubbing.is_done(*stage))
}

/// The flow of a stream that has not begun.
fn ended() -> Flow {
    Flow { ended: true, ..Flow::default() }
}

/// A refused command means that the state has moved on: the next step sees it.
fn ignore_refusal(outcome: Result<(), StageError>) -> Result<(), StageError> {
    match outcome {
        Err(StageError::Superseded | StageError::Refused(_)) => Ok(()),
        outcome => outcome,
    }
}
