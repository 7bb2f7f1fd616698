//! What a finished (or stopped) job comes to: the JSON document, or a page for people.

use crate::{
    exit::{Exit, Failure},
    session::{Finished, Session, SessionEnding},
    wiring::App,
};
use application::{
    commands::deliver::DeliveredTrack,
    process_manager::Ending,
    report::{remarks_on_dubbing, remarks_on_track},
};
use domain::{
    dubbing::{Dubbing, Phase as Life},
    flow::{Failure as StageFailure, Flow, Phase, Stage},
    track::{Role, Track},
    value::{DubbingId, LanguageTag, TrackId},
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
};

/// What a job has come to: the document of `--json`.
#[derive(Debug, Serialize)]
pub struct Outcome {
    job: DubbingId,
    state: &'static str,
    source: Source,
    outputs: Vec<Output>,
    stages: Vec<StageTime>,
    warnings: Vec<String>,
    timing: Timing,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    /// How the program ends.
    #[serde(skip)]
    pub exit: Exit,
    #[serde(skip)]
    is_unchanged: bool,
}

#[derive(Debug, Serialize)]
struct Source {
    name: Option<String>,
    sha256: Option<String>,
    language: Option<LanguageTag>,
    language_assumed: bool,
    duration_ms: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Output {
    language: LanguageTag,
    state: &'static str,
    video: Option<String>,
    srt: Option<String>,
    vtt: Option<String>,
    report: Option<String>,
}

#[derive(Debug, Serialize)]
struct StageTime {
    stage: Stage,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<LanguageTag>,
    wall_ms: u64,
    engine: String,
    reused: bool,
}

/// Wall time of this call, and the part of it in which at least one engine worked.
#[derive(Debug, Serialize)]
struct Timing {
    wall_ms: u64,
    engine_ms: u64,
}

/// Why a job does not go on.
#[derive(Debug, Serialize)]
struct Problem {
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<Stage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<LanguageTag>,
    code: String,
    message: String,
}

impl Outcome {
    /// Reads off the aggregates what the job has come to.
    pub async fn of(
        app: &App,
        job: DubbingId,
        session: &Session,
        delivered: &[DeliveredTrack],
    ) -> Result<Self, Failure> {
        let dubbing = app.aggregates.dubbing(job).await?.state;
        let mut tracks = BTreeMap::new();
        for language in dubbing.tracks.keys() {
            let id = TrackId { dubbing: job, language: language.clone() };
            tracks.insert(language.clone(), app.aggregates.track(&id).await?.state);
        }
        let problem = stopped(session).or_else(|| problem(&dubbing, &tracks));
        let (state, exit) = state(&dubbing, &tracks, session, problem.as_ref());
        let mut stages = stage_times(None, &dubbing.flow, &session.before);
        for (language, track) in &tracks {
            stages.extend(stage_times(Some(language), &track.flow, &session.before));
        }
        let mut warnings = remarks_on_dubbing(&dubbing);
        for (language, track) in tracks.iter().filter(|_| dubbing.phase != Life::Failed) {
            warnings.extend(track_warnings(language, &dubbing, track));
        }
        let is_unchanged = stages.iter().all(|stage| stage.reused) && delivered.iter().all(|track| !track.is_written);
        Ok(Self {
            job,
            state,
            source: source(&dubbing),
            outputs: tracks.iter().map(|(language, track)| output(language, dubbing.phase, track, delivered)).collect(),
            stages,
            warnings,
            timing: Timing { wall_ms: session.wall_ms, engine_ms: session.engine_ms },
            problem,
            exit,
            is_unchanged,
        })
    }
}

fn state(
    dubbing: &Dubbing,
    tracks: &BTreeMap<LanguageTag, std::sync::Arc<Track>>,
    session: &Session,
    problem: Option<&Problem>,
) -> (&'static str, Exit) {
    if session.ending == SessionEnding::Interrupted {
        return ("interrupted", Exit::Interrupted);
    }
    if let SessionEnding::Stopped(failure) = &session.ending {
        return ("stopped", failure.exit);
    }
    let needs_attention = tracks.values().any(|track| track.lines_to_attend() > 0);
    match (dubbing.phase, &session.ending) {
        (Life::Completed, _) if needs_attention => ("needs_attention", Exit::Attention),
        (Life::Completed, _) => ("completed", Exit::Done),
        (Life::Failed, _) => ("failed", Exit::Rejected),
        (Life::Cancelled, _) => ("cancelled", Exit::Done),
        (
            Life::NotStarted | Life::Processing,
            SessionEnding::Driven(Ending::Settled | Ending::Parked | Ending::Paused),
        ) => ("parked", problem.map_or(Exit::Internal, |problem| exit_of(&problem.code))),
        (Life::NotStarted | Life::Processing, SessionEnding::Interrupted | SessionEnding::Stopped(_)) => {
            ("interrupted", Exit::Interrupted)
        }
    }
}

fn stopped(session: &Session) -> Option<Problem> {
    let SessionEnding::Stopped(failure) = &session.ending else {
        return None;
    };
    let (code, message) = (failure.code().to_owned(), failure.message.clone());
    Some(Problem { stage: None, language: None, code, message })
}

/// The exit code of a parked stage's reason.
fn exit_of(code: &str) -> Exit {
    match code {
        "engine-missing" | "no-voice" => Exit::EngineMissing,
        "unknown-voice" => Exit::Usage,
        "bad-glossary" | "bad-transcript" | "undecodable" => Exit::Rejected,
        _ => Exit::Internal,
    }
}

fn problem(dubbing: &Dubbing, tracks: &BTreeMap<LanguageTag, std::sync::Arc<Track>>) -> Option<Problem> {
    if let Some((code, message)) = &dubbing.rejection {
        return Some(Problem { stage: None, language: None, code: code.clone(), message: message.clone() });
    }
    let flows = tracks.iter().map(|(language, track)| (Some(language), &track.flow));
    [(None, &dubbing.flow)].into_iter().chain(flows).find_map(|(language, flow)| {
        let (stage, failure) = parked(flow)?;
        let (code, message) = (failure.code.clone(), failure.message.clone());
        Some(Problem { stage: Some(stage), language: language.cloned(), code, message })
    })
}

fn parked(flow: &Flow) -> Option<(Stage, &StageFailure)> {
    let is_parked = |stage: &Stage| flow.phase(*stage) == Phase::Parked;
    flow.failures.iter().find(|(stage, _)| is_parked(stage)).map(|(stage, failure)| (*stage, failure))
}

fn source(dubbing: &Dubbing) -> Source {
    let request = dubbing.request.as_ref();
    Source {
        name: request.and_then(|request| request.name.reveal().cloned()),
        sha256: request.map(|request| request.source.sha256.to_string()),
        language: request.map(|request| request.source_language.clone()),
        language_assumed: request.is_some_and(|request| request.language_assumed),
        duration_ms: dubbing.source.as_ref().map(|source| source.duration_ms),
    }
}

fn output(language: &LanguageTag, job: Life, track: &Track, delivered: &[DeliveredTrack]) -> Output {
    let files = delivered.iter().find(|track| track.language == *language);
    let path = |role: Role| {
        let found = files?.files.iter().find(|(of, _)| *of == role)?;
        Some(found.1.display().to_string())
    };
    let state = match (&track.published, track.lines_to_attend()) {
        (Some(_), 0) => "completed",
        (Some(_), _) => "needs_attention",
        (None, _) if parked(&track.flow).is_some() => "parked",
        (None, _) if track.cancelled || job == Life::Cancelled => "cancelled",
        (None, _) if job == Life::Failed => "failed",
        (None, _) => "processing",
    };
    Output {
        language: language.clone(),
        state,
        video: path(Role::Video),
        srt: path(Role::Srt),
        vtt: path(Role::Vtt),
        report: path(Role::Report),
    }
}

fn stage_times(language: Option<&LanguageTag>, flow: &Flow, before: &Finished) -> Vec<StageTime> {
    let was_there = |stage: &Stage| {
        let cell = flow.cell(*stage);
        before.get(&(language.cloned(), *stage)) == Some(&(cell.run, cell.attempt))
    };
    let finished = flow.cells.keys().filter(|stage| flow.is_done(**stage)).map(|stage| {
        let summary = flow.summaries.get(stage);
        let engines = summary.map(|summary| {
            summary.producers.iter().map(|producer| format!("{} {}", producer.engine, producer.version)).collect()
        });
        let engines: Vec<String> = engines.unwrap_or_default();
        let skipped = flow.skips.get(stage).map(|(engine, _)| engine.clone());
        let made_nothing = summary.is_some_and(|summary| summary.made == 0 && summary.reused > 0);
        StageTime {
            stage: *stage,
            language: language.cloned(),
            wall_ms: summary.map_or(0, |summary| summary.wall_ms),
            engine: if engines.is_empty() {
                skipped.unwrap_or_else(|| "dragoman".to_owned())
            } else {
                engines.join(", ")
            },
            reused: was_there(stage) || made_nothing,
        }
    });
    finished.collect()
}

fn track_warnings(language: &LanguageTag, dubbing: &Dubbing, track: &Track) -> Vec<String> {
    let mut warnings = remarks_on_track(dubbing, track);
    let to_attend = track.lines_to_attend();
    if to_attend > 0 {
        warnings.push(format!("{to_attend} of {} lines need attention: see the report", track.lines.len()));
    }
    if track.mixed.as_ref().is_some_and(|mixed| !mixed.loudness_reached) {
        warnings.push("the loudness differs from the source's by more than 1 LU".to_owned());
    }
    if track.assessed.as_ref().is_some_and(|assessed| assessed.true_peak.db() > application::report::TRUE_PEAK_MAX_DBTP)
    {
        warnings.push("the true peak is above -1 dBTP".to_owned());
    }
    warnings.into_iter().map(|warning| format!("{language}: {warning}")).collect()
}

/// Prints the outcome: one JSON document, or a page for people.
pub fn show(outcome: &Outcome, json: bool) {
    if json {
        // Plain values of our own types always serialise.
        super::print(&serde_json::to_string_pretty(outcome).unwrap_or_default());
    } else {
        super::print(page(outcome).trim_end());
    }
    if let Some(problem) = &outcome.problem {
        let language = problem.language.as_ref().map_or(String::new(), |language| format!("{language}: "));
        let stage = problem.stage.map_or(String::new(), |stage| format!("{stage}: "));
        // A full disk says what to do in general; here the job is known.
        let (message, mend) = match problem.message.split_once("; free some space") {
            Some((what, _)) => (what, "free some space, then"),
            None => (&*problem.message, "when that is mended,"),
        };
        let next = match outcome.state {
            "parked" | "stopped" => format!("; {mend} `dragoman resume {}` goes on", outcome.job),
            _ => String::new(),
        };
        // Nobody is left to tell when standard error is gone.
        let _told = writeln!(std::io::stderr(), "dragoman: {language}{stage}{message}{next}");
    } else if outcome.exit == Exit::Interrupted {
        let _told = writeln!(std::io::stderr(), "dragoman: interrupted; `dragoman resume {}` goes on", outcome.job);
    }
}

fn page(outcome: &Outcome) -> String {
    let bold = |text: &str| {
        if std::io::stdout().is_terminal() { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    };
    let mut page = String::new();
    let state = outcome.state.replace('_', " ");
    page.push_str(&format!("{} {} · {}\n", bold("Job"), outcome.job, state));
    if outcome.state == "cancelled" {
        page.push_str("It was called off, and has given back what it had made.\n");
    } else if outcome.is_unchanged && matches!(outcome.exit, Exit::Done | Exit::Attention) {
        page.push_str("Nothing to do: all of this was made before, and every file is in place.\n");
    }
    for output in &outcome.outputs {
        page.push_str(&format!(
            "\n{} · {}\n",
            bold(&format!("Dub {}", output.language)),
            output.state.replace('_', " ")
        ));
        let files = [("video", &output.video), ("srt", &output.srt), ("vtt", &output.vtt), ("report", &output.report)];
        for (what, path) in files {
            if let Some(path) = path {
                page.push_str(&format!("  {what:<7} {path}\n"));
            }
        }
    }
    page.push_str(&format!("\n{}\n", bold("Stages")));
    for stage in &outcome.stages {
        let language = stage.language.as_ref().map_or(String::new(), LanguageTag::to_string);
        let seconds = stage.wall_ms as f64 / 1_000.0;
        let reused = if stage.reused { "reused  " } else { "" };
        page.push_str(&format!("  {language:<3} {:<13} {seconds:>7.2} s  {reused}{}\n", stage.stage, stage.engine));
    }
    let (wall, engine) = (outcome.timing.wall_ms as f64 / 1_000.0, outcome.timing.engine_ms as f64 / 1_000.0);
    page.push_str(&format!("  {:<17} {wall:>7.2} s  of which engines worked {engine:.2} s\n", "in all"));
    if !outcome.warnings.is_empty() {
        page.push_str(&format!("\n{}\n", bold("Worth knowing")));
        outcome.warnings.iter().for_each(|warning| page.push_str(&format!("  {warning}\n")));
    }
    page
}
