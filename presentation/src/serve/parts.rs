//! The parts of the server, put together: the API's state, the crew and where it begins.

use super::{
    assets, collecting,
    health::{
        AssetDeskHealth, DiskHealth, EnginesHealth, LogHealth, NodesHealth, QueueHealth, ReadStoreHealth, WorkersHealth,
    },
    identity, listener,
    measures::{Measures, Sources},
    membership::PROJECTIONS,
    secrets::Secrets,
    told,
};
use crate::{
    config::{Config, Costs, Jobs, NodeRole},
    exit::Failure,
    home::Home,
    wiring::{App, Engines, mailer, upload_store},
};
use application::{
    admission::{Admission, AdmissionLimits, Backlog, BacklogError, Beginning},
    causes::with_causes,
    cluster::{Holdings, Right},
    commands::asset_desk::DeskStatus,
    crew::{Beside, CrewParts},
    estimate::Prices,
    ports::cluster::Cluster,
    ports::event_log::EventLog,
    ports::read_store::{Condition, Order, PageQuery, ReadStore, ReadStoreError},
    ports::work_queue::WorkQueue,
    worker::Worker,
};
use async_trait::async_trait;
use domain::value::DubbingId;
use host::SystemClock;
use http_api::{
    Api, ApiParts, auth::Accounts, cache::AnswerCache, health::HealthCheck, metrics::Metrics, rates::KnownRates,
    signed_url::UrlSigner,
};
use projections::{Runner, asset_index::AssetRows, usage_index::UsageRows};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use telemetry::OtelTraces;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Bytes of ready answers that are kept.
const CACHE_BYTES: usize = 64 << 20;
/// When to ask again after too much was asked for.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// Between two counts of what the whole installation has to do.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// Rows read in one go at start.
const PAGE: usize = 500;

/// All that serves.
pub struct Served {
    /// The API's state.
    pub api: Api,
    /// Who works.
    pub crew: CrewParts,
    /// Where they begin.
    pub backlog: Arc<dyn Backlog>,
}

/// How this process stands to those who ask it, and to others like it.
pub struct Standing {
    /// Whether it speaks TLS itself.
    pub tls: bool,
    /// Where others find it.
    pub public_url: String,
    /// What it may do among others.
    pub holdings: Holdings,
    /// Where else what happens is told, and what hears of it there.
    pub bus: Option<told::Bus>,
    /// How much work it does at a time.
    pub slots: usize,
    /// Ends streams when it stops.
    pub stop: CancellationToken,
}

