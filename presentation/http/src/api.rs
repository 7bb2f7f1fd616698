//! What all handlers share: the ports, and the values that were chosen at start.

use crate::{
    auth::Accounts,
    cache::AnswerCache,
    health::HealthCheck,
    live::Live,
    metrics::Metrics,
    probes::Probes,
    rate::{RateLimiter, RateLimits},
    rates::KnownRates,
    signed_url::UrlSigner,
};
use application::{
    abilities::Abilities,
    admission::Admission,
    aggregates::Aggregates,
    commands::{
        asset_desk::DeskStatus,
        control_dubbing::ControlDubbing,
        control_queues::ControlQueues,
        correct_line::CorrectLine,
        erase_asset::EraseAsset,
        fork_dubbing::ForkDubbing,
        import_asset::ImportAsset,
        order_dubbing::OrderDubbing,
        regenerate_track::RegenerateTrack,
        release_file::{FileUse, ReleaseFile},
        withdraw_track::WithdrawTrack,
    },
    estimate::Prices,
    identity::{Handouts, Identity, SecurityTrail},
    owners::Owners,
    ports::{
        asset_index::AssetIndex,
        blob_store::BlobStore,
        clock::{Clock, Ids},
        cluster::Cluster,
        engine::Engine,
        event_log::{EventLog, ReadError},
        key_vault::KeyVault,
        read_store::ReadStore,
        request_store::RequestStore,
        trace::Traces,
        upload_store::UploadStore,
        usage_index::UsageIndex,
        work_queue::WorkQueue,
    },
    quotas::{QuotaGate, QuotaGateParts},
    webhooks::desk::WebhookDesk,
};
use axum::http::HeaderValue;
use domain::value::Timestamp;
use std::{ops::Deref, sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The state of the router. Cloning is cheap.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    parts: ApiParts,
    live: Live,
    probes: Probes,
    limiter: RateLimiter,
    owners: Owners,
    quotas: QuotaGate,
    handouts: Handouts,
}

/// The parts of [`Api`].
pub struct ApiParts {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// Who else shares it, where others may.
    pub cluster: Option<Arc<dyn Cluster>>,
    /// Read models.
    pub read_store: Arc<dyn ReadStore>,
    /// Media, transcripts and glossaries.
    pub blobs: Arc<dyn BlobStore>,
    /// How long a link to a result's media leads there, where clients are to fetch them without this server.
    pub links: Option<Duration>,
    /// Files on their way in.
    pub uploads: Arc<dyn UploadStore>,
    /// Which assets there are, and who needs their files.
    pub assets: Arc<dyn AssetIndex>,
    /// How much tenants use.
    pub usage: Arc<dyn UsageIndex>,
    /// Turns of those who begin to use files and those who delete them.
    pub files: FileUse,
    /// Keys of what is personal.
    pub vault: Arc<dyn KeyVault>,
    /// What can be asked for here and now.
    pub abilities: Abilities,
    /// Where work waits.
    pub queue: Arc<dyn WorkQueue>,
    /// Takes dubbings in, as many as there is room for.
    pub admission: Arc<Admission>,
    /// What a minute costs.
    pub prices: Prices,
    /// How long stages take here.
    pub rates: KnownRates,
    /// Every engine by its stage, for the listing.
    pub engines: Vec<(&'static str, Arc<dyn Engine>)>,
    /// Requests by their idempotency keys.
    pub requests: Arc<dyn RequestStore>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who callers are.
    pub accounts: Arc<dyn Accounts>,
    /// Signs people in, and looks after their accounts.
    pub identity: Arc<Identity>,
    /// Makes webhooks, looks after them, and says what became of deliveries.
    pub webhooks: WebhookDesk,
    /// Notes what went wrong, and who took what away.
    pub trail: Arc<SecurityTrail>,
    /// Makes and checks links that need no token.
    pub signer: UrlSigner,
    /// Up to which position every read model has come. Cached answers are invalidated before it moves on.
    pub applied: watch::Receiver<u64>,
    /// Ready answers.
    pub cache: AnswerCache,
    /// What is measured.
    pub metrics: Metrics,
    /// The parts whose health is asked for.
    pub health: Vec<Arc<dyn HealthCheck>>,
    /// Cancelled when the server is to stop: streams end then.
    pub stop: CancellationToken,
    /// Ties requests to traces.
    pub traces: Arc<dyn Traces>,
    /// Bounds.
    pub limits: HttpLimits,
    /// Bounds of uploads.
    pub upload_limits: UploadLimits,
    /// How many assets wait to be looked at.
    pub desk: DeskStatus,
    /// Origins of web pages that may call; none by default.
    pub origins: Vec<HeaderValue>,
    /// Whether clients come over TLS: then they are told to insist on it.
    pub tls: bool,
    /// How many trusted proxies stand in front: as many last entries of forwarding headers are believed.
    pub proxies: u8,
    /// How often may be asked.
    pub rate_limits: RateLimits,
}

/// Bounds of what a client may ask for.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Bytes of a body, streamed uploads aside.
    pub body_bytes: usize,
    /// Time within which a body must arrive, streamed uploads aside.
    pub body_read: Duration,
    /// Time within which an answer must begin, streams aside.
    pub answer: Duration,
    /// How long a query waits for a position.
    pub position_wait: Duration,
    /// How many events a listener may be behind before it is sent away.
    pub live_events: usize,
}

/// Bounds of uploads.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
    /// Bytes of a file: what the store of uploads takes.
    pub bytes_max: u64,
    /// How long an upload that is not complete is kept.
    pub expire_after: Duration,
    /// Time within which the next piece of a body must arrive.
    pub stall: Duration,
    /// Assets that may wait to be looked at: while there are so many, no upload begins.
    pub waiting_max: usize,
}

