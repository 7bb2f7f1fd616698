//! Stories: long histories of jobs, told by the domain's own deciders and by chance from a seed.
//!
//! Stages are asked for, begin, report bit by bit, fail, are lost, tried again, parked, resumed, skipped,
//! reopened by the planner and by users; languages are added, settings changed, jobs called off and
//! refused. Every event is one that the domain really decides on, in an order in which it can happen.

mod facts;
mod history;
mod kept;
mod long;
mod people;

use crate::ports::event_log::{DomainEvent, Recorded, StreamId};
use domain::{
    asset::Asset,
    dubbing::{Dubbing, DubbingCommand, Outcome, Phase as Life, TrackRequest},
    flow::{
        Action, Failure, Fence, Flow, FlowCommand, FlowEvent, PAUSED_BY_USER, Phase, Stage, StageSummary, next_actions,
        work_id,
    },
    glossary::Glossary,
    project::Project,
    track::{Background, Track, TrackCommand, TrackEvent, TrackSettings},
    value::{
        AssetId, DubbingId, GlossaryId, LanguageTag, Percent, Personal, Producer, ProjectId, Timestamp, TrackId,
        UtteranceId,
    },
};
use history::History;
pub use long::{long_track, long_track_id};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Stands for everything personal in a story: no read model, message or log line may hold it.
pub const SECRET: &str = "Sekret-Wort";

/// Events of one of the stories that a history is made of; it has four jobs.
const EVENTS_PER_STORY: usize = 2_000;

/// Of a story that is told after all others.
const LAST_SEED: u64 = 1_000_000;

/// A story of several jobs.
pub struct Story {
    history: History,
    random: Random,
    /// Chance of its own for what happens beside jobs.
    beside: Random,
    jobs: Vec<DubbingId>,
}

/// Numbers that follow from a seed: SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let place = self.below(of.len() as u64);
        of.get(usize::try_from(place).unwrap_or(0))
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}

impl Story {
    /// The beginning of so many jobs.
    pub fn begin(seed: u64, jobs: u128) -> Self {
        let mut story =
            Self { history: History::default(), random: Random::new(seed), beside: Random::new(!seed), jobs: vec![] };
        for number in 1..=jobs {
            let job = DubbingId(Uuid::from_u128((u128::from(seed) << 32) + number));
            let start = facts::start(&mut story.random, job, vec![request("es", Background::Duck)]);
            story.history.dubbing(job, DubbingCommand::Start(Box::new(start)));
            story.jobs.push(job);
        }
        story
    }

    /// A story of so many events at least, if its jobs do not all come to their ends before.
    pub fn of_events(seed: u64, jobs: u128, events: usize) -> Self {
        let mut story = Self::begin(seed, jobs);
        story.go_on_to(events);
        story
    }

    /// Goes on until so many events have happened, if its jobs do not all come to their ends before.
    pub fn go_on_to(&mut self, events: usize) {
        for _ in 0..events.saturating_mul(20) {
            if self.history.events().len() >= events {
                break;
            }
            self.step();
        }
    }

    /// Stories of so many events in all at least, one after the other, as if their jobs had come one after the other:
    /// what the log of a busy installation holds, for measurements.
    pub fn history(events: usize) -> Vec<Recorded> {
        let mut told: Vec<Recorded> = Vec::with_capacity(events);
        for seed in 0.. {
            if told.len() >= events {
                break;
            }
            tell_on(&mut told, Self::of_events(seed, 4, EVENTS_PER_STORY).events());
        }
        told
    }

    /// The same, and one more story at the end, which breaks off where something is parked.
    pub fn history_with_parked(events: usize) -> Vec<Recorded> {
        let mut told = Self::history(events);
        tell_on(&mut told, Self::up_to_parked(Self::of_events(LAST_SEED, 4, EVENTS_PER_STORY).events()));
        told
    }

    /// A history up to the last stage of a track that was parked, which nobody has seen to yet; all of it where none was.
    pub fn up_to_parked(events: &[Recorded]) -> &[Recorded] {
        let parks = |event: &Recorded| matches!(&event.event, DomainEvent::Track(TrackEvent::Flow(FlowEvent::FlowPaused { code })) if code != PAUSED_BY_USER);
        let end = events.iter().rposition(parks).map_or(events.len(), |last| last + 1);
        &events[..end]
    }

    /// What has happened so far, in order; positions are 1, 2, 3 …
    pub fn events(&self) -> &[Recorded] {
        self.history.events()
    }

