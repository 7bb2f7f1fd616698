//! A started server, and routes of no noun to try the conventions on.

use crate::{people::People, webhooks::receiver::desk};
use application::{
    admission::{Admission, AdmissionLimits},
    aggregates::Aggregates,
    commands::{asset_desk::DeskStatus, release_file::FileUse},
    estimate::Prices,
    identity::{Identity, Whence},
    policy::Action,
    ports::{
        blob_store::BlobStore,
        engine::{Engine, EngineError, EngineInfo},
        event_log::{EventLog, Tenant},
        outbound::Reach,
        read_store::ReadStore,
        request_store::RequestStore,
    },
    principal::Principal,
    process_manager::ProcessManager,
    testing::{ManualClock, MemoryKeyVault, MemoryReadStore, MemoryRequestStore, abilities},
};
use async_trait::async_trait;
use axum::{Router, body::Body, extract::State, http::HeaderMap, response::Response, routing::get};
use blob_store::{LocalBlobStore, LocalUploadStore};
use domain::dubbing::DubbingRejection;
use event_codec::EventCodec;
use event_log_memory::MemoryEventLog;
use futures::StreamExt;
use host::RandomIds;
use http_api::{
    Api, ApiParts, HttpLimits, RateLimits, Tls, UploadLimits,
    address::ClientAddress,
    answer::Done,
    auth::Accounts,
    cache::{AnswerCache, Ready, Tag},
    extract::{Caller, CommandIds, IfMatch, Json, MinPosition, Path, Query},
    health::{Health, HealthCheck},
    metrics::Metrics,
    pages::{Cursor, Limit},
    policy::{Access, ObjectKind, Policy, Row},
    problem::Problem,
    rates::KnownRates,
    router_with,
    server::{ServerLimits, serve},
    signed_url::UrlSigner,
};
use projections::{Runner, asset_index::AssetRows, usage_index::UsageRows};
use reqwest::{Client, Method, RequestBuilder};
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use uuid::Uuid;
use work_queue_memory::MemoryWorkQueue;

pub const TOKEN: &str = "a-token-of-tests";
/// The token of somebody of another tenant.
pub const OTHER_TOKEN: &str = "another-token-of-tests";
/// Largest upload in tests, in bytes.
pub const UPLOAD_BYTES_MAX: u64 = 256 << 20;
pub const UPLOADS_OPEN_MAX: usize = 64;
pub const ORIGIN: &str = "https://app.example";

/// What tests see of the inside.
#[derive(Default)]
pub struct Inside {
    /// Things made by `POST /v1/things`.
    pub made: AtomicU32,
    /// A slow handler has begun.
    pub begun: Notify,
    /// A slow handler may end.
    pub go: Notify,
}

pub struct Server {
    pub address: SocketAddr,
    pub client: Client,
    pub stop: CancellationToken,
    pub inside: Arc<Inside>,
    pub reach: watch::Sender<u64>,
    pub api: Api,
    pub clock: Arc<ManualClock>,
    pub runner: Runner,
    pub ended: JoinHandle<()>,
}

/// Puts something around a log.
pub type Around = fn(Arc<dyn EventLog>) -> Arc<dyn EventLog>;

#[derive(Default)]
pub struct Options {
    pub tls: Option<Tls>,
    pub http: Option<HttpLimits>,
    pub server: Option<ServerLimits>,
    pub health: Vec<Arc<dyn HealthCheck>>,
    pub read_store: Option<Arc<dyn ReadStore>>,
    pub admission: Option<AdmissionLimits>,
    pub prices: Prices,
    pub uploads: Option<UploadLimits>,
    pub requests: Option<Arc<dyn RequestStore>>,
    pub proxies: u8,
    pub rates: RateLimits,
    pub people: Option<People>,
    /// What stands around the log.
    pub log: Option<Around>,
    /// Where media are kept; on the local disk unless told.
    pub blobs: Option<Arc<dyn BlobStore>>,
    /// How long links to media lead there, if there are any.
    pub links: Option<Duration>,
    /// Where webhooks may lead; to the public Internet unless told.
    pub reach: Reach,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (reach, applied) = watch::channel(0);
        let (inside, stop) = (Arc::new(Inside::default()), CancellationToken::new());
        let (server, tls) = (options.server.unwrap_or_default(), options.tls.clone());
        let clock = Arc::new(ManualClock::default());
        let api = api(options, applied, clock.clone(), stop.clone()).await;
        let runner = Runner::new(api.log.clone(), api.read_store.clone()).telling(Arc::new(api.cache.clone()));
        let router = router_with(api.clone(), things(inside.clone()), THINGS);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let ended = tokio::spawn(serve(listener, router, tls, server, stop.clone()));
        Self { address, client: client(), stop, inside, reach, api, clock, runner, ended }
    }

    /// The read models hold everything that was written.
    pub async fn catch_up(&self) {
        self.reach.send_replace(self.runner.catch_up().await.expect("folded"));
    }

    /// The read models keep up by themselves, until this is dropped.
    pub fn keep_up(&self) -> AbortOnDropHandle<()> {
        let (runner, reach) = (self.runner.clone(), self.reach.clone());
        AbortOnDropHandle::new(tokio::spawn(async move {
            let mut applied = runner.applied();
            let tell = async {
                loop {
                    reach.send_replace(*applied.borrow_and_update());
                    applied.changed().await.expect("a runner");
                }
            };
            tokio::select! {
                error = runner.run() => panic!("{error}"),
                () = tell => {}
            }
        }))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request without a token.
    pub fn open(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.open(method, path).bearer_auth(TOKEN)
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.ask(Method::GET, path)
    }

    /// `POST /v1/things` with a body.
    pub fn post(&self, body: &str) -> RequestBuilder {
        let post = self.ask(Method::POST, "/v1/things");
        post.header("content-type", "application/json").body(body.to_owned())
    }
}

