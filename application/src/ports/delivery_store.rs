//! Deliveries of events to webhooks: what waits, what was delivered, what was given up.
//!
//! Promises, proven for every adapter by `application::testing::delivery_store_kit`: the checkpoint moves in the same
//! transaction in which the deliveries of the events before it are kept, so none is missed and none is there twice;
//! of the deliveries to one webhook about one subject (a dubbing with its languages, an asset …) only the one of the
//! earliest event that still waits is ever due, so that they go out in order; a delivery is known by its id, which
//! follows from webhook and event, for as long as it is kept; of several processes that send, one at a time has a
//! delivery in hand, until it has kept what came of it or is dead. What was delivered is forgotten after
//! [`DELIVERED_MS_MAX`], what was given up after [`DEAD_MS_MAX`]. Deliberately absent: addresses and secrets of
//! webhooks, and when attempts are made again.

use crate::ports::event_log::Tenant;
use async_trait::async_trait;
use domain::value::{Timestamp, WebhookId};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// How long it is known what was delivered, in milliseconds: 30 days.
pub const DELIVERED_MS_MAX: u64 = 30 * DAY_MS;
/// How long it is known what was given up, in milliseconds: 90 days.
pub const DEAD_MS_MAX: u64 = 90 * DAY_MS;
/// How many attempts of a delivery are known: the last ones.
pub const ATTEMPTS_MAX: usize = 10;

/// Keeps deliveries.
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Up to which position of the log deliveries have been made; 0 at first.
    async fn checkpoint(&self) -> Result<u64, DeliveryStoreError>;

    /// Keeps deliveries and moves on, in one transaction. From the log, what is known already stays as it is; from a
    /// replay, what does not wait waits again, with the body that it had. Refused with [`DeliveryStoreError::Moved`]
    /// when the source is not at `from`.
    async fn enqueue(&self, batch: DeliveryBatch) -> Result<(), DeliveryStoreError>;

    /// Has a webhook hear of everything from this position on once more, up to the checkpoint of this moment. In place
    /// of what of an earlier replay is left. While it lasts, nothing is due that it has not come to yet. `asked_at` is the
    /// position of the event that asks for it: once the checkpoint is there, somebody else has obeyed it, and nothing
    /// changes.
    async fn replay(
        &self,
        tenant: &Tenant,
        webhook: WebhookId,
        from_position: u64,
        asked_at: u64,
    ) -> Result<(), DeliveryStoreError>;

    /// The replays that have not come to their ends.
    async fn replays(&self) -> Result<Vec<Replay>, DeliveryStoreError>;

    /// What is to be sent: of each webhook so many at most, those first that are due for longest, and the webhooks in
    /// turn. What another process has in hand is left out.
    async fn due(
        &self,
        now: Timestamp,
        per_webhook_max: usize,
        limit: usize,
    ) -> Result<Vec<Delivery>, DeliveryStoreError>;

    /// Takes a delivery in hand, to send it: as it stands; `None` when it is not due any more, or another process has it in
    /// hand. One who dies before keeping an outcome leaves it to others.
    async fn claim(&self, id: Uuid, now: Timestamp) -> Result<Option<Delivery>, DeliveryStoreError>;

    /// Keeps what came of an attempt, and lets the delivery out of hand. Of a delivery that does not wait any more, only a success changes the state; one
    /// that is not known any more stays so.
    async fn outcome(&self, id: Uuid, attempt: &Attempt, next: Next) -> Result<(), DeliveryStoreError>;

    /// Gives up everything that waits for a webhook. How much that was.
    async fn give_up(&self, webhook: WebhookId, why: &Attempt) -> Result<u64, DeliveryStoreError>;

    /// A delivery of a webhook.
    async fn delivery(&self, webhook: WebhookId, id: Uuid) -> Result<Option<Delivery>, DeliveryStoreError>;

    /// Deliveries of a webhook, those of the latest events first.
    async fn list(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, DeliveryStoreError>;

    /// Has a delivery of a webhook wait again, from now on and with all its attempts, or at once if it waits already;
    /// `false` when there is none such.
    async fn redeliver(&self, webhook: WebhookId, id: Uuid, now: Timestamp) -> Result<bool, DeliveryStoreError>;

    /// Forgets everything about a webhook. How many deliveries that were.
    async fn remove(&self, webhook: WebhookId) -> Result<u64, DeliveryStoreError>;
}

/// Deliveries to be kept, and how far their source has come with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryBatch {
    /// Where they come from.
    pub source: Source,
    /// Where the source was: the checkpoint, or how far the replay has come.
    pub from: u64,
    /// Where it is then.
    pub to: u64,
    /// The deliveries of the events after `from` up to `to`, in order.
    pub deliveries: Vec<NewDelivery>,
    /// The time. They wait from now on.
    pub now: Timestamp,
}

