//! Why work could not be queued or handed out.

use crate::wire::WireError;
use nats_connection::NatsError;
use std::time::Duration;
use thiserror::Error;

/// Why a queue cannot be used, at start or later.
#[derive(Debug, Error)]
pub enum NatsQueueError {
    /// The server, or what it keeps, cannot be used.
    #[error(transparent)]
    Server(#[from] NatsError),
    /// The lease is too short for a network, or too long to be waited for.
    #[error("the lease of the work queue is {0:?}, but must be between 1 second and 1 hour")]
    Lease(Duration),
    /// The queue is as large as it may become.
    #[error("the work queue is full on the NATS server")]
    Full,
    /// Work cannot be written as a message.
    #[error("the work cannot be written as a message")]
    Unwritable(#[source] serde_json::Error),
    /// A message is not work.
    #[error("a message in the work queue cannot be read")]
    Unreadable(#[source] WireError),
}

impl NatsQueueError {
    /// Whether the same may work a moment later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            NatsQueueError::Server(error) => error.is_passing(),
            NatsQueueError::Lease(_)
            | NatsQueueError::Full
            | NatsQueueError::Unwritable(_)
            | NatsQueueError::Unreadable(_) => false,
        }
    }
}
