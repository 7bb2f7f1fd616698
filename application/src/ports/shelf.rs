//! The shelf: where users find their files.

use async_trait::async_trait;
use domain::value::Sha256;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Puts finished files into the user's folders.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// Digest of the file at a path; `None` when there is nothing.
    async fn digest(&self, path: &Path) -> Result<Option<Sha256>, ShelfError>;

    /// Copies a file to a path: complete and durable, or not at all. Makes missing folders.
    async fn put(&self, from: &Path, to: &Path) -> Result<(), ShelfError>;
}

/// Why a file could not be put in place.
#[derive(Debug, Error)]
pub enum ShelfError {
    /// The disk is full.
    #[error("the disk that holds {} is full; free some space, then run `dragoman resume`", .0.display())]
    OutOfRoom(PathBuf),
    /// The file system refused.
    #[error("{} could not be written or read ({reason}); mend that, or choose another --out", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}