    /// Every dubbing as its events make it.
    pub fn dubbings(&self) -> &BTreeMap<DubbingId, Dubbing> {
        self.history.dubbings()
    }

    /// Every track that has begun, as its events make it.
    pub fn tracks(&self) -> &BTreeMap<TrackId, Track> {
        self.history.tracks()
    }

    /// Every asset as its events make it.
    pub fn assets(&self) -> &BTreeMap<AssetId, Asset> {
        self.history.assets()
    }

    /// Every project as its events make it.
    pub fn projects(&self) -> &BTreeMap<ProjectId, Project> {
        self.history.projects()
    }

    /// Every glossary as its events make it.
    pub fn glossaries(&self) -> &BTreeMap<GlossaryId, Glossary> {
        self.history.glossaries()
    }

    /// Something happens, or nothing.
    pub fn step(&mut self) {
        if self.beside.one_in(20) {
            kept::step(&mut self.history, &mut self.beside);
        }
        let Some(job) = self.random.pick(&self.jobs).copied() else {
            return;
        };
        match self.random.below(4_000) {
            0 => self.history.dubbing(job, DubbingCommand::Cancel),
            1..=40 => self.change_wishes(job),
            41..=90 => self.correct(job),
            91..=250 => self.resume(job),
            251..=270 => self.pause(job),
            _ => {
                let mut streams = vec![StreamId::Dubbing(job)];
                let languages = self.dubbings().get(&job).map(|dubbing| dubbing.tracks.keys().cloned());
                let tracks = languages.into_iter().flatten();
                streams.extend(tracks.map(|language| StreamId::Track(TrackId { dubbing: job, language })));
                if let Some(stream) = self.random.pick(&streams).cloned() {
                    self.advance(&stream);
                }
            }
        }
    }

    /// Another language, or other settings for one that is done.
    fn change_wishes(&mut self, job: DubbingId) {
        let background = [Background::Duck, Background::Keep, Background::Off];
        let language = self.random.pick(&["es", "ca", "pt-BR"]).copied().unwrap_or("es");
        let asked = request(language, self.random.pick(&background).copied().unwrap_or(Background::Off));
        let track = TrackId { dubbing: job, language: asked.language.clone() };
        let is_under_way = self.tracks().get(&track).is_some_and(|track| next_actions(&track.flow) != [Action::Finish]);
        if !is_under_way {
            self.history.dubbing(job, DubbingCommand::RequestTracks { tracks: vec![asked], delivery: None });
        }
    }

    /// A person corrects a line, in the transcript or in a track, and now and then has the track made anew.
    fn correct(&mut self, job: DubbingId) {
        let Some(dubbing) = self.dubbings().get(&job).cloned() else {
            return;
        };
        let ids: Vec<UtteranceId> = dubbing.utterances.keys().copied().collect();
        let languages: Vec<LanguageTag> = dubbing.tracks.keys().cloned().collect();
        let (line, language) = (self.random.pick(&ids).copied(), self.random.pick(&languages).cloned());
        let (Some(line), Some(language)) = (line, language) else {
            return;
        };
        let track = TrackId { dubbing: job, language: language.clone() };
        match self.random.below(6) {
            0 => self.history.dubbing(job, DubbingCommand::Edit(facts::change(line))),
            1 => self.history.dubbing(job, DubbingCommand::Edit(facts::split(&dubbing, line))),
            2 => self.history.dubbing(job, DubbingCommand::Edit(facts::merge(&dubbing, line))),
            3 => self.history.track(&track, facts::word(line)),
            4 => self.history.track(&track, facts::direct(line)),
            _ => {
                let request = dubbing.tracks.get(&language).map_or(0, |track| track.regenerations) + 1;
                let from = (request % 2 == 0).then_some(Stage::Mix);
                self.history.dubbing(job, DubbingCommand::Regenerate { language, from, request });
            }
        }
    }

    /// Now and then somebody corrects the transcript between the look at it and what follows from that.
    fn meanwhile(&mut self, job: DubbingId) {
        if self.random.one_in(3) {
            self.correct(job);
        }
    }

    /// A person pauses the dubbing or one of its tracks.
    fn pause(&mut self, job: DubbingId) {
        let command = FlowCommand::Pause { code: PAUSED_BY_USER.to_owned() };
        let tracks: Vec<_> = self.tracks().keys().filter(|track| track.dubbing == job).cloned().collect();
        match self.random.pick(&tracks).cloned().filter(|_| self.random.one_in(2)) {
            Some(track) => self.history.track(&track, TrackCommand::Flow(command)),
            None => self.history.dubbing(job, DubbingCommand::Flow(command)),
        }
    }