/// Puts everything together over an open data folder.
pub async fn serve(
    app: App,
    home: &Home,
    config: &Config,
    secrets: &Secrets,
    standing: Standing,
) -> Result<Served, Failure> {
    let (Standing { tls, public_url, holdings, bus, slots, stop }, roles) = (standing, &config.node.roles);
    let identity = identity::identity(&app, config, secrets, public_url).await?;
    let (webhooks, delivery) = told::webhooks(&app, config, &identity).await?;
    let letters = mailer(&config.smtp, Arc::clone(&app.ids))?.map(|mailer| told::writing(&app, &identity, mailer));
    let (desk, metrics, cache) = (DeskStatus::default(), Metrics::default(), AnswerCache::new(CACHE_BYTES));
    let projections = app.projections.telling(Arc::new(cache.clone()));
    let (applied, backlog) = (projections.applied(), Arc::new(UnfinishedRows(Arc::clone(&app.read_store))));
    let (manager, limits) = (Arc::new(app.manager), admission_limits(&config.jobs, app.cores));
    let admission = Admission::among_others(manager, limits, holdings.clone());
    let health = health(&app.log, &app.read_store, &app.engines, &applied, &desk, home);
    let sources = sources(&app.log, (&app.worker, slots), &app.engines, &admission, &projections);
    let measures = Measures::new(sources, &metrics, app.log.head().await?);
    let api = Api::new(ApiParts {
        aggregates: Arc::clone(&app.aggregates),
        log: Arc::clone(&app.log),
        cluster: app.cluster.clone(),
        read_store: Arc::clone(&app.read_store),
        assets: Arc::new(AssetRows::new(Arc::clone(&app.read_store))),
        usage: Arc::new(UsageRows::new(Arc::clone(&app.read_store))),
        webhooks,
        uploads: upload_store(Arc::clone(&app.upload_target), &config.uploads)?,
        files: app.files.clone(),
        upload_limits: assets::upload_limits(&config.uploads),
        desk: desk.clone(),
        blobs: Arc::clone(&app.blobs),
        links: config.blobs.presigned.then_some(config.blobs.presigned_lifetime),
        vault: Arc::clone(&app.vault),
        abilities: app.engines.abilities(),
        queue: Arc::clone(&app.worker.queue),
        admission: Arc::clone(&admission),
        prices: prices(&config.costs),
        rates: KnownRates::default(),
        engines: app.engines.shared(),
        requests: app.kept.requests(&*app.vault, Arc::clone(&app.ids)).await?,
        ids: Arc::clone(&app.ids),
        clock: Arc::new(SystemClock),
        accounts: Arc::clone(&identity) as Arc<dyn Accounts>,
        trail: Arc::clone(identity.trail()),
        identity: Arc::clone(&identity),
        signer: UrlSigner::new(&secrets.link_key),
        applied,
        cache,
        metrics,
        health: with_work(health, app.cluster.as_ref(), (&admission, &app.worker.queue), home),
        stop,
        traces: Arc::new(OtelTraces),
        limits: listener::request_limits(&config.http),
        origins: config.http.cors_origins.iter().filter_map(|origin| origin.parse().ok()).collect(),
        tls,
        proxies: listener::proxies(&config.http),
        rate_limits: listener::rates(&config.rates),
    });
    let mut beside = Vec::from(identity::beside(&identity));
    if roles.contains(&NodeRole::Api) {
        beside.extend(assets::beside(&api, &app.engines, config, desk, app.cores, &holdings).await?);
    }
    beside.extend(collecting::beside(&app.log, &app.blobs, config, &holdings));
    beside.extend(keeping(projections, measures, &holdings));
    beside.extend(told::beside(&app.log, roles, &holdings, delivery, letters, bus));
    beside.extend(app.cluster.is_some().then(|| counting(app.read_store, Arc::clone(&admission))));
    let crew = CrewParts { admission, worker: app.worker, workers: slots, beside };
    Ok(Served { api, crew, backlog })
}

/// What is measured.
fn sources(
    log: &Arc<dyn EventLog>,
    (worker, slots): (&Worker, usize),
    engines: &Engines,
    admission: &Arc<Admission>,
    projections: &Runner,
) -> Sources {
    let folded = projections.clone();
    Sources {
        log: Arc::clone(log),
        queue: Arc::clone(&worker.queue),
        room: worker.room.clone(),
        slots,
        admission: Arc::clone(admission),
        meter: Arc::clone(&engines.meter),
        calls: engines.calls.clone(),
        applied: projections.applied(),
        parked: Arc::new(move || folded.parked()),
    }
}

/// What keeps read models and measures up to date.
fn keeping(projections: Runner, measures: Measures, holdings: &Holdings) -> [Beside; 2] {
    let holdings = holdings.clone();
    let folding = Beside::new("projections", move || {
        let (projections, holdings) = (projections.clone(), holdings.clone());
        async move {
            loop {
                let is_ours = holdings.right_to(PROJECTIONS) != Right::None;
                let changed = async {
                    if is_ours { holdings.lost(PROJECTIONS).await } else { holdings.gained(PROJECTIONS).await }
                };
                let keeping = async { if is_ours { projections.run().await } else { projections.watch().await } };
                tokio::select! {
                    error = keeping => return with_causes(&error),
                    () = changed => {}
                }
            }
        }
    });
    let measuring = Beside::new("measures", move || {
        let measures = measures.clone();
        async move { measures.run().await }
    });
    [folding, measuring]
}

/// How much is worked on at a time, and how much may wait.
fn admission_limits(config: &Jobs, cores: usize) -> AdmissionLimits {
    let number = |configured: u64| usize::try_from(configured).unwrap_or(usize::MAX);
    AdmissionLimits {
        active_max: if config.active_max == 0 { cores } else { number(config.active_max) },
        queued_max: number(config.queued_max),
        retry_after: RETRY_AFTER,
    }
}

