//! `dragoman worker`: does work that a server elsewhere has put into the queue.

use super::{SigningArgs, print};
use crate::{
    config::Config,
    exit::{Exit, Failure},
    home::Home,
    interrupt::Interrupt,
    wiring::{App, Engines, source_limits, work_queue},
};
use application::crew::Crew;
use clap::Args;
use domain::flow::Stage;
use tokio::sync::mpsc;

/// What helps somebody who adds a machine.
pub const HELP: &str = "A worker needs the configuration of its server: log.url, read.url, queue.url, blobs.url, and node.shared_dir, \
where keys are. Its data folder is its own: copies of media, memos and scratch files, all of which may be lost. Told to \
stop, it takes nothing new, and what it has comes to a safe point or is given back. Killed, its work is handed to \
another after 30 seconds.";

/// Troubles that wait to be heard; they are in the log.
const TROUBLES_MAX: usize = 16;

/// `worker`.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// Only work of these stages, such as transcribe,synthesise; of all but clean, which is the server's, when unset.
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',', value_parser = stage)]
    pub stages: Vec<Stage>,
    /// How much at a time; one more than there are cores when unset.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub slots: Option<u16>,
    /// The certificate of an organisation, if results are signed with one.
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// Works until somebody asks it to stop.
pub async fn run(args: WorkerArgs, home: &Home, config: &Config) -> Result<Exit, Failure> {
    if home.queue().is_none() {
        return Err(Failure::usage("a worker takes work that a server has put into a queue: set queue.url as it has"));
    }
    let _owned = home.own()?;
    let interrupt = Interrupt::listen()?;
    let stages: Vec<Stage> = if args.stages.is_empty() { of_workers().collect() } else { args.stages };
    let engines = Engines::new(home, args.signing.signing())?;
    let opening = async {
        let queue = work_queue(home, stages.clone()).await?;
        App::open_with(home, engines, source_limits(&config.limits), queue).await
    };
    let app = interrupt.or_stop(opening).await?;
    app.blobs.clear_scratch(None).await?;
    let slots = args.slots.map_or(app.cores + 1, usize::from);
    // What goes wrong is in the log as well, and nobody else asks for it here.
    let (troubles, _unheard) = mpsc::channel(TROUBLES_MAX);
    let crew = Crew::of_workers(&app.worker, slots, &troubles);
    let names = stages.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(", ");
    print(&format!("dragoman works, {slots} at a time, on {names}"));
    interrupt.wanted().await;
    tokio::select! {
        drained = crew.drain(config.http.shutdown_timeout) => {
            drained.tell();
            app.kept.leave().await;
            Ok(Exit::Done)
        }
        () = interrupt.insisted() => Ok(Exit::Interrupted),
    }
}

fn stage(text: &str) -> Result<Stage, String> {
    of_workers().find(|stage| stage.name() == text).ok_or_else(|| {
        let known = of_workers().map(Stage::name).collect::<Vec<_>>().join(", ");
        format!("no stage that workers do; they are {known}")
    })
}

/// Stages that workers do. Files are let go of by the server, which knows who begins to use them.
fn of_workers() -> impl Iterator<Item = Stage> {
    Stage::all().filter(|stage| *stage != Stage::Clean)
}
