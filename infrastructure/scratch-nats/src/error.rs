//! Why there is no scratch server.

use thiserror::Error;

/// Why a scratch server could not be made, started or stopped.
#[derive(Debug, Error)]
pub enum ScratchError {
    /// The program is not there.
    #[error("the NATS server is not installed; on Debian: apt-get install nats-server")]
    NotInstalled,
    /// The folder, the port or the guard could not be had.
    #[error("the scratch folder could not be used")]
    Folder(#[source] std::io::Error),
    /// The program could not be run.
    #[error("nats-server could not be run")]
    Run(#[source] std::io::Error),
    /// It ended, or did not answer.
    #[error("nats-server failed: {said}")]
    Failed {
        /// The last lines of its log.
        said: String,
    },
}
