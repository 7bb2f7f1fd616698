//! The process manager: asks for what the flow owes, and carries over what crosses streams.
//!
//! It names no stage. All it knows it reads from the log, and every command it gives has a
//! deterministic id: after a crash it starts again from nothing and asks for the same.

use crate::{
    aggregates::{Aggregates, CommandMeta, Loaded},
    crossing::{Crossing, crossing, is_to_be_driven},
    flows::{flow_of, give_flow, is_in_flight, recent_flow_of},
    ports::{
        clock::{Clock, Ids},
        cluster::Lease,
        event_log::{ReadError, StreamId},
        work_queue::{Claim, Work, WorkQueue},
    },
    stages::handler::StageError,
};
use domain::{
    dubbing::{Dubbing, DubbingCommand, Phase as Life},
    flow::{self, Action, Fence, Flow, FlowCommand, Phase, Scope, Stage, WorkId},
    track::{Track, TrackCommand, TrackEvent, TrackSettings},
    value::{DubbingId, TrackId},
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// Longest time between two looks at the log: wake-ups are hints.
const POLL: Duration = Duration::from_millis(500);
/// Time between two looks at whether the queue still has what was begun.
const RECOVER: Duration = Duration::from_secs(15);
/// How long work that was put into the queue and has not begun is taken to be there.
const SEND_AGAIN: Duration = Duration::from_secs(2);
const ACTOR: &str = "process-manager";

/// Drives dubbings to their end.
#[derive(Clone)]
pub struct ProcessManager {
    /// The log's aggregates.
    pub aggregates: Arc<Aggregates>,
    /// Where work goes.
    pub queue: Arc<dyn WorkQueue>,
    /// For retries.
    pub clock: Arc<dyn Clock>,
    /// What its node must hold for its commands to be obeyed, where there are others.
    pub under: Option<Lease>,
}

/// How driving a dubbing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is completed, failed or cancelled, and owes nothing.
    Settled,
    /// Some stage is parked: somebody has to act, then resume.
    Parked,
    /// Somebody paused it.
    Paused,
}

/// What is going on in one stream.
#[derive(Clone, Copy, Debug, Default)]
struct Pulse {
    /// Work is asked for or under way.
    in_flight: bool,
    /// Something was asked for or carried just now, or will be at a known time.
    moving: bool,
}

impl ProcessManager {
    /// The same, obeyed only while its node holds this.
    #[must_use]
    pub fn under(&self, lease: Option<Lease>) -> Self {
        Self { under: lease, ..self.clone() }
    }

    /// A command that is the same command whenever it has this name.
    fn meta(&self, name: &str) -> CommandMeta {
        CommandMeta::derived(ACTOR, name).under(self.under.clone())
    }

