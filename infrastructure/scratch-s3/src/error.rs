//! Why there is no scratch server.

use thiserror::Error;

/// Why a scratch server could not be made, started or looked into.
#[derive(Debug, Error)]
pub enum ScratchError {
    /// The folder could not be had.
    #[error("the scratch folder could not be used")]
    Folder(#[source] std::io::Error),
    /// The port could not be had.
    #[error("there is no port to listen on")]
    Listen(#[source] std::io::Error),
    /// The server could not be set up in the folder.
    #[error("the S3 server could not be set up: {0}")]
    Setup(String),
}