/// Where deliveries come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The log, as it grows.
    Log,
    /// What a webhook is told once more.
    Replay(WebhookId),
}

/// A delivery to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its id, as receivers see it.
    pub id: Uuid,
    /// To whom.
    pub webhook: WebhookId,
    /// Whose.
    pub tenant: Tenant,
    /// The event.
    pub event: Uuid,
    /// The event's public type.
    pub kind: String,
    /// The event's place in the log.
    pub position: u64,
    /// What the event is about: deliveries about the same keep their order.
    pub subject: Uuid,
    /// What is sent.
    pub body: String,
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What it is.
    pub what: NewDelivery,
    /// How far it is.
    pub state: DeliveryState,
    /// Attempts that failed since it began to wait.
    pub failures: u32,
    /// When it began to wait, for the first time or again.
    pub waiting_since: Timestamp,
    /// Before when it is not sent; of use while it waits.
    pub not_before: Timestamp,
    /// When it was delivered or given up.
    pub ended_at: Option<Timestamp>,
    /// Its last attempts, oldest first.
    pub attempts: Vec<Attempt>,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryState {
    /// It is to be sent, for the first time or again.
    Waiting,
    /// Its receiver has it.
    Delivered,
    /// It was given up.
    Dead,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [DeliveryState; 3] = [DeliveryState::Waiting, DeliveryState::Delivered, DeliveryState::Dead];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            DeliveryState::Waiting => "waiting",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Dead => "dead",
        }
    }

    /// The one of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// An attempt, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it was made.
    pub at: Timestamp,
    /// How long it took.
    pub took_ms: u64,
    /// Status code that the receiver answered with, if it answered.
    pub status: Option<u16>,
    /// How it ended.
    pub ending: AttemptEnding,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptEnding {
    /// The receiver has it: a status of 200 to 299.
    Delivered,
    /// The receiver is gone for good: 410.
    Gone,
    /// The receiver sends elsewhere: 300 to 399. That is not followed.
    Redirected,
    /// The receiver answered with another status.
    Refused,
    /// The webhook's address is none.
    InvalidUrl,
    /// The address does not lead to the public Internet.
    Forbidden,
    /// The name in the address cannot be resolved.
    Unresolved,
    /// The receiver could not be reached.
    Unreachable,
    /// There was no complete answer in time.
    TimedOut,
    /// The answer was longer than anybody needs.
    AnswerTooLarge,
    /// There is nothing to sign with: nothing was sent.
    NoSecret,
    /// The webhook is not active: nothing was sent.
    Inactive,
}

impl AttemptEnding {
    /// Its code, for answers.
    pub const fn code(self) -> &'static str {
        match self {
            AttemptEnding::Delivered => "delivered",
            AttemptEnding::Gone => "gone",
            AttemptEnding::Redirected => "redirected",
            AttemptEnding::Refused => "refused",
            AttemptEnding::InvalidUrl => "invalid-url",
            AttemptEnding::Forbidden => "forbidden",
            AttemptEnding::Unresolved => "unresolved",
            AttemptEnding::Unreachable => "unreachable",
            AttemptEnding::TimedOut => "timed-out",
            AttemptEnding::AnswerTooLarge => "answer-too-large",
            AttemptEnding::NoSecret => "no-secret",
            AttemptEnding::Inactive => "inactive",
        }
    }
}

/// What comes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is delivered.
    Delivered,
    /// It is sent again, not before this.
    RetryAt(Timestamp),
    /// It is given up.
    Dead,
}

/// Which deliveries of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Of whom.
    pub webhook: WebhookId,
    /// Only those that are so far.
    pub state: Option<DeliveryState>,
    /// Only those of events before this position: the last one of the page before.
    pub before: Option<u64>,
    /// How many at most.
    pub limit: usize,
}

/// What a webhook is told once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Whose.
    pub tenant: Tenant,
    /// Who is told.
    pub webhook: WebhookId,
    /// How far it has come.
    pub scanned_to: u64,
    /// Where it ends.
    pub until: u64,
}

/// Why deliveries could not be kept or looked up.
#[derive(Debug, Error)]
pub enum DeliveryStoreError {
    /// The source is elsewhere: nothing was kept.
    #[error("the deliveries were made from elsewhere")]
    Moved,
    /// The disk is full.
    #[error("the disk that holds the deliveries is full")]
    OutOfRoom,
    /// The store failed.
    #[error("the deliveries could not be used")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
