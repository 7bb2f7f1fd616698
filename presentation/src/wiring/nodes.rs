//! What several processes of an installation share: the queue of work, and the bucket of media.

use crate::{
    config::{Blobs, Queue},
    exit::{Exit, Failure},
    home::Home,
    work::WorkPlan,
};
use application::{
    commands::release_file::FileUse,
    ports::{clock::Ids, cluster::Cluster, event_bus::EventBus, work_queue::WorkQueue},
};
use blob_store::{
    LocalBlobStore, S3BlobStore, S3CacheLimits, S3Config, S3ConnectError, S3Credentials, S3Patience, UploadTarget,
};
use event_bus_nats::{NatsBusError, NatsEventBus, NatsNotices};
use std::{fs, path::Path, sync::Arc};
use uuid::Uuid;
use work_queue_memory::MemoryWorkQueue;
use work_queue_nats::{Login, NatsQueueError, NatsWorkQueue, Servers, Settings, Storage, Tls};

/// The queue of the configuration, from which this process takes work by this plan: its own, as without a plan, or one on
/// NATS.
pub async fn work_queue(home: &Home, plan: Option<&WorkPlan>) -> Result<Arc<dyn WorkQueue>, Failure> {
    let (Some(config), Some(plan)) = (home.queue(), plan) else { return Ok(Arc::new(MemoryWorkQueue::new())) };
    let settings = Settings {
        prefix: config.prefix.clone(),
        installation: home.installation()?,
        lease: config.lease,
        replicas: u8::try_from(config.replicas).unwrap_or(u8::MAX),
        bytes_max: config.bytes_max,
        storage: Storage::File,
        gpu_stages: config.gpu_stages.iter().copied().collect(),
        stages: plan.stages.iter().copied().collect(),
        classes: plan.classes.clone(),
    };
    let refused = |error: NatsQueueError| {
        let key = match &error {
            NatsQueueError::Server(error) => key_of_prefix(config, error.taken_prefix()),
            NatsQueueError::Lease(_) => "queue.lease",
            NatsQueueError::Full | NatsQueueError::Unwritable(_) | NatsQueueError::Unreadable(_) => "queue.url",
        };
        Failure::new(Exit::Internal, format!("{key}: {error}"))
    };
    Ok(Arc::new(NatsWorkQueue::connect(&servers(config)?, settings).await.map_err(refused)?))
}

/// Where what happens is told besides the log, and what tells of it: where the queue is on NATS, unless switched off.
pub async fn event_bus(home: &Home) -> Result<Option<(Arc<dyn EventBus>, NatsNotices)>, Failure> {
    let Some(config) = home.queue().filter(|config| config.events) else { return Ok(None) };
    let settings = event_bus_nats::Settings {
        prefix: config.prefix.clone(),
        events_prefix: config.events_prefix.clone(),
        installation: home.installation()?,
        replicas: u8::try_from(config.replicas).unwrap_or(u8::MAX),
        storage: Storage::File,
        bytes_max: config.events_bytes_max,
        age_max: config.events_age_max,
    };
    let refused = |error: NatsBusError| {
        let key = match &error {
            NatsBusError::Server(error) => key_of_prefix(config, error.taken_prefix()),
            NatsBusError::Overlap { .. } => "queue.events_prefix",
            NatsBusError::Age(_) => "queue.events_age_max",
        };
        Failure::new(Exit::Internal, format!("{key}: {error}"))
    };
    let bus = NatsEventBus::connect(&servers(config)?, &settings).await.map_err(refused)?;
    let notices = bus.notices().await.map_err(refused)?;
    Ok(Some((Arc::new(bus), notices)))
}

/// The key to change where NATS refused: the one of the prefix that is taken, or that of the server.
fn key_of_prefix(config: &Queue, taken: Option<&str>) -> &'static str {
    match taken {
        Some(prefix) if prefix == config.events_prefix => "queue.events_prefix",
        Some(_) => "queue.prefix",
        None => "queue.url",
    }
}

fn servers(config: &Queue) -> Result<Servers, Failure> {
    let urls = config.url.iter().flat_map(|url| url.expose().split(',')).map(|url| url.trim().to_owned());
    let login = match &config.credentials_file {
        Some(file) => Login::Credentials(text_of("queue.credentials_file", file)?),
        None => Login::Anonymous,
    };
    let authorities = config.tls_ca.as_deref().map(|file| text_of("queue.tls_ca", file)).transpose()?;
    Ok(Servers { urls: urls.collect(), login, tls: Tls { authorities, ..Tls::default() } })
}

/// Where media are kept: a bucket, with copies in the data folder, or the data folder alone.
/// Those who share the bucket take turns over the cluster.
pub async fn blob_store(
    home: &Home,
    ids: &dyn Ids,
    cluster: Option<Arc<dyn Cluster>>,
) -> Result<Arc<dyn UploadTarget>, Failure> {
    let Some(config) = home.bucket() else { return Ok(Arc::new(LocalBlobStore::open(home.root())?)) };
    let bucket = bucket(config, home.installation()?)?;
    let store = S3BlobStore::connect(&bucket, home.root(), ids.next(), FileUse::of_blobs(cluster)).await;
    Ok(Arc::new(store.map_err(|error: S3ConnectError| Failure::new(Exit::Internal, format!("blobs.url: {error}")))?))
}

fn bucket(config: &Blobs, installation: Uuid) -> Result<S3Config, Failure> {
    let place = config.url.as_deref().and_then(|url| url.strip_prefix("s3://")).unwrap_or_default();
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let credentials = match (&config.credentials_file, &config.access_key, &config.secret_key) {
        (Some(file), _, _) => {
            let text = text_of("blobs.credentials_file", file)?;
            let said = |error| Failure::usage(format!("blobs.credentials_file: {error}"));
            S3Credentials::parse(&text, &config.profile).map_err(said)?
        }
        (None, access, secret) => S3Credentials {
            access_key: access.clone().unwrap_or_default(),
            secret_key: secret.as_ref().map(|key| key.expose().to_owned()).unwrap_or_default(),
            session_token: None,
        },
    };
    Ok(S3Config {
        bucket: bucket.to_owned(),
        prefix: prefix.trim_matches('/').to_owned(),
        installation,
        endpoint: config.endpoint.clone(),
        region: config.region.clone(),
        path_style: config.path_style,
        allow_http: config.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://")),
        credentials,
        cache: S3CacheLimits { bytes_max: config.cache_bytes_max, ..S3CacheLimits::default() },
        patience: S3Patience::default(),
    })
}

/// The text of a file that a key of the configuration names.
fn text_of(key: &str, file: &Path) -> Result<String, Failure> {
    let unread = |error: std::io::Error| Failure::usage(format!("{key}: {} cannot be read ({error})", file.display()));
    fs::read_to_string(file).map_err(unread)
}