impl Default for UploadLimits {
    /// 5 GiB; a day; 30 s; 500 that wait.
    fn default() -> Self {
        Self {
            bytes_max: 5 << 30,
            expire_after: Duration::from_secs(86_400),
            stall: Duration::from_secs(30),
            waiting_max: 500,
        }
    }
}

impl Default for HttpLimits {
    /// 1 MiB, arriving within 20 s; answers within 30 s; 2 s of waiting for a position; 4,096 events behind.
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            body_read: Duration::from_secs(20),
            answer: Duration::from_secs(30),
            position_wait: Duration::from_secs(2),
            live_events: 4_096,
        }
    }
}

impl Api {
    /// Of these parts.
    pub fn new(parts: ApiParts) -> Self {
        let live = Live::new(Arc::clone(&parts.log), parts.stop.clone(), parts.limits.live_events);
        let probes = Probes::new(parts.abilities.clone(), parts.engines.clone());
        let limiter = RateLimiter::new(parts.rate_limits);
        let owners = Owners::new(Arc::clone(&parts.log));
        let quotas = QuotaGate::new(QuotaGateParts {
            aggregates: Arc::clone(&parts.aggregates),
            index: Arc::clone(&parts.usage),
            uploads: Arc::clone(&parts.uploads),
            clock: Arc::clone(&parts.clock),
            prices: parts.prices.clone(),
            applied: parts.applied.clone(),
            patience: parts.limits.position_wait,
        });
        let handouts = Handouts::new(Arc::clone(&parts.trail), Arc::clone(&parts.clock));
        Self(Arc::new(Inner { parts, live, probes, limiter, owners, quotas, handouts }))
    }

    /// How much tenants may use.
    pub(crate) fn quotas(&self) -> &QuotaGate {
        &self.0.quotas
    }

    /// What was downloaded.
    pub(crate) fn handouts(&self) -> &Handouts {
        &self.0.handouts
    }

    /// Events as they come.
    pub(crate) fn live(&self) -> &Live {
        &self.0.live
    }

    /// What engines say.
    pub(crate) fn probes(&self) -> &Probes {
        &self.0.probes
    }

    /// Whose things are.
    pub(crate) fn owners(&self) -> &Owners {
        &self.0.owners
    }

    /// Who asks too often.
    pub(crate) fn limiter(&self) -> &RateLimiter {
        &self.0.limiter
    }

    /// Where the log holds what a command brought about: where it was written, or, when it was so already, as far as
    /// the log goes.
    pub(crate) async fn position_of(&self, written: Option<u64>) -> Result<u64, ReadError> {
        match written {
            Some(position) => Ok(position),
            None => self.log.head().await,
        }
    }

    /// Begins and extends dubbings.
    pub fn order_dubbing(&self) -> OrderDubbing {
        OrderDubbing {
            aggregates: Arc::clone(&self.aggregates),
            blobs: Arc::clone(&self.blobs),
            abilities: self.abilities.clone(),
            files: self.files.clone(),
        }
    }

    /// When an upload that begins now expires.
    pub(crate) fn upload_expiry(&self) -> Timestamp {
        let after = self.upload_limits.expire_after.as_millis();
        self.clock.now().plus_ms(u64::try_from(after).unwrap_or(u64::MAX))
    }

    /// Makes assets of complete uploads.
    pub fn import_asset(&self) -> ImportAsset {
        ImportAsset {
            aggregates: Arc::clone(&self.aggregates),
            uploads: Arc::clone(&self.uploads),
            files: self.files.clone(),
        }
    }

    /// Erases assets.
    pub fn erase_asset(&self) -> EraseAsset {
        EraseAsset {
            aggregates: Arc::clone(&self.aggregates),
            vault: Arc::clone(&self.vault),
            uploads: Arc::clone(&self.uploads),
            release: ReleaseFile {
                log: Arc::clone(&self.log),
                blobs: Arc::clone(&self.blobs),
                index: Arc::clone(&self.assets),
                files: self.files.clone(),
            },
        }
    }

    /// Looks at, pauses and resumes queues.
    pub fn control_queues(&self) -> ControlQueues {
        ControlQueues {
            aggregates: Arc::clone(&self.aggregates),
            queue: Arc::clone(&self.queue),
            clock: Arc::clone(&self.clock),
        }
    }

    /// Cancels, pauses, resumes and retries dubbings.
    pub fn control_dubbing(&self) -> ControlDubbing {
        ControlDubbing { aggregates: Arc::clone(&self.aggregates) }
    }

    /// Forks dubbings.
    pub fn fork_dubbing(&self) -> ForkDubbing {
        ForkDubbing { aggregates: Arc::clone(&self.aggregates), blobs: Arc::clone(&self.blobs) }
    }

    /// Corrects lines.
    pub fn correct_line(&self) -> CorrectLine {
        CorrectLine { aggregates: Arc::clone(&self.aggregates), abilities: self.abilities.clone() }
    }

    /// Withdraws tracks.
    pub fn withdraw_track(&self) -> WithdrawTrack {
        WithdrawTrack { aggregates: Arc::clone(&self.aggregates) }
    }

    /// Makes stale lines anew.
    pub fn regenerate_track(&self) -> RegenerateTrack {
        RegenerateTrack { aggregates: Arc::clone(&self.aggregates) }
    }
}

impl Deref for Api {
    type Target = ApiParts;

    fn deref(&self) -> &ApiParts {
        &self.0.parts
    }
}
