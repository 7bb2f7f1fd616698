//! Why there is no scratch server.

use std::path::Path;
use thiserror::Error;

/// Why a scratch server could not be made, started or asked.
#[derive(Debug, Error)]
pub enum ScratchError {
    /// The programs are not there.
    #[error("PostgreSQL's server is not installed; on Debian: apt-get install postgresql")]
    NotInstalled,
    /// Root may not run it, and there is nobody else to run it as.
    #[error("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as")]
    NobodyToRunAs,
    /// The folder, the port or the guard could not be had.
    #[error("the scratch folder could not be used")]
    Folder(#[source] std::io::Error),
    /// A program could not be run.
    #[error("{program} could not be run")]
    Run {
        /// Which.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A program failed.
    #[error("{program} failed: {said}")]
    Failed {
        /// Which.
        program: String,
        /// What it said.
        said: String,
    },
}

impl ScratchError {
    /// The same with the last lines of the server's log.
    pub(crate) fn with_log(self, log: &Path) -> Self {
        match self {
            Self::Failed { program, said } => {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                let mut last: Vec<&str> = log.lines().rev().take(5).collect();
                last.reverse();
                Self::Failed { program, said: format!("{said}\n{}", last.join("\n")) }
            }
            other => other,
        }
    }
}
