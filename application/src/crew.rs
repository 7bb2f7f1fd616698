//! The crew: workers, admission and whatever else runs beside them, under one roof.
//!
//! The server and its tests start the same crew. It goes on through errors: a worker that fails is reported,
//! and begins again after a pause. Deliberately absent: adapters, and what the things beside it do.

use crate::{
    admission::{Admission, Backlog},
    causes::with_causes,
    cluster::Holdings,
    gate,
    stages::handler::StageError,
    stop::{StopSignal, Stopper, Stopping},
    worker::Worker,
};
use futures::future::BoxFuture;
use std::{future::Future, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::{sleep, timeout},
};

/// Pause before something that ended in an error begins again.
const RESTART: Duration = Duration::from_secs(1);
/// How long workers may take to give back what they have, once they may wait for nothing any more.
const GIVE_BACK_LIMIT: Duration = Duration::from_secs(5);
/// Troubles that may wait to be heard; further ones are logged only.
const TROUBLES_MAX: usize = 64;

/// Who is to work.
pub struct CrewParts {
    /// Decides what is driven.
    pub admission: Arc<Admission>,
    /// Does it.
    pub worker: Worker,
    /// How many of it; none where all work is done elsewhere.
    pub workers: usize,
    /// What runs beside them, such as the fold of read models.
    pub beside: Vec<Beside>,
}

/// Something that runs for as long as the crew does.
pub struct Beside {
    name: &'static str,
    run: Box<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>,
}

impl Beside {
    /// Under this name; the future ends only in trouble, says which, and is then made anew.
    pub fn new<F: Future<Output = String> + Send + 'static>(
        name: &'static str,
        run: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        Self { name, run: Box::new(move || Box::pin(run())) }
    }

    /// The same only while this node has a duty, and dropped when it loses it.
    #[must_use]
    pub fn on_duty(self, holdings: Holdings, duty: &'static str) -> Self {
        let Self { name, run } = self;
        let run = Arc::new(run);
        Self::new(name, move || {
            let (holdings, run) = (holdings.clone(), Arc::clone(&run));
            async move {
                loop {
                    holdings.gained(duty).await;
                    tokio::select! {
                        what = run() => return what,
                        () = holdings.lost(duty) => {}
                    }
                }
            }
        })
    }
}

/// Something ended in an error, and begins again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{who}: {what}")]
pub struct Trouble {
    /// A worker, or the name of what runs beside.
    pub who: &'static str,
    /// What happened, without personal data.
    pub what: String,
}

/// How a crew came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Each worker ended at a safe point.
    AtSafePoint,
    /// Some attempts were dropped and given back.
    GivenBack,
    /// Some attempts could not be given back in time: the next owner declares them lost.
    Abandoned,
}

impl Drained {
    /// Writes it to the process's log.
    pub fn tell(self) {
        match self {
            Self::AtSafePoint => tracing::info!("stopped at safe points"),
            Self::GivenBack => tracing::info!("stopped; some work was given back"),
            Self::Abandoned => tracing::warn!("stopped; some work is lost and will be done again"),
        }
    }
}

/// A crew at work. Dropped, it stops at once, like a crash.
pub struct Crew {
    stopper: Stopper,
    workers: JoinSet<()>,
    others: JoinSet<()>,
}

impl Crew {
    /// Everybody begins. The receiver hears of what goes wrong; it need not be read.
    pub fn start(parts: CrewParts, backlog: Arc<dyn Backlog>) -> (Self, mpsc::Receiver<Trouble>) {
        let (troubles, heard) = mpsc::channel(TROUBLES_MAX);
        let mut crew = Self::of_workers(&parts.worker, parts.workers, &troubles);
        for beside in parts.beside {
            let troubles = troubles.clone();
            crew.others.spawn(async move { keep_running(&beside, &troubles).await });
        }
        let (admission, stop) = (parts.admission, crew.stopper.signal());
        crew.others.spawn(async move { admission.run(&*backlog, &stop).await });
        (crew, heard)
    }

    /// So many workers and nobody else: what they do is decided elsewhere.
    pub fn of_workers(worker: &Worker, workers: usize, troubles: &mpsc::Sender<Trouble>) -> Self {
        let mut crew = Self { stopper: Stopper::new(), workers: JoinSet::new(), others: JoinSet::new() };
        if workers > 0 {
            let (aggregates, room) = (Arc::clone(&worker.kit.aggregates), worker.room.clone());
            crew.others.spawn(async move { gate::listen(&aggregates, &room).await });
        }
        for _ in 0..workers {
            let (worker, stop, troubles) = (worker.clone(), crew.stopper.signal(), troubles.clone());
            crew.workers.spawn(async move { keep_working(worker, &stop, &troubles).await });
        }
        crew
    }

    /// Lets everybody come to rest: nothing new begins, attempts end at their next safe point, and what has not
    /// ended after `limit` is dropped and given back. Nothing that was found is lost, and no budget is spent.
    pub async fn drain(mut self, limit: Duration) -> Drained {
        self.stopper.ask(Stopping::AtSafePoint);
        let drained = if timeout(limit, all(&mut self.workers)).await.is_ok() {
            Drained::AtSafePoint
        } else {
            self.stopper.ask(Stopping::AtOnce);
            match timeout(GIVE_BACK_LIMIT, all(&mut self.workers)).await {
                Ok(()) => Drained::GivenBack,
                Err(_elapsed) => Drained::Abandoned,
            }
        };
        self.workers.shutdown().await;
        self.others.shutdown().await;
        drained
    }
}

async fn all(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// One worker after another, until one ends because it was told to.
async fn keep_working(worker: Worker, stop: &StopSignal, troubles: &mpsc::Sender<Trouble>) {
    loop {
        // In a task of its own: a handler that panics takes its worker along, but not the crew.
        let mut task = JoinSet::new();
        let (worker, own) = (worker.clone(), stop.clone());
        task.spawn(async move { worker.run(&own).await });
        let Some(what) = task.join_next().await.and_then(trouble_of) else {
            return;
        };
        report(troubles, Trouble { who: "worker", what });
        tokio::select! {
            () = sleep(RESTART) => {}
            () = stop.reached(Stopping::AtSafePoint) => return,
        }
    }
}

async fn keep_running(beside: &Beside, troubles: &mpsc::Sender<Trouble>) {
    loop {
        let what = (beside.run)().await;
        report(troubles, Trouble { who: beside.name, what });
        sleep(RESTART).await;
    }
}

/// What went wrong with a worker; `None` when it was told to stop.
fn trouble_of(ended: Result<Result<(), StageError>, JoinError>) -> Option<String> {
    match ended {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(with_causes(&error)),
        Err(error) => Some(if error.is_panic() { "it panicked".to_owned() } else { "it was aborted".to_owned() }),
    }
}

fn report(troubles: &mpsc::Sender<Trouble>, trouble: Trouble) {
    tracing::error!(who = trouble.who, error = trouble.what, "something ended in an error and begins again");
    // Full or closed: nobody listens, and it is in the log of the process.
    let _heard = troubles.try_send(trouble);
}