/// The parts whose health is asked for.
fn health(
    log: &Arc<dyn EventLog>,
    store: &Arc<dyn ReadStore>,
    engines: &Engines,
    applied: &watch::Receiver<u64>,
    desk: &DeskStatus,
    home: &Home,
) -> Vec<Arc<dyn HealthCheck>> {
    let disk = |name, folder| Arc::new(DiskHealth { name, folder }) as Arc<dyn HealthCheck>;
    vec![
        Arc::new(LogHealth(Arc::clone(log))),
        Arc::new(ReadStoreHealth { store: Arc::clone(store), log: Arc::clone(log), applied: applied.clone() }),
        // Where they are in a bucket, it is the disk with the copies.
        disk("blobs", if home.bucket().is_some() { home.root().to_owned() } else { home.root().join("blobs") }),
        Arc::new(EnginesHealth::new(engines.clone())),
        disk("disk", home.root().to_owned()),
        Arc::new(AssetDeskHealth(desk.clone())),
    ]
}

/// The same, and of work and those who do it. Where it waits in this process, it is done here.
fn with_work(
    mut health: Vec<Arc<dyn HealthCheck>>,
    cluster: Option<&Arc<dyn Cluster>>,
    (admission, queue): (&Arc<Admission>, &Arc<dyn WorkQueue>),
    home: &Home,
) -> Vec<Arc<dyn HealthCheck>> {
    health.push(Arc::new(QueueHealth { admission: Arc::clone(admission), queue: Arc::clone(queue) }));
    if let Some(cluster) = cluster {
        health.push(Arc::new(NodesHealth(Arc::clone(cluster))));
    }
    if let Some(cluster) = cluster.filter(|_| home.queue().is_some()) {
        health.push(Arc::new(WorkersHealth { cluster: Arc::clone(cluster), queue: Arc::clone(queue) }));
    }
    health
}

/// What a minute costs.
fn prices(costs: &Costs) -> Prices {
    Prices {
        currency: costs.currency.clone(),
        transcribe: costs.transcribe_per_minute.micros,
        translate: costs.translate_per_minute.micros,
        synthesise: costs.synthesise_per_minute.micros,
        finish: costs.finish_per_minute.micros,
    }
}

/// Tells admission how much the whole installation has to do: other nodes drive some of it.
fn counting(store: Arc<dyn ReadStore>, admission: Arc<Admission>) -> Beside {
    Beside::new("count of unfinished dubbings", move || {
        let (store, admission) = (Arc::clone(&store), Arc::clone(&admission));
        async move {
            loop {
                match store.count(&projections::jobs::TABLE, &[owing()]).await {
                    Ok(unfinished) => admission.hear_of(usize::try_from(unfinished).unwrap_or(usize::MAX)),
                    Err(error) => return with_causes(&error),
                }
                tokio::time::sleep(COUNT_EVERY).await;
            }
        }
    })
}

fn owing() -> Condition {
    Condition::Equals("owes", Value::Bool(true))
}

/// Every dubbing that may owe something, from the read models as far as they are.
struct UnfinishedRows(Arc<dyn ReadStore>);

#[async_trait]
impl Backlog for UnfinishedRows {
    async fn unfinished(&self) -> Result<Beginning, BacklogError> {
        let failed = |error: ReadStoreError| BacklogError(Box::new(error));
        // Before the rows, which may be as of later.
        let after = self.0.checkpoint(projections::jobs::TABLE.name).await.map_err(failed)?;
        let order = Order { column: "started_at", descending: false };
        let mut query = PageQuery { conditions: vec![owing()], order, after: None, limit: PAGE };
        let mut unfinished = Vec::new();
        loop {
            let rows = self.0.page(&projections::jobs::TABLE, &query).await.map_err(failed)?;
            let ids = rows.iter().filter_map(|row| row.get("job_id")?.as_str()?.parse::<DubbingId>().ok());
            unfinished.extend(ids);
            match rows.last() {
                Some(last) if rows.len() == PAGE => {
                    query.after = Some(query.order.place_of(&projections::jobs::TABLE, last))
                }
                Some(_) | None => return Ok(Beginning { unfinished, after }),
            }
        }
    }
}