    /// Declares every attempt lost that was begun and that no queue holds: it ended with the process whose queue it was, or
    /// the queue lost it. The order of things makes that sure: work stays in the queue until the log has its end.
    pub async fn recover(&self, dubbing: DubbingId) -> Result<(), StageError> {
        for stream in self.streams(dubbing).await? {
            let flow = flow_of(&self.aggregates, &stream).await?;
            for (stage, cell) in flow.cells {
                if let Phase::Started(work) = cell.phase
                    && !self.queue.holds(work).await?
                {
                    let fence = Fence { stage, run: cell.run, attempt: cell.attempt };
                    let meta = self.meta(&format!("lose/{}", work.0));
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

    /// Whether a dubbing needs to be driven: what is settled, parked or paused does not.
    pub async fn is_to_be_driven(&self, id: DubbingId) -> Result<bool, ReadError> {
        let dubbing = self.aggregates.dubbing(id).await?.state;
        let mut tracks = Vec::with_capacity(dubbing.tracks.len());
        for language in dubbing.tracks.keys() {
            let id = TrackId { dubbing: id, language: language.clone() };
            let track = self.aggregates.track(&id).await?.state;
            tracks.push((id, track));
        }
        Ok(is_to_be_driven(&dubbing, tracks.iter().map(|(id, track)| (id, &**track))))
    }

    /// Drives one dubbing until it is settled, parked or paused. May be dropped at any moment: whoever drives it
    /// next goes on.
    pub async fn drive(&self, dubbing: DubbingId) -> Result<Ending, StageError> {
        let mut wakeups = self.aggregates.log().wakeups();
        self.drive_by(dubbing, News::Unread(&mut wakeups)).await
    }

    /// The same for somebody who follows the whole log, tells the aggregates what is in it, and then rings this bell.
    pub async fn drive_when(&self, dubbing: DubbingId, mut bell: watch::Receiver<u64>) -> Result<Ending, StageError> {
        self.drive_by(dubbing, News::Told(&mut bell)).await
    }

    async fn drive_by(&self, dubbing: DubbingId, mut news: News<'_>) -> Result<Ending, StageError> {
        let mut recovered = Instant::now();
        let mut sent = Sent::default();
        let mut is_told = false;
        loop {
            news.forget();
            if recovered.elapsed() >= RECOVER {
                self.recover(dubbing).await?;
                recovered = Instant::now();
            }
            if !is_told {
                // What others have appended, too.
                self.revisions(dubbing).await?;
            }
            if let Some(ending) = self.step(dubbing, &mut sent).await? {
                return Ok(ending);
            }
            // Whether it was a wake-up, a closed channel or time that passed: look again.
            is_told = news.wait(POLL).await;
        }
    }

    async fn step(&self, id: DubbingId, sent: &mut Sent) -> Result<Option<Ending>, StageError> {
        let stream = StreamId::Dubbing(id);
        let before = self.revisions_known(id).await?;
        let mut pulse = self.advance(&stream, sent).await?;
        let dubbing = self.dubbing(id).await?.state;
        for language in dubbing.tracks.keys() {
            let track = TrackId { dubbing: id, language: language.clone() };
            pulse = pulse.and(self.carry(&track).await?);
            pulse = pulse.and(self.advance(&StreamId::Track(track), sent).await?);
        }
        if pulse.in_flight || pulse.moving {
            return Ok(None);
        }
        let dubbing = self.aggregates.dubbing(id).await?.state;
        Ok(match dubbing.phase {
            Life::NotStarted => Some(Ending::Settled),
            Life::Completed => Some(Ending::Settled),
            Life::Failed | Life::Cancelled if dubbing.flow.ended => Some(Ending::Settled),
            // What was appended while this step looked around may owe something new.
            _ if self.revisions(id).await? != before => None,
            _ if dubbing.flow.is_held() => Some(Ending::Paused),
            Life::Processing | Life::Failed | Life::Cancelled => Some(Ending::Parked),
        })
    }

    /// For whom a dubbing is driven, and how urgently.
    pub async fn claim(&self, id: DubbingId) -> Result<Claim, ReadError> {
        Ok(claim_in(&self.aggregates.dubbing(id).await?))
    }

    /// For whom work of a stream is done: a track that somebody changed is driven in the trace of that.
    async fn claim_of(&self, stream: &StreamId) -> Result<Claim, StageError> {
        let dubbing = stream.dubbing().ok_or(StageError::Absent("the dubbing of a stage"))?;
        let claim = claim_in(&self.dubbing(dubbing).await?);
        let own = match stream {
            StreamId::Track(id) => self.track(id).await?.traceparent,
            StreamId::Dubbing(_)
            | StreamId::Asset(_)
            | StreamId::Project(_)
            | StreamId::Glossary(_)
            | StreamId::Tenancy(_) => None,
        };
        Ok(Claim { traceparent: own.or(claim.traceparent), ..claim })
    }

    /// A dubbing as this process last heard of it.
    async fn dubbing(&self, id: DubbingId) -> Result<Loaded<Dubbing>, ReadError> {
        self.aggregates.recent(&StreamId::Dubbing(id)).await
    }

    /// A track as this process last heard of it.
    async fn track(&self, id: &TrackId) -> Result<Loaded<Track>, ReadError> {
        self.aggregates.recent(&StreamId::Track(id.clone())).await
    }

    /// How far the streams of a dubbing have come, as far as this process has heard.
    async fn revisions_known(&self, id: DubbingId) -> Result<Vec<u64>, ReadError> {
        let Loaded { state: dubbing, revision, .. } = self.dubbing(id).await?;
        let mut revisions = vec![revision];
        for language in dubbing.tracks.keys() {
            let track = TrackId { dubbing: id, language: language.clone() };
            revisions.push(self.track(&track).await?.revision);
        }
        Ok(revisions)
    }

    /// How far the streams of a dubbing have come.
    async fn revisions(&self, id: DubbingId) -> Result<Vec<u64>, ReadError> {
        let Loaded { state: dubbing, revision, .. } = self.aggregates.dubbing(id).await?;
        let mut revisions = vec![revision];
        for language in dubbing.tracks.keys() {
            let track = TrackId { dubbing: id, language: language.clone() };
            revisions.push(self.aggregates.track(&track).await?.revision);
        }
        Ok(revisions)
    }

    /// Asks for everything that one stream owes.
    async fn advance(&self, stream: &StreamId, sent: &mut Sent) -> Result<Pulse, StageError> {
        let mut moving = false;
        let flow = recent_flow_of(&self.aggregates, stream).await?;
        for action in flow::next_actions(&flow) {
            moving |= self.act(stream, &flow, action).await?;
        }
        let flow = recent_flow_of(&self.aggregates, stream).await?;
        for (stage, cell) in &flow.cells {
            let fence = Fence { stage: *stage, run: cell.run, attempt: cell.attempt };
            match cell.phase {
                Phase::Requested(id) if flow.paused.is_none() && !flow.undoing && !flow.ended => {
                    if sent.is_due(id) {
                        let claim = self.claim_of(stream).await?;
                        self.queue.publish(Work { id, stream: stream.clone(), fence, claim }).await?;
                        sent.note(id);
                    }
                }
                // Nobody may begin with it now: published again when it is wanted again.
                Phase::Requested(id) => {
                    self.queue.discard(id).await?;
                    sent.forget(id);
                }
                Phase::Started(_) | Phase::Waiting | Phase::RetryAt(_) | Phase::Done => {}
                Phase::Skipped | Phase::Parked | Phase::Undone => {}
            }
        }
        Ok(Pulse { in_flight: is_in_flight(&flow), moving })
    }

    /// Acts on one thing that is owed; `true` when something moves because of it.
    async fn act(&self, stream: &StreamId, flow: &Flow, action: Action) -> Result<bool, StageError> {
        match action {
            Action::Run(stage) => self.request(stream, flow, stage).await,
            Action::Retry(stage, at) if self.clock.now() >= at => self.request(stream, flow, stage).await,
            Action::Retry(..) => Ok(true),
            Action::Undo(stage) => {
                let meta = self.meta(&format!("undo/{stream}/{stage}/{}", flow.cell(stage).run));
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
        let meta = self.meta(&format!("request/{}", work_id.0));
        let command = FlowCommand::Request { stage, work_id };
        ignore_refusal(give_flow(&self.aggregates, stream, command, &meta).await)?;
        Ok(true)
    }

    async fn finish(&self, stream: &StreamId, flow: &Flow) -> Result<bool, StageError> {
        if flow.undoing {
            let meta = self.once("compensated", stream).await?;
            ignore_refusal(give_flow(&self.aggregates, stream, FlowCommand::Compensated, &meta).await)?;
            return Ok(true);
        }
        let StreamId::Dubbing(_) = stream else {
            // A finished track is carried to its dubbing, see `carry`.
            return Ok(false);
        };
        let meta = self.once("finish", stream).await?;
        let outcome = self.aggregates.execute::<Dubbing>(stream, DubbingCommand::Finish, &meta).await;
        ignore_refusal(outcome.map(|_| ()).map_err(StageError::from))?;
        Ok(true)
    }

    /// A command that is the same one as long as nothing else happens in the stream that it follows from.
    async fn once(&self, name: &str, cause: &StreamId) -> Result<CommandMeta, ReadError> {
        let revision = match cause {
            StreamId::Dubbing(id) => self.dubbing(*id).await?.revision,
            StreamId::Track(id) => self.track(id).await?.revision,
            // They have no flow, and nothing is asked of them.
            StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => 0,
        };
        Ok(self.meta(&format!("{name}/{cause}/{revision}")))
    }

    /// Carries what crosses between a track and its dubbing.
    async fn carry(&self, id: &TrackId) -> Result<Pulse, StageError> {
        // The track first: what its dubbing decided before that was carried is then seen, too.
        let Loaded { state: track, revision, traceparent: of_track, .. } = self.track(id).await?;
        let Loaded { state: dubbing, traceparent: of_dubbing, .. } = self.dubbing(id.dubbing).await?;
        let (Some(crossing), Some(requested)) = (crossing(id, &dubbing, &track), dubbing.tracks.get(&id.language))
        else {
            return Ok(Pulse::default());
        };
        let stream = StreamId::Track(id.clone());
        let name = |verb: &str| format!("{verb}/{stream}/{}/{revision}", requested.requests);
        let given = match crossing {
            Crossing::ToTrack(mut command) => {
                if let TrackCommand::Start { inherited, settings, .. } = &mut command {
                    *inherited = self.inherited(&dubbing, settings, id).await?;
                }
                // What is carried belongs to the trace of what it follows from, which another stream knows.
                let meta = self.meta(&name("carry")).traced(of_dubbing);
                self.aggregates.execute::<Track>(&stream, command, &meta).await.map_err(StageError::from)
            }
            Crossing::ToDubbing(command) => {
                let meta = self.meta(&name("settle")).traced(of_track);
                let dubbing = StreamId::Dubbing(id.dubbing);
                self.aggregates.execute::<Dubbing>(&dubbing, command, &meta).await.map_err(StageError::from)
            }
        };
        ignore_refusal(given.map(|_| ()))?;
        Ok(Pulse { in_flight: false, moving: true })
    }

    /// What a track of a fork takes over from the track that it was forked from.
    async fn inherited(
        &self,
        dubbing: &Dubbing,
        settings: &TrackSettings,
        id: &TrackId,
    ) -> Result<Vec<TrackEvent>, ReadError> {
        let fork = dubbing.request.as_ref().and_then(|request| request.order.forked_from);
        let Some(fork) = fork.filter(|fork| flow::is_in(Scope::Track, fork.stage)) else {
            return Ok(vec![]);
        };
        let origin = self.aggregates.dubbing(fork.dubbing).await?.state;
        let track = TrackId { dubbing: fork.dubbing, language: id.language.clone() };
        let track = self.aggregates.track(&track).await?.state;
        Ok(track.inheritance(fork.stage, settings, &dubbing.lines_beside(&origin)))
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
}

/// What wakes a driver up.
enum News<'a> {
    /// Somebody appended something somewhere: it is to be read.
    Unread(&'a mut watch::Receiver<u64>),
    /// Something happened to this dubbing, and the aggregates have heard of it.
    Told(&'a mut watch::Receiver<u64>),
}

impl News<'_> {
    fn bell(&mut self) -> &mut watch::Receiver<u64> {
        match self {
            Self::Unread(bell) | Self::Told(bell) => bell,
        }
    }

    fn forget(&mut self) {
        self.bell().mark_unchanged();
    }

    /// Waits for news, and no longer than that. Whether the aggregates have heard of all that there is.
    async fn wait(&mut self, patience: Duration) -> bool {
        let is_news = matches!(tokio::time::timeout(patience, self.bell().changed()).await, Ok(Ok(())));
        is_news && matches!(self, Self::Told(_))
    }
}

/// What was put into the queue, and when: it is put there again once in a while, since a queue may lose it.
#[derive(Default)]
struct Sent(HashMap<WorkId, Instant>);

impl Sent {
    fn is_due(&self, work: WorkId) -> bool {
        self.0.get(&work).is_none_or(|sent| sent.elapsed() >= SEND_AGAIN)
    }

    fn note(&mut self, work: WorkId) {
        // What was sent long ago is done by now, or due again.
        self.0.retain(|_, sent| sent.elapsed() < SEND_AGAIN);
        self.0.insert(work, Instant::now());
    }

    fn forget(&mut self, work: WorkId) {
        self.0.remove(&work);
    }
}

fn claim_in(dubbing: &Loaded<Dubbing>) -> Claim {
    let request = dubbing.state.request.as_ref();
    let priority = request.map(|request| request.order.priority).unwrap_or_default();
    Claim { tenant: dubbing.tenant.clone().unwrap_or_default(), priority, traceparent: dubbing.traceparent.clone() }
}

impl Pulse {
    fn and(self, other: Pulse) -> Pulse {
        Pulse { in_flight: self.in_flight || other.in_flight, moving: self.moving || other.moving }
    }
}

/// A refused command means that the state has moved on: the next step sees it.
fn ignore_refusal(outcome: Result<(), StageError>) -> Result<(), StageError> {
    match outcome {
        Err(StageError::Superseded | StageError::Refused(_)) => Ok(()),
        outcome => outcome,
    }
}
