//! The parts of the server, put together: the API's state, the crew and where it begins.

use super::{
    assets,
    health::{AssetDeskHealth, DiskHealth, EnginesHealth, LogHealth, QueueHealth, ReadStoreHealth},
    identity, listener,
    measures::{Measures, Sources},
    secrets::Secrets,
    told,
};
use crate::{
    config::{Config, Costs, Jobs, Node},
    exit::Failure,
    home::Home,
    wiring::{App, Engines, mailer, request_store, upload_store},
};
use application::{
    admission::{Admission, AdmissionLimits, Beginning},
    causes::with_causes,
    commands::asset_desk::DeskStatus,
    crew::{Beside, CrewParts},
    estimate::Prices,
    ports::event_log::EventLog,
    ports::read_store::{Condition, Order, PageQuery, ReadStore},
    ports::work_queue::WorkQueue,
};
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
/// Rows read in one go at start.
const PAGE: usize = 500;

/// All that serves.
pub struct Served {
    /// The API's state.
    pub api: Api,
    /// Who works.
    pub crew: CrewParts,
    /// Where they begin.
    pub beginning: Beginning,
}

/// Puts everything together over an open data folder whose read models are up to date.
pub async fn serve(
    app: App,
    home: &Home,
    config: &Config,
    secrets: &Secrets,
    tls: bool,
    public_url: String,
    stop: CancellationToken,
) -> Result<Served, Failure> {
    let identity = identity::identity(&app, home, config, secrets, public_url).await?;
    let (webhooks, delivery) = told::webhooks(&app, home, config, &identity).await?;
    let letters = mailer(&config.smtp, Arc::clone(&app.ids))?.map(|mailer| told::writing(&app, &identity, mailer));
    let cache = AnswerCache::new(CACHE_BYTES);
    let projections = app.projections.telling(Arc::new(cache.clone()));
    let applied = projections.applied();
    let beginning = beginning(&*app.read_store, app.log.head().await?).await?;
    let cores = app.cores;
    let admission = Admission::new(Arc::new(app.manager), admission_limits(&config.jobs, cores));
    let desk = DeskStatus::default();
    let mut health = health(&app.log, &app.read_store, &app.engines, &admission, &applied, home);
    health.push(Arc::new(AssetDeskHealth(desk.clone())));
    let metrics = Metrics::default();
    let sources = sources(&app.log, &app.worker.queue, &app.engines, &admission, &projections);
    let measures = Measures::new(sources, &metrics, beginning.after);
    let origins = config.http.cors_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let api = Api::new(ApiParts {
        aggregates: Arc::clone(&app.aggregates),
        log: Arc::clone(&app.log),
        read_store: Arc::clone(&app.read_store),
        assets: Arc::new(AssetRows::new(Arc::clone(&app.read_store))),
        usage: Arc::new(UsageRows::new(Arc::clone(&app.read_store))),
        webhooks,
        uploads: upload_store(Arc::clone(&app.upload_target), &config.uploads)?,
        files: app.files.clone(),
        upload_limits: assets::upload_limits(&config.uploads),
        desk: desk.clone(),
        blobs: Arc::clone(&app.blobs),
        vault: Arc::clone(&app.vault),
        abilities: app.engines.abilities(),
        admission: Arc::clone(&admission),
        prices: prices(&config.costs),
        rates: KnownRates::default(),
        engines: app.engines.shared(),
        requests: request_store(home, &*app.vault, Arc::clone(&app.ids)).await?,
        ids: Arc::clone(&app.ids),
        clock: Arc::new(SystemClock),
        accounts: Arc::clone(&identity) as Arc<dyn Accounts>,
        trail: Arc::clone(identity.trail()),
        identity: Arc::clone(&identity),
        signer: UrlSigner::new(&secrets.link_key),
        applied,
        cache,
        metrics,
        health,
        stop,
        traces: Arc::new(OtelTraces),
        limits: listener::request_limits(&config.http),
        origins,
        tls,
        proxies: listener::proxies(&config.http),
        rate_limits: listener::rates(&config.rates),
    });
    let mut beside = assets::beside(&api, &app.engines, config, desk, cores).await?;
    beside.extend(keeping(projections, measures));
    beside.extend(identity::beside(&identity));
    beside.push(told::delivering(delivery));
    beside.extend(letters);
    let crew = CrewParts { admission, worker: app.worker, workers: slots(&config.node, cores), beside };
    Ok(Served { api, crew, beginning })
}

/// What is measured.
fn sources(
    log: &Arc<dyn EventLog>,
    queue: &Arc<dyn WorkQueue>,
    engines: &Engines,
    admission: &Arc<Admission>,
    projections: &Runner,
) -> Sources {
    let folded = projections.clone();
    Sources {
        log: Arc::clone(log),
        queue: Arc::clone(queue),
        admission: Arc::clone(admission),
        meter: Arc::clone(&engines.meter),
        calls: engines.calls.clone(),
        applied: projections.applied(),
        parked: Arc::new(move || folded.parked()),
    }
}

/// What keeps read models and measures up to date.
fn keeping(projections: Runner, measures: Measures) -> [Beside; 2] {
    let folding = Beside::new("projections", move || {
        let projections = projections.clone();
        async move { with_causes(&projections.run().await) }
    });
    let measuring = Beside::new("measures", move || {
        let measures = measures.clone();
        async move { measures.run().await }
    });
    [folding, measuring]
}

/// How many workers this process has: one at least, for what nobody else may do.
fn slots(config: &Node, cores: usize) -> usize {
    config.slots.map_or(cores + 1, |slots| usize::try_from(slots).unwrap_or(usize::MAX)).max(1)
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
    admission: &Arc<Admission>,
    applied: &watch::Receiver<u64>,
    home: &Home,
) -> Vec<Arc<dyn HealthCheck>> {
    let disk = |name, folder| Arc::new(DiskHealth { name, folder }) as Arc<dyn HealthCheck>;
    vec![
        Arc::new(LogHealth(Arc::clone(log))),
        Arc::new(ReadStoreHealth { store: Arc::clone(store), log: Arc::clone(log), applied: applied.clone() }),
        Arc::new(QueueHealth(Arc::clone(admission))),
        disk("blobs", home.root().join("blobs")),
        Arc::new(EnginesHealth::new(engines.clone())),
        disk("disk", home.root().to_owned()),
    ]
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

/// Every dubbing that may owe something.
async fn beginning(store: &dyn ReadStore, head: u64) -> Result<Beginning, Failure> {
    let order = Order { column: "started_at", descending: false };
    let conditions = vec![Condition::Equals("owes", Value::Bool(true))];
    let mut query = PageQuery { conditions, order, after: None, limit: PAGE };
    let mut unfinished = Vec::new();
    loop {
        let rows = store.page(&projections::jobs::TABLE, &query).await.map_err(|error| Failure::internal(&error))?;
        let ids = rows.iter().filter_map(|row| row.get("job_id")?.as_str()?.parse::<DubbingId>().ok());
        unfinished.extend(ids);
        match rows.last() {
            Some(last) if rows.len() == PAGE => {
                query.after = Some(query.order.place_of(&projections::jobs::TABLE, last))
            }
            Some(_) | None => return Ok(Beginning { unfinished, after: head }),
        }
    }
}
