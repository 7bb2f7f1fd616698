//! One job, driven to its end in this process: process manager, workers, projections, progress.

use crate::{cli::complain, exit::Failure, interrupt::Interrupt, progress::Progress, wiring::App};
use application::{ports::event_log::StreamId, process_manager::Ending, stages::handler::StageError, stop::StopSignal};
use domain::{
    flow::{Flow, Stage},
    value::{DubbingId, LanguageTag, TrackId},
};
use std::{collections::BTreeMap, time::Instant};
use tokio::task::JoinSet;

/// How a session ended.
#[derive(Clone, Debug)]
pub struct Session {
    /// Settled, parked, or interrupted.
    pub ending: SessionEnding,
    /// Stages that were finished before this session began, by run and attempt.
    pub before: Finished,
    /// Wall time of the session in milliseconds.
    pub wall_ms: u64,
    /// Part of it in which at least one engine worked, in milliseconds.
    pub engine_ms: u64,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEnding {
    /// As the process manager says.
    Driven(Ending),
    /// By the user: everything is as it was, and can be resumed.
    Interrupted,
    /// By something that no stage can be blamed for, such as a log that cannot be written.
    Stopped(Failure),
}

/// Per finished stage its run and attempt; tracks under their language.
pub type Finished = BTreeMap<(Option<LanguageTag>, Stage), (u32, u32)>;

/// Drives a job until it is settled, parked or interrupted.
pub async fn drive(app: &App, job: DubbingId, progress: &Progress, interrupt: &Interrupt) -> Result<Session, Failure> {
    let (began, busy) = (Instant::now(), app.engines.meter.busy());
    let before = finished(app, job).await?;
    let ending = work(app, job, progress, interrupt).await.unwrap_or_else(SessionEnding::Stopped);
    progress.finish(matches!(ending, SessionEnding::Interrupted | SessionEnding::Stopped(_)));
    if !matches!(ending, SessionEnding::Stopped(_)) {
        app.projections.catch_up().await.map_err(|error| Failure::internal(&error))?;
    }
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let engine_ms = millis(app.engines.meter.busy().saturating_sub(busy));
    Ok(Session { ending, before, wall_ms: millis(began.elapsed()), engine_ms })
}

async fn work(app: &App, job: DubbingId, progress: &Progress, interrupt: &Interrupt) -> Result<SessionEnding, Failure> {
    app.manager.recover(job).await?;
    app.manager.resume(job, &*app.ids).await?;
    for stage in app.aggregates.queues().await?.state.paused.keys() {
        complain(&format!(
            "the queue of {stage} is paused: what needs it waits. Interrupt this, then `dragoman queue resume {stage}` and \
             `dragoman resume` go on"
        ));
    }
    let from = app.log.head().await?;
    let mut workers = JoinSet::new();
    for _ in 0..=app.cores {
        let worker = app.worker.clone();
        workers.spawn(async move { worker.run(&StopSignal::never()).await });
    }
    let ending = tokio::select! {
        ending = app.manager.drive(job) => match ending {
            Ok(ending) => SessionEnding::Driven(ending),
            Err(error) => SessionEnding::Stopped(error.into()),
        },
        Some(ended) = workers.join_next() => SessionEnding::Stopped(worker_failed(ended)),
        failed = app.projections.run() => SessionEnding::Stopped(Failure::internal(&failed)),
        failed = progress.follow(&app.log, job, from) => SessionEnding::Stopped(failed.into()),
        () = interrupt.wanted() => SessionEnding::Interrupted,
    };
    // Engines in child processes end with the futures that wait for them.
    workers.shutdown().await;
    let cleared = app.blobs.clear_scratch(None).await;
    if let SessionEnding::Driven(_) = ending {
        // After an interruption, a child that is still dying may be in the way: the next session clears up.
        cleared?;
    }
    Ok(ending)
}

/// Stages of a job that are finished now.
async fn finished(app: &App, job: DubbingId) -> Result<Finished, Failure> {
    let dubbing = app.aggregates.dubbing(job).await?.state;
    let mut finished = of_flow(None, &dubbing.flow);
    for language in dubbing.tracks.keys() {
        let track = app.aggregates.track(&TrackId { dubbing: job, language: language.clone() }).await?.state;
        finished.extend(of_flow(Some(language), &track.flow));
    }
    Ok(finished)
}

fn of_flow(language: Option<&LanguageTag>, flow: &Flow) -> Finished {
    let done = flow.cells.iter().filter(|(stage, _)| flow.is_done(**stage));
    done.map(|(stage, cell)| ((language.cloned(), *stage), (cell.run, cell.attempt))).collect()
}

fn worker_failed(ended: Result<Result<(), StageError>, tokio::task::JoinError>) -> Failure {
    match ended {
        Ok(Err(error)) => error.into(),
        Ok(Ok(())) => Failure::new(crate::exit::Exit::Internal, "a worker ended before its work"),
        Err(error) => Failure::internal(&error),
    }
}

/// The language of a stream; `None` for the dubbing's own.
pub fn language_of(stream: &StreamId) -> Option<&LanguageTag> {
    match stream {
        StreamId::Dubbing(_) => None,
        StreamId::Track(track) => Some(&track.language),
        StreamId::Asset(_) | StreamId::Project(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => None,
    }
}
