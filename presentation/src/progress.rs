//! Progress, read from the log: a bar per stage and language on a terminal, plain lines elsewhere.
//! Always on standard error, so that standard output stays the result's.

use crate::session::language_of;
use application::ports::event_log::{DomainEvent, EventLog, ReadError, Recorded};
use domain::{
    dubbing::DubbingEvent,
    flow::{FlowEvent, SKIPPED_BY_OPERATOR, Stage, StageSummary},
    track::TrackEvent,
    value::{DubbingId, LanguageTag},
};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Longest time between two looks at the log.
const POLL: Duration = Duration::from_millis(200);
/// Events read in one go.
const PAGE: usize = 256;

/// Shows how a job gets on.
pub struct Progress {
    bars: Option<MultiProgress>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bars: BTreeMap<(Option<LanguageTag>, Stage), ProgressBar>,
    /// Utterances to recognise, once segmented.
    planned: u64,
    /// Lines of each track.
    lines: BTreeMap<LanguageTag, u64>,
}

impl Progress {
    /// Bars when standard error is a terminal, lines otherwise.
    pub fn new() -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self { bars, state: Mutex::default() }
    }

    /// Follows the events of a job after a position; only ever returns an error.
    pub async fn follow(&self, log: &Arc<dyn EventLog>, job: DubbingId, from: u64) -> ReadError {
        let mut wakeups = log.wakeups();
        let mut seen = from;
        loop {
            let page = match log.read_log(seen, PAGE).await {
                Ok(page) => page,
                Err(error) => return error,
            };
            page.events.iter().filter(|event| event.stream.dubbing() == Some(job)).for_each(|event| self.show(event));
            seen = page.scanned_to;
            if page.scanned_to >= page.head {
                let _hint = tokio::time::timeout(POLL, wakeups.changed()).await;
            }
        }
    }

    /// Removes what is still moving.
    pub fn finish(&self, is_interrupted: bool) {
        for bar in self.state().bars.values().filter(|bar| !bar.is_finished()) {
            if is_interrupted { bar.abandon_with_message("interrupted") } else { bar.finish_and_clear() }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, event: &Recorded) {
        let language = language_of(&event.stream);
        match &event.event {
            DomainEvent::Dubbing(DubbingEvent::Flow(flow)) | DomainEvent::Track(TrackEvent::Flow(flow)) => {
                self.show_flow(language, flow);
            }
            DomainEvent::Dubbing(DubbingEvent::SpeechSegmented { utterances }) => {
                let mut state = self.state();
                state.planned = utterances.len() as u64;
                if let Some(bar) = state.bars.get(&(None, Stage::Transcribe)) {
                    give_length(bar, state.planned);
                }
            }
            DomainEvent::Dubbing(DubbingEvent::UtteranceTranscribed(_) | DubbingEvent::UtteranceDropped { .. }) => {
                self.advance(None, Stage::Transcribe)
            }
            DomainEvent::Dubbing(_)
            | DomainEvent::Asset(_)
            | DomainEvent::Project(_)
            | DomainEvent::Glossary(_)
            | DomainEvent::Tenancy(_) => {}
            DomainEvent::Track(event) => self.show_track(language, event),
        }
    }

    fn show_track(&self, language: Option<&LanguageTag>, event: &TrackEvent) {
        match event {
            TrackEvent::TrackStarted { language, lines, .. } => {
                self.state().lines.insert(language.clone(), lines.len() as u64);
            }
            TrackEvent::UtteranceTranslated(_) => self.advance(language, Stage::Translate),
            TrackEvent::UtteranceSynthesised(_) => self.advance(language, Stage::Synthesise),
            _ => {}
        }
    }

    fn show_flow(&self, language: Option<&LanguageTag>, event: &FlowEvent) {
        match event {
            FlowEvent::StageStarted { fence } => self.begin(language, fence.stage),
            FlowEvent::StageCompleted { fence, summary } => self.end(language, fence.stage, &told(summary)),
            FlowEvent::StageSkipped { fence, engine, .. } => {
                let who = if engine == SKIPPED_BY_OPERATOR { "by an operator" } else { &format!("engine {engine}") };
                self.end(language, fence.stage, &format!("skipped ({who})"));
            }
            FlowEvent::StageFailed { fence, failure } => {
                self.end(language, fence.stage, &format!("failed: {}", failure.message));
            }
            FlowEvent::StageLost { fence } => self.end(language, fence.stage, "lost in a crash, once more"),
            FlowEvent::StageReleased { fence } => self.end(language, fence.stage, "given back, once more"),
            FlowEvent::StageParked { stage, .. } => self.end(language, *stage, "stopped, see below"),
            FlowEvent::StageRequested { .. }
            | FlowEvent::StageRetryScheduled { .. }
            | FlowEvent::StageReopened { .. }
            | FlowEvent::StageInherited { .. }
            | FlowEvent::StageUndone { .. }
            | FlowEvent::FlowPaused { .. }
            | FlowEvent::FlowResumed
            | FlowEvent::FlowCompensated => {}
        }
    }

    fn begin(&self, language: Option<&LanguageTag>, stage: Stage) {
        let Some(bars) = &self.bars else {
            return;
        };
        let mut state = self.state();
        let total = match stage {
            Stage::Transcribe => state.planned,
            Stage::Translate | Stage::Synthesise => language.and_then(|l| state.lines.get(l)).copied().unwrap_or(0),
            _ => 0,
        };
        let bar = state.bars.entry((language.cloned(), stage)).or_insert_with(|| bars.add(ProgressBar::no_length()));
        bar.reset();
        bar.set_style(style("{prefix:.bold} {spinner} {elapsed} {msg}"));
        bar.set_prefix(label(language, stage));
        bar.set_message("");
        bar.enable_steady_tick(Duration::from_millis(100));
        if total > 0 {
            give_length(bar, total);
        }
    }

    fn advance(&self, language: Option<&LanguageTag>, stage: Stage) {
        if let Some(bar) = self.state().bars.get(&(language.cloned(), stage)) {
            bar.inc(1);
        }
    }

    fn end(&self, language: Option<&LanguageTag>, stage: Stage, outcome: &str) {
        match self.state().bars.get(&(language.cloned(), stage)) {
            Some(bar) => {
                bar.set_style(style("{prefix:.bold} {msg}"));
                bar.finish_with_message(outcome.to_owned());
            }
            None if self.bars.is_none() => eprintln!("{} {outcome}", label(language, stage)),
            None => {}
        }
    }
}

