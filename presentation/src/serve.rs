//! `dragoman serve`: the whole program as a service, in one process that owns its data folder.
//!
//! The crew works, the API answers, and both stop together: new requests are refused, streams end, and workers come to
//! their next safe point.

mod assets;
mod collecting;
pub mod health;
mod identity;
pub mod listener;
mod measures;
pub mod membership;
mod near;
mod parts;
pub mod quiet;
pub mod secrets;
mod told;

use crate::{
    cli::{ServeArgs, complain, print},
    config::{Config, Loaded, NodeRole},
    exit::{Exit, Failure},
    home::Home,
    interrupt::Interrupt,
    open_files,
    wiring::{App, Engines, cores, event_bus, source_limits},
    work::WorkPlan,
};
use application::{crew::Crew, ports::cluster::Turn};
use http_api::{router, router_of_operators, server};
use membership::{Joining, Membership};
use parts::Standing;
use std::time::Duration;
use telemetry::LogFormat;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How much longer than the grace of requests the server waits for connections to close.
const CLOSING: Duration = Duration::from_secs(2);

/// Runs the command until somebody asks it to stop.
pub async fn run(args: ServeArgs, home: &Home, loaded: &Loaded) -> Result<Exit, Failure> {
    let (config, roles) = (&loaded.config, &loaded.config.node.roles);
    let _owned = home.own()?;
    let interrupt = Interrupt::listen()?;
    let secrets = secrets::Secrets::of(home)?;
    let tls = listener::tls(&config.http)?;
    if let Some(said) = open_files::raise().and_then(|limit| open_files::shortage(limit, config.http.connections_max)) {
        tell(config.telemetry.log_format, &said);
    }
    // Before anything is opened: a port that is taken is found out at once.
    let listener = listener::bind(config.http.listen, "--listen").await?;
    let address = listener.local_addr().map_err(|error| Failure::internal(&error))?;
    let engines = Engines::new(home, args.signing.signing())?;
    let plan = WorkPlan::of_server(config, cores());
    let app = interrupt.or_stop(open(home, config, engines, &plan)).await?;
    membership::check_address(&app, home, config).await?;
    let bus = event_bus(home).await?;
    let membership = Membership::join(&app, home, &config.node, Joining::of_server(roles, plan.card())).await?;
    let set_up = match &app.cluster {
        Some(cluster) => Some(cluster.turn(Turn::SetUp).await.map_err(|error| Failure::internal(&error))?),
        None => None,
    };
    let stop = CancellationToken::new();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let public_url = identity::public_url(config.http.public_url.as_deref(), scheme, address);
    identity::check_issuer(config, &public_url)?;
    let (kept, holdings) = (app.kept.clone(), membership.holdings().clone());
    let standing = Standing { tls: tls.is_some(), public_url, holdings, bus, slots: plan.slots, stop: stop.clone() };
    let served = parts::serve(app, home, config, &secrets, standing).await?;
    let first = identity::first_start(&served.api.identity, &config.auth).await?;
    identity::tell_configuration(&served.api.identity, &loaded.digestible()).await?;
    drop(set_up);
    // What goes wrong is in the log as well, and nobody else asks for it here.
    let (crew, _unheard) = Crew::start(served.crew, served.backlog);
    let is_api = roles.contains(&NodeRole::Api);
    let near = if is_api { Some(near::Near::open(home, address, tls.is_some()).await?) } else { None };
    let (_near, own) = near.unzip();
    greet(roles, &format!("{scheme}://{address}"), home, first.filter(|_| is_api));
    tracing::info!(%address, scheme, version = env!("CARGO_PKG_VERSION"), "serving");
    let answers = if is_api { router } else { router_of_operators };
    let (limits, router) = (listener::limits(&config.http), answers(served.api));
    if let Some(own) = own.flatten() {
        // It ends with the other one.
        tokio::spawn(server::serve(own, router.clone(), None, limits, stop.clone()));
    }
    let mut serving = tokio::spawn(server::serve(listener, router, tls, limits, stop.clone()));
    tokio::select! {
        () = interrupt.wanted() => {}
        ended = &mut serving => {
            drop(crew);
            ended.map_err(|error| Failure::internal(&error))?;
            return Err(Failure::new(Exit::Internal, "the server ended by itself; the log says more"));
        }
    }
    tell(config.telemetry.log_format, "stopping: requests and engines come to a safe point; once more stops at once");
    stop.cancel();
    tokio::select! {
        () = rest(crew, &mut serving, config.http.shutdown_timeout) => {
            membership.leave().await;
            kept.leave().await;
            Ok(Exit::Done)
        }
        () = interrupt.insisted() => {
            // As by a crash, and as well survived.
            serving.abort();
            tracing::warn!("stopped at once; what was under way will be done again");
            Ok(Exit::Interrupted)
        }
    }
}

/// Opens everything that this node works with, and brings the read models up to date if that is its part.
async fn open(home: &Home, config: &Config, engines: Engines, plan: &WorkPlan) -> Result<App, Failure> {
    let mut app = App::open_with(home, engines, source_limits(&config.limits), Some(plan)).await?;
    app.worker.room = plan.room(config, cores());
    app.blobs.clear_scratch(None).await?;
    if config.node.roles.contains(&NodeRole::Project) {
        app.projections.catch_up().await.map_err(|error| Failure::internal(&error))?;
    }
    Ok(app)
}

/// Says what it does and where, and what the first start has to say.
fn greet(roles: &[NodeRole], place: &str, home: &Home, first: Option<String>) {
    let token = home.api_token();
    let token = token.display();
    if roles.contains(&NodeRole::Api) {
        print(&format!("dragoman serves {place} (docs: /docs, token: {token})"));
    } else {
        let roles = roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" and ");
        print(&format!("dragoman does {roles} ({place}/health, token: {token})"));
    }
    if let Some(first) = first {
        print(&first);
    }
}

/// Says something to who runs the server. Where standard error is read by a machine, it is a line like all others.
fn tell(format: LogFormat, said: &str) {
    match format {
        LogFormat::Text => complain(said),
        LogFormat::Json => tracing::warn!("{said}"),
    }
}

/// Lets workers come to a safe point and requests to their end, within a limit.
async fn rest(crew: Crew, serving: &mut JoinHandle<()>, limit: Duration) {
    let (drained, closed) = tokio::join!(crew.drain(limit), tokio::time::timeout(limit + CLOSING, serving));
    if closed.is_err() {
        tracing::warn!("some connections did not close in time");
    }
    drained.tell();
}
