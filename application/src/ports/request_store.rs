//! Requests by their idempotency keys: what makes repeating a request safe.
//!
//! Promises, proven for every adapter by `application::testing::request_store_kit`: of many requests
//! with one key at once exactly one is [`Begun::New`]; the ids of a key are drawn once and are durable
//! before [`RequestStore::begin`] returns, so that a repetition after a crash names the same command and
//! the same resource, and the log answers it with its first outcome; a key lives for [`KEY_LIFETIME_MS`]
//! from its first beginning and then begins anew; what a dead process left running begins again with its
//! ids. Keys of different tenants have nothing to do with each other. Deliberately absent: what a
//! fingerprint is made of, and which answers are worth repeating.

use crate::ports::event_log::Tenant;
use async_trait::async_trait;
use domain::value::Sha256;
use thiserror::Error;
use uuid::Uuid;

/// How long a key is remembered from its first beginning, in milliseconds: 24 hours.
pub const KEY_LIFETIME_MS: u64 = 24 * 60 * 60 * 1_000;

/// Remembers requests by their idempotency keys.
///
/// Whoever is told [`Begun::New`] ends with [`RequestStore::finish`] or [`RequestStore::abandon`],
/// whatever happens to the client meanwhile: until then, others hear [`Begun::Running`].
#[async_trait]
pub trait RequestStore: Send + Sync {
    /// Begins a request, or tells what became of it. `fingerprint` is the digest of what is asked.
    async fn begin(&self, tenant: &Tenant, key: &str, fingerprint: &Sha256) -> Result<Begun, RequestStoreError>;

    /// Keeps the answer of a running request, for repetitions. Without effect when it is not running: the
    /// first answer stays.
    async fn finish(&self, tenant: &Tenant, key: &str, answer: &Answer) -> Result<(), RequestStoreError>;

    /// A running request came to nothing (it failed, it was refused for now, or its work was dropped): it may be
    /// tried again, with the same ids. Without effect when it is not running.
    async fn abandon(&self, tenant: &Tenant, key: &str) -> Result<(), RequestStoreError>;
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is to be carried out now, under these ids.
    New(RequestIds),
    /// Somebody carries it out at this moment.
    Running,
    /// It has this answer.
    Answered(Answer),
    /// The key belongs to a request with another fingerprint.
    OtherRequest,
}

/// The ids of a request: equal each time it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestIds {
    /// What the command is known by in the log.
    pub command: Uuid,
    /// The id of what it makes.
    pub resource: Uuid,
}

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status code of HTTP.
    pub status: u16,
    /// Names and values of the headers that belong to the answer, in order.
    pub headers: Vec<(String, String)>,
    /// The body, complete.
    pub body: Vec<u8>,
}

/// Why a request could not be looked up or kept.
#[derive(Debug, Error)]
pub enum RequestStoreError {
    /// The disk is full.
    #[error("the disk that holds the requests is full")]
    OutOfRoom,
    /// The store failed.
    #[error("the request store could not be used")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
