//! `dragoman worker`: does work that a server elsewhere has put into the queue.

use super::{SigningArgs, print};
use crate::{
    config::Config,
    exit::{Exit, Failure},
    home::Home,
    interrupt::Interrupt,
    serve::{
        health::{DiskHealth, EnginesHealth, LogHealth},
        listener,
        membership::{Joining, Membership},
        secrets::Secrets,
    },
    wiring::{App, Engines, cores, source_limits},
    work::{
        Asked, Slots, WorkPlan, class,
        measures::{QueueReach, WorkHealth, register},
        stage,
    },
};
use application::{aggregates::sha256, crew::Crew, ports::work_queue::WorkerClass};
use clap::Args;
use domain::flow::Stage;
use http_api::{WorkerParts, health::HealthCheck, metrics::Metrics, router_of_worker, server};
use std::sync::Arc;
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

/// What helps somebody who adds a machine.
pub const HELP: &str = "A worker needs the configuration of its server: log.url, read.url, queue.url, blobs.url, and node.shared_dir, \
where keys are. Its data folder is its own: copies of media, memos and scratch files, all of which may be lost. Told to \
stop, it takes nothing new, and what it has comes to a safe point or is given back. Killed, its work is handed to \
another after queue.lease, 30 seconds unless set. `dragoman node list` shows it where the log is on PostgreSQL, and `node drain` lets it take \
nothing new.\n\nExample: dragoman worker --stages transcribe,synthesise --slots transcribe=1,synthesise=3";

/// Troubles that wait to be heard; they are in the log.
const TROUBLES_MAX: usize = 16;

/// `worker`.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// Only work of these stages, such as transcribe,synthesise; of all that its class does when unset.
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',', value_parser = stage)]
    pub stages: Vec<Stage>,
    /// How much at a time: 4 overall, transcribe=1 of a stage at most, or both as 4,transcribe=1. Overall one more than there are
    /// cores when unset, and not less than the stages have together.
    #[arg(long, value_name = "N|STAGE=N,…", value_delimiter = ',')]
    pub slots: Vec<Slots>,
    /// What kind of machine this is: work of the stages in queue.gpu_stages is for gpu, all other work for cpu, which it is
    /// when unset.
    #[arg(long, value_name = "cpu|gpu", value_delimiter = ',', value_parser = class)]
    pub class: Vec<WorkerClass>,
    /// Where to tell how it is, and its measures, as 127.0.0.1:8090; nowhere when unset.
    #[arg(long, value_name = "ADDRESS")]
    pub http: Option<String>,
    /// The certificate of an organisation, if results are signed with one.
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// Works until somebody asks it to stop.
pub async fn run(args: WorkerArgs, home: &Home, config: &Config) -> Result<Exit, Failure> {
    if home.queue().is_none() {
        return Err(Failure::usage("a worker takes work that a server has put into a queue: set queue.url as it has"));
    }
    let asked = Asked { stages: &args.stages, classes: &args.class, slots: &args.slots };
    let plan = WorkPlan::of_worker(&asked, config, cores())?;
    let _owned = home.own()?;
    let interrupt = Interrupt::listen()?;
    let window = Window::open(home, config).await?;
    let engines = Engines::new(home, args.signing.signing())?;
    let opening = App::open_with(home, engines, source_limits(&config.limits), Some(&plan));
    let mut app = interrupt.or_stop(opening).await?;
    app.worker.room = plan.room(config, cores());
    app.blobs.clear_scratch(None).await?;
    let membership = Membership::join(&app, home, &config.node, Joining::of_worker(plan.card())).await?;
    // What goes wrong is in the log as well, and nobody else asks for it here.
    let (troubles, _unheard) = mpsc::channel(TROUBLES_MAX);
    let crew = Crew::of_workers(&app.worker, plan.slots, &troubles);
    let stop = CancellationToken::new();
    print(&greeting(&plan, window.as_ref(), home));
    if let Some(window) = window {
        window.serve(&app, home, config, &plan, &stop)?;
    }
    interrupt.wanted().await;
    stop.cancel();
    tokio::select! {
        drained = crew.drain(config.http.shutdown_timeout) => {
            drained.tell();
            membership.leave().await;
            app.kept.leave().await;
            Ok(Exit::Done)
        }
        () = interrupt.insisted() => Ok(Exit::Interrupted),
    }
}

fn greeting(plan: &WorkPlan, window: Option<&Window>, home: &Home) -> String {
    let names = plan.stages.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(", ");
    let place = window.map(|window| format!(" ({}/health, token: {})", window.place, home.api_token().display()));
    let place = place.unwrap_or_default();
    format!("dragoman works, {} at a time, on {names}{place}", plan.slots)
}

/// Where others look at a worker.
struct Window {
    listener: TcpListener,
    tls: Option<http_api::Tls>,
    place: String,
    secrets: Secrets,
}

impl Window {
    /// Takes the address, if there is to be one, before anything else is opened: a port that is taken is found out at once.
    async fn open(home: &Home, config: &Config) -> Result<Option<Self>, Failure> {
        let Some(address) = config.worker.listen else { return Ok(None) };
        let (secrets, tls) = (Secrets::of(home)?, listener::tls(&config.http)?);
        let listener = listener::bind(address, "--http").await?;
        let address = listener.local_addr().map_err(|error| Failure::internal(&error))?;
        let place = format!("{}://{address}", if tls.is_some() { "https" } else { "http" });
        Ok(Some(Self { listener, tls, place, secrets }))
    }

    /// Answers in the background until it is to stop.
    fn serve(
        self,
        app: &App,
        home: &Home,
        config: &Config,
        plan: &WorkPlan,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let Self { listener, tls, secrets, .. } = self;
        let metrics = Metrics::default();
        register(&metrics, &app.worker.room, plan.slots);
        let calls = app.engines.calls.seconds();
        metrics.register(|registry| {
            registry.register("engine_call_duration_seconds", "Calls of engines, by how they ended", calls);
        });
        let health: Vec<Arc<dyn HealthCheck>> = vec![
            Arc::new(LogHealth(Arc::clone(&app.log))),
            Arc::new(QueueReach(Arc::clone(&app.worker.queue))),
            Arc::new(WorkHealth(app.worker.room.clone())),
            Arc::new(EnginesHealth::new(app.engines.clone())),
            Arc::new(DiskHealth { name: "disk", folder: home.root().to_owned() }),
        ];
        let token = sha256(secrets.token.as_bytes());
        let router = router_of_worker(WorkerParts { health, metrics, stop: stop.clone(), token });
        tokio::spawn(server::serve(listener, router, tls, listener::limits(&config.http), stop.clone()));
        Ok(())
    }
}
