//! What all engines have in common: how they describe themselves and how they fail.

use async_trait::async_trait;
use domain::value::{LanguageTag, Sha256};
use serde::Serialize;
use std::time::Duration;
use thiserror::Error;

use super::child::ChildError;

/// An implementation of a stage, as far as the listing and the doctor are concerned.
#[async_trait]
pub trait Engine: Send + Sync {
    /// What is installed here and now; [`EngineError::Missing`] when it cannot run.
    async fn describe(&self) -> Result<EngineInfo, EngineError>;
}

/// How an engine describes itself. `name`, `version` and `model_digest` go into events and memo keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EngineInfo {
    /// Stable, lower-case: `pocketsphinx`.
    pub name: String,
    /// What it does, a few words for the listing: `speech recognition`.
    pub purpose: String,
    /// The version of what is installed, read from it, never assumed.
    pub version: String,
    /// Languages, where that has a meaning; empty otherwise.
    pub languages: Vec<LanguageTag>,
    /// SPDX expression of the program's and its model's licence.
    pub licence: String,
    /// Digest over the model files, where there are any.
    pub model_digest: Option<Sha256>,
}

/// Why an engine gave no result. No variant carries speech text, names or paths in its message.
#[derive(Debug, Error)]
pub enum EngineError {
    /// It, or a model or plug-in it needs, is not installed.
    #[error("{engine} is not installed (Debian package {package})")]
    Missing {
        /// What is missing.
        engine: String,
        /// The Debian package that brings it.
        package: String,
    },
    /// The input is at fault; trying again changes nothing.
    #[error("{message}")]
    Rejected {
        /// Stable, kebab-case, for the report and the exit code: `not-media`, `no-audio`.
        code: &'static str,
        /// One sentence for the user that says what to do.
        message: String,
    },
    /// Room or another resource has run out: nothing will succeed until someone acts.
    #[error("{message}")]
    Exhausted {
        /// One sentence for the user that says what to do.
        message: String,
    },
    /// It may succeed when tried again.
    #[error("{operation} failed: {detail}")]
    Transient {
        /// The failed operation: `recognise`.
        operation: &'static str,
        /// What is known, without personal data.
        detail: String,
        /// When the engine itself named a time.
        retry_after: Option<Duration>,
    },
}

impl EngineError {
    /// The error of a child run for `operation`; `package` is what brings a missing program.
    /// Time-outs, crashes and failures are transient: the budget of attempts bounds them.
    pub fn from_child(operation: &'static str, package: &str, error: ChildError) -> Self {
        match error {
            ChildError::Missing { program } => Self::Missing { engine: program, package: package.to_owned() },
            ChildError::Io { source, .. } if is_out_of_room(&source) => Self::out_of_room(),
            error @ (ChildError::TimedOut { .. }
            | ChildError::TooMuchOutput { .. }
            | ChildError::Killed { .. }
            | ChildError::Failed { .. }
            | ChildError::Io { .. }) => Self::Transient { operation, detail: error.to_string(), retry_after: None },
        }
    }

    /// The error of file work done for `operation`; a full disk is [`EngineError::Exhausted`].
    pub fn from_io(operation: &'static str, error: &std::io::Error) -> Self {
        if is_out_of_room(error) {
            return Self::out_of_room();
        }
        Self::Transient { operation, detail: error.kind().to_string(), retry_after: None }
    }

    /// The disk is full.
    pub fn out_of_room() -> Self {
        Self::Exhausted { message: "the disk is full; free some space, then run `dragoman resume`".to_owned() }
    }
}

/// Whether the system says that the disk, the quota or the allowed file size is used up.
pub fn is_out_of_room(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
