//! Fit: where each line sounds, and how fast it is spoken. The planner is pure and lives in the domain.

use super::handler::{Done, StageError, TrackJob, TrackStage};
use async_trait::async_trait;
use domain::{
    fit::{self, Limits, Line, Picture, Placement, Take},
    flow::Stage,
    track::{FittedUtterance, Flag, TrackEvent},
    value::{Percent, Producer, UtteranceId},
};

/// The handler.
pub struct Fit {
    /// How far the planner may go.
    pub limits: Limits,
    /// The version of the planner: the program's own.
    pub version: String,
}

#[async_trait]
impl TrackStage for Fit {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        let lines = lines(job);
        let picture = picture(job)?;
        let mut plan = fit::plan(&lines, &picture, &self.limits);
        // What was asked for already and did not come will not come the next time either.
        plan.respeak.retain(|(utterance, rate)| chosen_rate(job, *utterance) != Some(*rate));
        let producers = vec![self.producer()];
        let made = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        if !plan.respeak.is_empty() && self.may_ask_again(&lines) {
            let chosen = plan.respeak.into_iter();
            let facts = chosen.map(|(utterance, rate)| TrackEvent::SpeechRateChosen { utterance, rate }).collect();
            return Ok(Done { facts, producers, made, reused: 0, reopen: Some(Stage::Synthesise), skipped: None });
        }
        let settled = fit::settle(&lines, &picture, &self.limits);
        let facts = settled.placements.iter().flat_map(|placement| facts(job, placement)).collect();
        Ok(Done { facts, producers, made, reused: 0, reopen: None, skipped: None })
    }
}

impl Fit {
    fn producer(&self) -> Producer {
        Producer { engine: "isochrony-planner".to_owned(), version: self.version.clone(), model_digest: None }
    }

    /// Each round adds one take at most to a line.
    fn may_ask_again(&self, lines: &[Line]) -> bool {
        let takes = lines.iter().map(|line| line.takes.len()).max().unwrap_or(0);
        takes <= usize::from(self.limits.rounds)
    }
}

/// The rate that an earlier run asked for.
fn chosen_rate(job: &TrackJob, utterance: UtteranceId) -> Option<Percent> {
    job.track.lines.get(&utterance).and_then(|line| line.rate)
}

/// Lines that were spoken, in order of time.
fn lines(job: &TrackJob) -> Vec<Line> {
    let spoken = job.lines().filter_map(|(utterance, source, line)| {
        let slot = source.span;
        let fixed = line.direction.rate;
        let natural = line.speech_at(fixed.unwrap_or(Percent::HUNDRED))?;
        let takes = line.speech.iter().map(|speech| Take { rate: speech.rate, duration_ms: speech.duration_ms });
        Some(Line { utterance, slot, natural_ms: natural.duration_ms, fixed, takes: takes.collect() })
    });
    let mut lines: Vec<Line> = spoken.collect();
    lines.sort_by_key(|line| line.slot);
    lines
}

fn picture(job: &TrackJob) -> Result<Picture, StageError> {
    let source = job.dubbing.source.as_ref().ok_or(StageError::Absent("the source"))?;
    let kept = job.lines().filter_map(|(_, _, line)| line.translation.as_ref());
    let kept = kept.flat_map(|translation| translation.kept.iter().copied()).collect();
    Ok(Picture { duration_ms: source.duration_ms, kept })
}

/// The placement and its flags, as far as they are news.
fn facts(job: &TrackJob, placement: &Placement) -> Vec<TrackEvent> {
    let fitted = FittedUtterance {
        utterance: placement.utterance,
        start_ms: placement.start_ms,
        duration_ms: placement.duration_ms,
        rate: placement.rate,
        shift_ms: placement.shift_ms,
    };
    let known = job.track.lines.get(&placement.utterance).and_then(|line| line.placement);
    let news = (known != Some(fitted)).then_some(TrackEvent::UtteranceFitted(fitted));
    let flagged = placement.flags.iter().map(|flag| TrackEvent::UtteranceFlagged {
        utterance: placement.utterance,
        stage: Stage::Fit,
        flag: as_track_flag(*flag),
    });
    news.into_iter().chain(flagged).collect()
}

fn as_track_flag(flag: fit::Flag) -> Flag {
    match flag {
        fit::Flag::Hurried => Flag::Hurried,
        fit::Flag::Overlong => Flag::Overlong,
        fit::Flag::Late => Flag::Late,
        fit::Flag::NeedsAttention => Flag::NeedsAttention,
        fit::Flag::OutlastsPicture => Flag::OutlastsPicture,
    }
}
