//! Why nothing became of a webhook.

use crate::{
    aggregates::CommandError,
    ports::{delivery_store::DeliveryStoreError, event_log::ReadError, webhooks::WebhooksError},
};
use domain::webhook::WebhookRejection;
use thiserror::Error;

/// Why nothing became of a webhook.
#[derive(Debug, Error)]
pub enum WebhookDeskError {
    /// There is none, or it is another tenant's; or there is no such delivery.
    #[error("there is no such webhook")]
    NotFound,
    /// Its address cannot be one.
    #[error(transparent)]
    Target(TargetFault),
    /// Its description is too long, or not on one line.
    #[error("a description has {} characters at most, on one line", super::DESCRIPTION_CHARS_MAX)]
    Description,
    /// This one of its patterns takes in no event.
    #[error("a pattern is the name of an event, or a noun with .* behind it")]
    UnknownEvent {
        /// Its place among them.
        index: usize,
    },
    /// It has too many patterns.
    #[error("there are {} patterns at most", super::PATTERNS_MAX)]
    TooManyEvents,
    /// The tenant has as many as it may.
    #[error("a tenant has {} webhooks at most", super::WEBHOOKS_MAX)]
    TooMany,
    /// It broke a rule, or could not be written.
    #[error(transparent)]
    Command(#[from] CommandError<WebhookRejection>),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Webhooks or their secrets could not be looked up.
    #[error(transparent)]
    Webhooks(#[from] WebhooksError),
    /// Deliveries could not be looked up.
    #[error(transparent)]
    Deliveries(#[from] DeliveryStoreError),
}

/// Why an address cannot be a webhook's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TargetFault {
    /// It is longer than any address needs to be.
    #[error("an address has {} characters at most", super::URL_CHARS_MAX)]
    TooLong,
    /// It is none, or holds credentials.
    #[error("it is no absolute address without a user's name and password")]
    Invalid,
    /// What goes there can be read on the way.
    #[error("an address begins with https://")]
    NotSecure,
    /// It does not lead to the public Internet.
    #[error("the address does not lead to the public Internet")]
    NotPublic,
}
