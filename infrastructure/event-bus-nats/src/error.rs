//! Why the bus cannot be used.

use nats_connection::NatsError;
use std::time::Duration;
use thiserror::Error;

/// Why a bus cannot be used, at start or later.
#[derive(Debug, Error)]
pub enum NatsBusError {
    /// The server, or what it keeps, cannot be used.
    #[error(transparent)]
    Server(#[from] NatsError),
    /// Events for outsiders would lie among what is none.
    #[error("`{events}` cannot be the prefix of events for NATS: what is under `{with}` is something else")]
    Overlap {
        /// The prefix that was asked for.
        events: String,
        /// What it would mingle with.
        with: String,
    },
    /// Events would be gone before anybody can fetch them.
    #[error(
        "events on NATS are to be kept for {0:?}, but must be for a minute at least; zero keeps them while there is room"
    )]
    Age(Duration),
}
