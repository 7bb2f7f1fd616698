//! Finding out at the start whether a bucket can be used.

use super::{
    S3BlobStore, S3Config,
    error::S3ConnectError,
    patient::Connector,
    remote::{Remote, is_transport, other},
};
use crate::store::LocalBlobStore;
use application::commands::release_file::FileUse;
use object_store::{
    BackoffConfig, Error, ObjectStoreExt, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path as Name,
};
use std::{path::Path, time::Duration};
use uuid::Uuid;

/// How long the first requests are tried: whoever starts a program with a wrong address wants to hear of it.
const FIRST: Duration = Duration::from_secs(2);
/// What is written to see whether it can be.
const PROBE: &[u8] = b"written to see whether this bucket can be used";

impl S3BlobStore {
    /// Opens the store after proving that the bucket can be written, read and deleted from, by a small object that is
    /// called by `probe`, which no other process may use. Copies and scratch files are kept in `folder`, which belongs to
    /// this process alone; what a crash left half-written there is removed. Who relies on what the bucket has, and who
    /// collects, take `turns`.
    pub async fn connect(
        config: &S3Config,
        folder: &Path,
        probe: Uuid,
        turns: FileUse,
    ) -> Result<Self, S3ConnectError> {
        let first = RetryConfig { max_retries: 5, retry_timeout: FIRST, backoff: back_off(Duration::from_millis(100)) };
        let trial = client(config, first)?;
        prove(&trial, config, &name(config, &format!("probe-{probe}"))).await?;
        claim(&trial, config).await?;
        let retry = RetryConfig {
            max_retries: usize::MAX,
            retry_timeout: config.patience.retry,
            backoff: back_off(config.patience.back_off),
        };
        let remote = Remote::new(client(config, retry)?, Name::from(config.prefix.as_str()), config.patience, turns);
        let (folder, limits) = (folder.to_owned(), config.cache);
        let opened = tokio::task::spawn_blocking(move || {
            let local = LocalBlobStore::open_as(&folder, "cache")?;
            S3BlobStore::new(local, remote, limits)
        });
        let opened = opened.await.unwrap_or_else(|error| Err(other(error)));
        opened.map_err(S3ConnectError::Folder)
    }
}

fn back_off(first: Duration) -> BackoffConfig {
    BackoffConfig { init_backoff: first, max_backoff: first * 100, base: 2.0 }
}

fn name(config: &S3Config, object: &str) -> Name {
    Name::from(config.prefix.as_str()).join(object)
}

fn endpoint(config: &S3Config) -> String {
    config.endpoint.clone().unwrap_or_else(|| format!("https://s3.{}.amazonaws.com", config.region))
}

/// Where the bucket is, as the library wants it: with the bucket in the host's name, unless it belongs into the path.
pub(super) fn place(config: &S3Config) -> Result<String, S3ConnectError> {
    let endpoint = endpoint(config);
    let (scheme, host) = endpoint.split_once("://").unwrap_or_default();
    if !["http", "https"].contains(&scheme) || host.is_empty() {
        return Err(S3ConnectError::NoAddress { endpoint });
    }
    if scheme == "http" && !config.allow_http {
        return Err(S3ConnectError::NotEncrypted { endpoint });
    }
    Ok(if config.path_style { endpoint } else { format!("{scheme}://{}.{host}", config.bucket) })
}

fn client(config: &S3Config, retry: RetryConfig) -> Result<AmazonS3, S3ConnectError> {
    let credentials = &config.credentials;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&config.bucket)
        .with_region(&config.region)
        .with_endpoint(place(config)?)
        .with_virtual_hosted_style_request(!config.path_style)
        .with_allow_http(config.allow_http)
        .with_access_key_id(&credentials.access_key)
        .with_secret_access_key(&credentials.secret_key)
        // Not every server of others has them.
        .with_disable_bulk_delete(true)
        .with_disable_tagging(true)
        .with_retry(retry)
        .with_http_connector(Connector::new(config));
    if let Some(token) = &credentials.session_token {
        builder = builder.with_token(token);
    }
    builder.build().map_err(|source| S3ConnectError::Other {
        endpoint: endpoint(config),
        bucket: config.bucket.clone(),
        source: Box::new(source),
    })
}

/// Writes a small object, reads it and deletes it.
async fn prove(bucket: &AmazonS3, config: &S3Config, probe: &Name) -> Result<(), S3ConnectError> {
    let written = bucket.put(probe, PROBE.into()).await;
    written.map_err(|source| explain(config, source, ("write", "s3:PutObject")))?;
    let read = match bucket.get(probe).await {
        Ok(found) => found.bytes().await,
        Err(error) => Err(error),
    };
    let deleted = bucket.delete(probe).await;
    let read = read.map_err(|source| explain(config, source, ("read", "s3:GetObject")))?;
    deleted.map_err(|source| explain(config, source, ("delete", "s3:DeleteObject")))?;
    if read == PROBE {
        return Ok(());
    }
    Err(S3ConnectError::NotKept { endpoint: endpoint(config), bucket: config.bucket.clone() })
}

/// Makes sure whose blobs these are, or writes it down: an installation would take those of another one for blobs that
/// nobody refers to. Of two that begin at the same moment both may pass; the next start tells.
async fn claim(bucket: &AmazonS3, config: &S3Config) -> Result<(), S3ConnectError> {
    let (name, own) = (name(config, "installation"), config.installation.to_string());
    let unread = |source| explain(config, source, ("read", "s3:GetObject"));
    let found = match bucket.get(&name).await {
        Ok(found) => found.bytes().await.map_err(unread)?,
        Err(Error::NotFound { .. }) => {
            let written = bucket.put(&name, own.into()).await;
            written.map_err(|source| explain(config, source, ("write", "s3:PutObject")))?;
            return Ok(());
        }
        Err(error) => return Err(unread(error)),
    };
    if found == own {
        return Ok(());
    }
    let (endpoint, bucket) = (endpoint(config), config.bucket.clone());
    Err(S3ConnectError::Taken { endpoint, bucket, prefix: config.prefix.clone() })
}

/// What servers call wrong keys.
const REFUSALS: [&str; 6] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "ExpiredToken",
    "TokenRefreshRequired",
    "InvalidSecurity",
];

fn explain(config: &S3Config, source: Error, (what, right): (&'static str, &'static str)) -> S3ConnectError {
    let endpoint = endpoint(config);
    let (bucket, access_key) = (config.bucket.clone(), config.credentials.access_key.clone());
    // The library keeps what the server said in its text only.
    let said = source.to_string();
    let source = Box::new(source);
    if REFUSALS.iter().any(|code| said.contains(code)) || matches!(*source, Error::Unauthenticated { .. }) {
        return S3ConnectError::Refused { endpoint, access_key, source };
    }
    if said.contains("RequestTimeTooSkewed") {
        return S3ConnectError::OtherTime { endpoint, source };
    }
    match *source {
        Error::NotFound { .. } => S3ConnectError::NoBucket { endpoint, bucket, source },
        Error::PermissionDenied { .. } => S3ConnectError::NoRight { endpoint, bucket, access_key, what, right, source },
        ref error if is_transport(error) => S3ConnectError::Unreachable { endpoint, source },
        _ => S3ConnectError::Other { endpoint, bucket, source },
    }
}
