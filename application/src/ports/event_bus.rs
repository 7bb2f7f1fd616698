//! The event bus: tells other processes, and programs of others, what the log holds.
//!
//! It keeps two things: *notices*, which say only how far the log has come, and *told events*, by which outsiders follow
//! what is public. It is never the truth: it may lose everything, and is then filled again from the log.
//!
//! Promises, proven for every adapter by `application::testing::event_bus_kit`: what was answered is durable as far as
//! the bus is; messages stand there in the order in which they were given; a page that was made upon a state which is no
//! longer the bus's is refused, so that of several relays one at a time gets on and none brings disorder; when a page
//! fails in the middle, what stands there is its beginning; and what was lost is noticed, because [`EventBus::held`]
//! tells what is there.

use super::event_log::{StreamId, Tenant};
use async_trait::async_trait;
use thiserror::Error;
use uuid::Uuid;

/// Publishes what the log holds.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// What it holds. Makes what is missing.
    async fn held(&self) -> Result<Held, BusError>;

    /// Publishes a page upon a state; gives the state that came of it. First the events are made durable, in order, then
    /// the notices: a notice says that all before it was published.
    async fn publish(&self, upon: &Fence, page: &BusPage) -> Result<Fence, BusError>;
}

/// An event, by its place and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its place in the log.
    pub position: u64,
    /// Its id.
    pub event: Uuid,
}

/// What a bus holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The last event that was told, as far as it is still kept.
    pub published: Option<Mark>,
    /// The event of the last notice; `None` also when events that had been told before it were lost.
    pub noticed: Option<Mark>,
    /// The state in which this is so.
    pub fence: Fence,
}

/// A state of the bus. Whoever has lost or gained anything since has another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fence {
    /// Which life of the told events this is: they have another after they were lost.
    pub incarnation: String,
    /// The number of the last told event.
    pub events: u64,
    /// The number of the last notice.
    pub notices: u64,
}

/// What is published in one go. Bounded by whoever makes it: an adapter holds it in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BusPage {
    /// In order of position.
    pub events: Vec<ToldEvent>,
    /// In order of position. The last one's is that of the page.
    pub notices: Vec<Notice>,
}

/// An event for outsiders. Nothing in it is about a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldEvent {
    /// Which one; receivers tell repetitions by its id.
    pub mark: Mark,
    /// Its stream, within which the order of events is that of the log.
    pub stream: StreamId,
    /// What happened, in one word: letters only.
    pub event_type: String,
    /// Whose.
    pub tenant: Tenant,
    /// The trace that it belongs to, as W3C `traceparent`, if any.
    pub traceparent: Option<String>,
    /// What there is to tell, as JSON.
    pub body: String,
}

/// Says how far the log has come, and nothing about what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The last event of this category in its page.
    pub mark: Mark,
    /// Its stream.
    pub stream: StreamId,
}

/// Why nothing, or not everything, was published.
#[derive(Debug, Error)]
pub enum BusError {
    /// The state upon which it was to be published has passed: by another relay, by a loss, or by what this one published
    /// before without hearing of it.
    #[error("the event bus holds something else by now")]
    Moved,
    /// The bus could not be reached, or refused.
    #[error("the event bus could not be used")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
