//! The stages of a dubbing and of its languages.

use super::seen::Seen;
use crate::columns;
use application::ports::read_store::Row;
use domain::{
    dubbing::{Dubbing, Phase as Life},
    flow::{Flow, Phase, Scope, Stage, rows},
    track::{Line, Track},
    value::LanguageTag,
};
use serde::Serialize;
use utoipa::ToSchema;

/// One stage. Times are those of its newest attempt.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DubbingStage)]
pub(crate) struct StageView {
    /// Its name.
    #[schema(value_type = String, example = "transcribe")]
    pub stage: Stage,
    /// The language; absent for stages of the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub language: Option<LanguageTag>,
    /// Where it stands.
    pub state: StageState,
    /// How often it was asked for anew; the first is 1.
    pub run: u32,
    /// Tries within the run; 0 before the first.
    pub attempt: u32,
    /// When the attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When the attempt ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub retry_at: Option<String>,
    /// How long it worked, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u64>,
    /// Lines that are done, for stages that go line by line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<usize>,
    /// Lines that there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<usize>,
}

/// Where a stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StageState {
    /// What it needs is not there yet.
    Waiting,
    /// It waits for a worker.
    Requested,
    /// A worker is at it.
    Running,
    /// It failed, and will be tried again.
    Retrying,
    /// It is done.
    Done,
    /// There was nothing to do.
    Skipped,
    /// It is out of attempts, and waits for somebody to retry it.
    Parked,
    /// It was done, and its result was taken back.
    Undone,
    /// The dubbing failed while it was at work.
    Failed,
}

impl From<Phase> for StageState {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Waiting => StageState::Waiting,
            Phase::Requested(_) => StageState::Requested,
            Phase::Started(_) => StageState::Running,
            Phase::RetryAt(_) => StageState::Retrying,
            Phase::Done => StageState::Done,
            Phase::Skipped => StageState::Skipped,
            Phase::Parked => StageState::Parked,
            Phase::Undone => StageState::Undone,
        }
    }
}

/// Lines that are done, and lines that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    pub done: usize,
    pub of: usize,
}

impl Seen {
    /// Its stages: those of the whole, then those of each language.
    pub(super) fn stages(&self) -> Vec<StageView> {
        let dubbing = &self.dubbing.state;
        let whole = rows(Scope::Dubbing)
            .map(|row| self.stage(None, &dubbing.flow, row.stage, lines_of_dubbing(dubbing, row.stage)));
        let tracks = self.tracks.iter().flat_map(|(language, track)| {
            let of = |stage| self.stage(Some(language), &track.flow, stage, lines_of_track(track, stage));
            rows(Scope::Track).map(move |row| of(row.stage))
        });
        whole.chain(tracks).collect()
    }

    fn stage(&self, language: Option<&LanguageTag>, flow: &Flow, stage: Stage, lines: Option<Lines>) -> StageView {
        let cell = flow.cell(stage);
        let is_its = |run: &&Row| {
            columns::text(run, "stage") == Some(stage.name())
                && columns::text(run, "language").unwrap_or_default() == language.map_or("", LanguageTag::as_str)
                && columns::number(run, "run") == Some(cell.run.into())
                && columns::number(run, "attempt") == Some(cell.attempt.into())
        };
        let run = self.runs.iter().find(is_its);
        let text = |column| run.and_then(|run| columns::text(run, column)).map(str::to_owned);
        StageView {
            stage,
            language: language.cloned(),
            state: match cell.phase {
                Phase::Requested(_) | Phase::Started(_) if self.dubbing.state.phase == Life::Failed => {
                    StageState::Failed
                }
                phase => phase.into(),
            },
            run: cell.run,
            attempt: cell.attempt,
            started_at: text("started_at"),
            ended_at: text("ended_at"),
            retry_at: match cell.phase {
                Phase::RetryAt(at) => Some(at.to_string()),
                Phase::Waiting | Phase::Requested(_) | Phase::Started(_) | Phase::Done => None,
                Phase::Skipped | Phase::Parked | Phase::Undone => None,
            },
            wall_ms: flow.summaries.get(&stage).filter(|_| flow.is_done(stage)).map(|summary| summary.wall_ms),
            done: lines.map(|lines| lines.done),
            of: lines.map(|lines| lines.of),
        }
    }
}

/// Lines of a stage of the whole, where it goes line by line and knows how many there are.
pub(super) fn lines_of_dubbing(dubbing: &Dubbing, stage: Stage) -> Option<Lines> {
    let of = dubbing.planned.len();
    // Lines may have been cut in two since: there are never more done than there are.
    let done = dubbing.utterances.len().saturating_add(dubbing.dropped.len()).min(of);
    (stage == Stage::Transcribe && of > 0).then_some(Lines { done, of })
}

/// Lines of a stage of a track, where it goes line by line.
pub(super) fn lines_of_track(track: &Track, stage: Stage) -> Option<Lines> {
    let is_done: fn(&Line) -> bool = match stage {
        Stage::Translate => |line| line.translation.is_some(),
        Stage::Synthesise => |line| line.speech_at(line.direction.rate.unwrap_or(line.rate())).is_some(),
        Stage::Fit => |line| line.placement.is_some(),
        Stage::Ingest | Stage::Separate | Stage::Transcribe | Stage::AssignVoices | Stage::SyncLips => return None,
        Stage::Mix | Stage::Mark | Stage::Mux | Stage::Assess | Stage::Sign | Stage::Publish => return None,
        Stage::Clean => return None,
    };
    let of = track.lines.len();
    (of > 0).then(|| Lines { done: track.lines.values().filter(|line| is_done(line)).count(), of })
}