    /// An operator passes over what is parked, where that is possible, and lets the rest go on.
    fn resume(&mut self, job: DubbingId) {
        let tracks = self.tracks().keys().filter(|track| track.dubbing == job).cloned().map(StreamId::Track);
        let streams: Vec<_> = [StreamId::Dubbing(job)].into_iter().chain(tracks).collect();
        for stream in streams {
            for stage in [Stage::SyncLips, Stage::Mark, Stage::Clean] {
                self.flow_command(&stream, FlowCommand::PassOver { stage, reason: "by an operator".to_owned() });
            }
            self.flow_command(&stream, FlowCommand::Resume);
        }
    }

    /// One stream takes its next step: what it has asked for begins, what began goes on, what is owed is
    /// asked for.
    fn advance(&mut self, stream: &StreamId) {
        if let StreamId::Track(track) = stream {
            self.carry(track);
        }
        let Some(flow) = self.flow(stream) else {
            return;
        };
        let running = flow.cells.iter().find_map(|(stage, cell)| match cell.phase {
            Phase::Started(_) => Some(Fence { stage: *stage, run: cell.run, attempt: cell.attempt }),
            _ => None,
        });
        let waiting = flow.cells.iter().find_map(|(stage, cell)| match cell.phase {
            Phase::Requested(_) => Some(Fence { stage: *stage, run: cell.run, attempt: cell.attempt }),
            _ => None,
        });
        if let Some(fence) = running {
            self.work(stream, fence);
        } else if let Some(fence) = waiting.filter(|_| flow.paused.is_none() && !flow.undoing) {
            self.flow_command(stream, FlowCommand::Start(fence));
        } else if let Some(action) = self.random.pick(&next_actions(&flow)).copied() {
            self.act(stream, &flow, action);
        }
    }