pub fn client() -> Client {
    Client::builder().no_proxy().tls_certs_only([]).build().expect("a client")
}

async fn api(options: Options, applied: watch::Receiver<u64>, clock: Arc<ManualClock>, stop: CancellationToken) -> Api {
    let vault = Arc::new(MemoryKeyVault::new(1));
    let codec = EventCodec::new("test", vault.clone());
    let media = tempfile::tempdir().expect("a folder").keep();
    let blobs = LocalBlobStore::open(&media).expect("a blob store");
    let uploads = UploadLimits { bytes_max: UPLOAD_BYTES_MAX, ..UploadLimits::default() };
    let store = LocalUploadStore::open(blobs.clone(), UPLOAD_BYTES_MAX, UPLOADS_OPEN_MAX).expect("a store of uploads");
    let read_store = options.read_store.unwrap_or_else(|| Arc::new(MemoryReadStore::new()));
    let memory = Arc::new(MemoryEventLog::new(codec, clock.clone()));
    let log: Arc<dyn EventLog> = memory.clone();
    let log = options.log.map_or_else(|| log.clone(), |around| around(log.clone()));
    let aggregates = Arc::new(Aggregates::new(log.clone()));
    let queue = Arc::new(MemoryWorkQueue::new());
    let manager = Arc::new(ProcessManager {
        aggregates: aggregates.clone(),
        queue: queue.clone(),
        clock: clock.clone(),
        under: None,
    });
    let many = AdmissionLimits { active_max: 2, queued_max: 1_000, retry_after: Duration::from_secs(7) };
    let patient = HttpLimits { position_wait: Duration::from_millis(50), ..HttpLimits::default() };
    let abilities = abilities("en", &["es", "ca"]);
    let people = options.people.clone().unwrap_or_default();
    let identity = people.identity(&media, aggregates.clone(), read_store.clone(), clock.clone()).await;
    Api::new(ApiParts {
        webhooks: desk(options.reach, &identity, &aggregates, &read_store, &clock),
        aggregates,
        cluster: Some(memory),
        log,
        assets: Arc::new(AssetRows::new(read_store.clone())),
        usage: Arc::new(UsageRows::new(read_store.clone())),
        read_store,
        uploads: Arc::new(store),
        blobs: options.blobs.unwrap_or_else(|| Arc::new(blobs)),
        links: options.links,
        files: FileUse::default(),
        vault,
        queue,
        admission: Admission::new(manager, options.admission.unwrap_or(many)),
        prices: options.prices,
        rates: KnownRates::default(),
        engines: vec![("transcribe", abilities.recogniser.clone()), ("mix", Arc::new(Missing))],
        abilities,
        requests: options
            .requests
            .unwrap_or_else(|| Arc::new(MemoryRequestStore::new(clock.clone(), Arc::new(RandomIds)))),
        ids: Arc::new(RandomIds),
        traces: Arc::new(application::ports::trace::NoTraces),
        clock,
        accounts: Arc::new(Everybody(identity.clone())),
        trail: identity.trail().clone(),
        identity,
        signer: UrlSigner::new(&[1; 32]),
        applied,
        cache: AnswerCache::new(1 << 20),
        metrics: Metrics::default(),
        health: options.health,
        stop,
        limits: options.http.unwrap_or(patient),
        upload_limits: options.uploads.unwrap_or(uploads),
        desk: DeskStatus::default(),
        origins: vec![ORIGIN.parse().expect("an origin")],
        tls: options.tls.is_some(),
        proxies: options.proxies,
        rate_limits: options.rates,
    })
}

/// Who runs the installation, and somebody of another tenant. Everybody else is whom the identity knows.
struct Everybody(Arc<Identity>);

