//! Why an event could not be encoded or decoded. No variant carries a value of the event: serde's
//! own messages quote them, and they may be personal.

use crate::seal::{OpenError, SealError};
use application::ports::key_vault::KeyVaultError;
use thiserror::Error;

/// Why an event could not be encoded or decoded.
#[derive(Debug, Error)]
pub enum CodecError {
    /// The append holds no event.
    #[error("an append must hold at least one event")]
    Empty,
    /// The event belongs to another kind of stream.
    #[error("a {event_type} does not belong into this kind of stream")]
    Misplaced {
        /// The event's type.
        event_type: &'static str,
    },
    /// The key was destroyed: nothing personal is written about this dubbing any more.
    #[error("the dubbing's key was destroyed; nothing personal can be written about it any more")]
    Erased,
    /// The vault did not answer.
    #[error("the key vault did not give the dubbing's key")]
    Vault(#[from] KeyVaultError),
    /// A value could not be sealed.
    #[error("a personal value could not be sealed")]
    Seal(#[from] SealError),
    /// A sealed value was altered, or moved from where it was written.
    #[error("the sealed value at {path} does not open")]
    Open {
        /// JSON pointer of the field.
        path: String,
        /// What the cipher said.
        #[source]
        source: OpenError,
    },
    /// This program does not know the type or the version.
    #[error("{event_type} version {version} is not known to this program")]
    Unknown {
        /// The type as stored.
        event_type: String,
        /// The version as stored.
        version: u16,
    },
    /// The stored name is not that of a stream.
    #[error("the stored name of the stream is not one")]
    Stream,
    /// The event does not serialise, or the stored data does not have the shape of its type.
    #[error("the data does not have the shape of a {event_type}")]
    Shape {
        /// The type.
        event_type: String,
    },
}