    fn act(&mut self, stream: &StreamId, flow: &Flow, action: Action) {
        match (action, stream) {
            (Action::Run(stage) | Action::Retry(stage, _), _) => {
                let cell = flow.cell(stage);
                let fence = Fence { stage, run: cell.run, attempt: cell.attempt + 1 };
                let work_id = work_id(&stream.to_string(), fence);
                self.flow_command(stream, FlowCommand::Request { stage, work_id });
            }
            (Action::Undo(stage), _) => self.flow_command(stream, FlowCommand::Undone(stage)),
            (Action::Finish, _) if flow.undoing => self.flow_command(stream, FlowCommand::Compensated),
            (Action::Finish, StreamId::Dubbing(job)) => self.history.dubbing(*job, DubbingCommand::Finish),
            (Action::Finish, StreamId::Track(_)) => {}
            (
                Action::Finish,
                StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_),
            ) => {}
        }
    }

    /// What crosses streams: a track begins, is made anew, is settled.
    fn carry(&mut self, id: &TrackId) {
        let Some(dubbing) = self.dubbings().get(&id.dubbing).cloned() else {
            return;
        };
        let Some(asked) = dubbing.tracks.get(&id.language).filter(|_| dubbing.phase == Life::Processing) else {
            return;
        };
        let Some(track) = self.tracks().get(id).cloned() else {
            if dubbing.flow.is_done(Stage::Transcribe) {
                let start = facts::track_start(id, asked.settings.clone(), dubbing.source_lines());
                self.meanwhile(id.dubbing);
                self.history.track(id, start);
            }
            return;
        };
        let is_kept = asked.outcome.is_some_and(|outcome| outcome != Outcome::Cancelled);
        if is_kept && !track.flow.is_at_rest() {
            self.history.track(id, TrackCommand::CallOff(asked.settings.clone()));
        } else if track.header.is_some_and(|header| header.settings != asked.settings) {
            self.history.track(id, TrackCommand::Revise(asked.settings.clone()));
        } else if track.regenerations < asked.regenerations {
            let (from, request, lines) = (asked.replay_from, asked.regenerations, dubbing.source_lines());
            self.meanwhile(id.dubbing);
            self.history.track(id, TrackCommand::Regenerate { from, request, lines });
        } else if asked.outcome.is_none() && next_actions(&track.flow) == [Action::Finish] {
            let to_attend = track.lines.values().any(|line| line.needs_attention());
            let outcome = if to_attend { Outcome::NeedsAttention } else { Outcome::Completed };
            let (language, request) = (id.language.clone(), asked.requests);
            let settle = DubbingCommand::SettleTrack { language, request, outcome };
            self.history.dubbing(id.dubbing, settle);
        }
    }

    /// A worker reports, finishes, fails or vanishes.
    fn work(&mut self, stream: &StreamId, fence: Fence) {
        match self.random.below(20) {
            0 if self.random.one_in(2) => self.flow_command(stream, FlowCommand::Release(fence)),
            0 => self.flow_command(stream, FlowCommand::Lose(fence)),
            1 | 2 => {
                let permanent = self.random.one_in(4);
                let failure = Failure { code: "engine-failed".to_owned(), message: "no".to_owned(), permanent };
                let retry_at = Timestamp::from_unix_ms(1_800_000_000_000);
                self.flow_command(stream, FlowCommand::Fail { fence, failure, retry_at });
            }
            3..=7 => self.report(stream, fence, true),
            _ if matches!(fence.stage, Stage::SyncLips | Stage::Mark) => {
                let (engine, reason) = ("none".to_owned(), "no engine does this".to_owned());
                self.flow_command(stream, FlowCommand::Skip { fence, engine, reason });
            }
            _ => self.report(stream, fence, false),
        }
    }

    fn report(&mut self, stream: &StreamId, fence: Fence, in_part: bool) {
        let summary = StageSummary {
            wall_ms: self.random.below(60_000),
            producers: vec![Producer { engine: "engine".to_owned(), version: "1.2".to_owned(), model_digest: None }],
            made: u32::try_from(self.random.below(50)).unwrap_or(0),
            reused: u32::try_from(self.random.below(50)).unwrap_or(0),
        };
        match stream {
            StreamId::Dubbing(job) if fence.stage == Stage::Ingest && self.random.one_in(12) => {
                let (code, message) = ("no-speech".to_owned(), "there is no speech".to_owned());
                self.history.dubbing(*job, DubbingCommand::RejectSource { fence, code, message });
            }
            StreamId::Dubbing(job) => {
                let mut facts = facts::of_dubbing(&mut self.random, fence.stage);
                let command = if in_part {
                    facts.truncate(facts.len() / 2);
                    DubbingCommand::Record { fence, facts }
                } else {
                    DubbingCommand::Complete { fence, facts, summary }
                };
                self.history.dubbing(*job, command);
            }
            StreamId::Track(id) => {
                let Some(track) = self.tracks().get(id).cloned() else {
                    return;
                };
                let mut facts = facts::of_track(&mut self.random, fence.stage, &track);
                let reopen = (fence.stage == Stage::Fit && self.random.one_in(3)).then_some(Stage::Synthesise);
                let command = if in_part {
                    facts.truncate(facts.len() / 2);
                    TrackCommand::Record { fence, facts }
                } else {
                    TrackCommand::Complete { fence, facts, summary, reopen }
                };
                self.history.track(id, command);
            }
            StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => {}
        }
    }

    fn flow(&self, stream: &StreamId) -> Option<Flow> {
        match stream {
            StreamId::Dubbing(job) => self.dubbings().get(job).map(|dubbing| dubbing.flow.clone()),
            StreamId::Track(id) => self.tracks().get(id).map(|track| track.flow.clone()),
            StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => None,
        }
    }

    fn flow_command(&mut self, stream: &StreamId, command: FlowCommand) {
        match stream {
            StreamId::Dubbing(job) => self.history.dubbing(*job, DubbingCommand::Flow(command)),
            StreamId::Track(id) => self.history.track(id, TrackCommand::Flow(command)),
            StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => {}
        }
    }
}

/// Continues a history by a story.
fn tell_on(told: &mut Vec<Recorded>, events: &[Recorded]) {
    let before = told.len() as u64;
    told.extend(events.iter().cloned().map(|event| Recorded { position: event.position + before, ..event }));
}

fn request(language: &str, background: Background) -> TrackRequest {
    let settings = TrackSettings {
        glossary: None,
        keep_phrases: Personal::new(vec![SECRET.to_owned()]),
        voices: Personal::new(BTreeMap::from([(SECRET.to_owned(), SECRET.to_owned())])),
        background,
        keep_original: false,
        embed_subtitles: true,
    };
    TrackRequest { language: tag(language), settings }
}

/// A tag that is known to be well-formed.
fn tag(language: &str) -> LanguageTag {
    match language.parse() {
        Ok(tag) => tag,
        Err(_) => unreachable!("stories know their languages"),
    }
}

fn percent(value: u64) -> Percent {
    Percent::new(u16::try_from(value).unwrap_or(100))
}