#[async_trait]
impl Accounts for Everybody {
    async fn by_token(&self, token: &str, whence: &Whence) -> Result<Option<Caller>, Problem> {
        match token {
            TOKEN => Ok(Some(Caller::new(Principal { is_operator: false, ..Principal::operator() }))),
            OTHER_TOKEN => {
                let (tenant, is_operator) = (Tenant("other".to_owned()), false);
                let other = Principal { tenant, is_operator, ..Principal::operator() };
                Ok(Some(Caller::new(other)))
            }
            token => Accounts::by_token(&*self.0, token, whence).await,
        }
    }
}

/// What the routes of no noun are.
const THINGS: &[Row] = &[
    (Method::GET, "/v1/things", USUAL),
    (Method::POST, "/v1/things", USUAL),
    (Method::GET, "/v1/things/{id}", USUAL),
    (Method::PUT, "/v1/things/{id}", USUAL),
    (Method::GET, "/v1/slow", USUAL),
    (Method::POST, "/v1/slow", USUAL),
    (Method::GET, "/v1/endless", USUAL),
    (Method::GET, "/v1/whence", USUAL),
    (Method::GET, "/v1/panic", USUAL),
    (Method::POST, "/v1/panic", USUAL),
    (Method::GET, "/v1/rejected", USUAL),
];
const USUAL: Policy =
    Policy { access: Access::Token, action: Action::ReadWork, object: ObjectKind::None, streams: false };

/// Routes of no noun.
fn things(inside: Arc<Inside>) -> Router<Api> {
    Router::new()
        .route("/v1/things", get(list).post(make))
        .route("/v1/things/{id}", get(one).put(change))
        .route("/v1/slow", get(slow).post(slow))
        .route("/v1/endless", get(endless))
        .route("/v1/whence", get(whence))
        .route("/v1/panic", get(panicking).post(panicking))
        .route("/v1/rejected", get(rejected))
        .layer(axum::Extension(inside))
}

type Inner = axum::Extension<Arc<Inside>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewThing {
    name: String,
    sizes: Vec<u8>,
}

#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Thing {
    pub id: Uuid,
    pub name: String,
    pub sizes: usize,
}

async fn list(
    State(api): State<Api>,
    inside: Inner,
    caller: Caller,
    position: MinPosition,
    Query(query): Query<ListQuery>,
    uri: axum::http::Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after: u64 = query.cursor.map_or(Ok(0), |cursor| cursor.open())?;
    let make = || async {
        inside.made.fetch_add(1, Ordering::SeqCst);
        let text = format!("{} of {} from {after} up to {}", "much text ".repeat(200), query.limit.get(), position.0);
        Ready::json(&text)
    };
    Ok(api.cached(&caller, &uri, &[Tag::List("things")], make).await?.answer(&headers))
}

async fn make(inside: Inner, ids: CommandIds, Json(new): Json<NewThing>) -> Done<Thing> {
    inside.made.fetch_add(1, Ordering::SeqCst);
    let id = ids.0.resource;
    let thing = Thing { id, name: new.name, sizes: new.sizes.len() };
    Done::created(&format!("/v1/things/{id}"), thing).position(7).revision(1)
}

async fn one(Path(id): Path<Uuid>) -> Done<Thing> {
    Done::ok(Thing { id, name: "one".to_owned(), sizes: 0 }).revision(3)
}

async fn change(condition: IfMatch, Path(_): Path<Uuid>) -> Result<Done<()>, Problem> {
    condition.required()?.resolve(3)?;
    Ok(Done::nothing().position(8))
}

async fn slow(inside: Inner) -> Result<Done<u32>, Problem> {
    let number = inside.made.fetch_add(1, Ordering::SeqCst);
    inside.begun.notify_one();
    inside.go.notified().await;
    if number == 0 { Ok(Done::ok(number)) } else { Err(Problem::internal("the second one fails")) }
}

async fn endless(State(api): State<Api>) -> Response {
    let first = futures::stream::iter([Ok::<_, std::convert::Infallible>("first")]);
    // One word, then silence until the server stops.
    let silence = futures::stream::pending().take_until(api.stop.clone().cancelled_owned());
    Response::new(Body::from_stream(first.chain(silence)))
}

/// From where the server thinks it was asked.
async fn whence(client: ClientAddress) -> Done<(String, bool)> {
    Done::ok((client.ip().to_string(), client.is_local()))
}

async fn panicking() -> Done<()> {
    panic!("the secret of the handler")
}

async fn rejected() -> Problem {
    application::aggregates::CommandError::Rejected(DubbingRejection::Ended).into()
}

/// An engine that is not installed.
struct Missing;

#[async_trait]
impl Engine for Missing {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        Err(EngineError::Missing { engine: "a mixer".to_owned(), package: "mixer-utils".to_owned() })
    }
}

/// A part that is as it is told.
pub struct Part(pub &'static str, pub Health);

#[async_trait]
impl HealthCheck for Part {
    fn name(&self) -> &'static str {
        self.0
    }

    async fn check(&self) -> Health {
        self.1.clone()
    }
}
