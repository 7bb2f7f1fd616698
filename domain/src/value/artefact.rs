//! References to media: events never carry media itself.

use super::Sha256;
use serde::{Deserialize, Serialize};

/// A blob, by the digest of its stored bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Artefact {
    /// Digest of the bytes, and the blob's name.
    pub sha256: Sha256,
    /// MIME type.
    pub media_type: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// The engine that made something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Producer {
    /// The engine's name: `pocketsphinx`.
    pub engine: String,
    /// Its version, as read from it.
    pub version: String,
    /// Digest over its model files, where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_digest: Option<Sha256>,
}