fn label(language: Option<&LanguageTag>, stage: Stage) -> String {
    let language = language.map_or(String::new(), |language| format!("[{language}]"));
    format!("{language:<5} {stage:<13}")
}

fn give_length(bar: &ProgressBar, total: u64) {
    bar.set_length(total);
    bar.set_style(style("{prefix:.bold} {bar:24.cyan/dim} {pos}/{len} lines {elapsed} (eta {eta}) {msg}"));
}

/// The template is fixed; should one ever not parse, the plain style does.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// What a finished stage took: `done in 0.8 s (12 made, 3 reused; apertium 3.8.3)`.
fn told(summary: &StageSummary) -> String {
    let engines: Vec<String> =
        summary.producers.iter().map(|producer| format!("{} {}", producer.engine, producer.version)).collect();
    let seconds = summary.wall_ms as f64 / 1_000.0;
    let mut details = match (summary.made, summary.reused) {
        (_, 0) => String::new(),
        (made, reused) => format!("{made} made, {reused} reused"),
    };
    if !engines.is_empty() {
        let separator = if details.is_empty() { "" } else { "; " };
        details = format!("{details}{separator}{}", engines.join(", "));
    }
    if details.is_empty() { format!("done in {seconds:.2} s") } else { format!("done in {seconds:.2} s ({details})") }
}
