//! Looks for malware in what strangers uploaded, before anything else opens it.
//!
//! A verdict is about the whole file or it is none: an adapter that could not look at every byte answers with an
//! error, never with [`Verdict::Clean`].

use super::engine::Engine;
use async_trait::async_trait;
use std::path::Path;
use thiserror::Error;

/// Scans files. Memory does not grow with the file; every call ends within the adapter's time limits.
#[async_trait]
pub trait MalwareScanner: Engine {
    /// Scans one file, by its content alone: its name and path are not told to anybody.
    async fn scan(&self, file: &Path) -> Result<Verdict, ScanError>;

    /// Whether the scanner answers here and now.
    async fn ping(&self) -> Result<(), ScanError>;
}

/// What a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No signature matched anywhere in the file.
    Clean,
    /// A signature matched.
    Infected {
        /// The signature's name in the scanner's database, without control characters, at most 200 characters.
        signature: String,
    },
}

/// Why there is no verdict. No variant names the file.
#[derive(Debug, Error)]
pub enum ScanError {
    /// The scanner cannot be spoken to: it is not running, or it ended in the middle. May succeed when tried again.
    #[error("the malware scanner cannot be reached")]
    Unreachable(#[source] std::io::Error),
    /// It did not answer in time. May succeed when tried again.
    #[error("the malware scanner did not answer within {seconds} s")]
    TimedOut {
        /// The bound that was crossed, in seconds.
        seconds: u64,
    },
    /// The file is beyond what the scanner looks at. Trying again changes nothing; its limits may.
    #[error("the file of {bytes} bytes is larger than the malware scanner looks at; raise the scanner's limits")]
    TooLarge {
        /// Size of the file.
        bytes: u64,
    },
    /// The scanner answered something else than a verdict.
    #[error("the malware scanner failed: {answer}")]
    Failed {
        /// Its answer, without control characters, at most 200 characters.
        answer: String,
    },
    /// The file could not be read.
    #[error("the file to scan could not be read")]
    File(#[source] std::io::Error),
}

impl ScanError {
    /// Whether the same scan may succeed later without anybody's help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TimedOut { .. } | Self::Failed { .. } => true,
            Self::TooLarge { .. } | Self::File(_) => false,
        }
    }
}
