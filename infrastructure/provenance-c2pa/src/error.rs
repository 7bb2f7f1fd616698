//! What can go wrong with certificates and in the sandbox, as it crosses the process boundary.
//! Deliberately without paths, names or texts from manifests: these sentences are shown and logged.

use application::ports::engine::{EngineError, is_out_of_room};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why the sandbox, or the preparation for it, gave no result.
#[derive(Debug, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Failure {
    /// No container of sound, picture or both.
    #[error("this is not a media file; give a video or sound file")]
    NotMedia,
    /// The container is damaged so that nothing can be said about its provenance.
    #[error("the file is damaged: its boxes do not fit its length; get a complete copy")]
    Damaged,
    /// The layout is one that cannot be signed: more than one `mdat`, fragments, `iloc`.
    #[error("this kind of file cannot carry a signature")]
    Unsupported,
    /// The file is not there, or may not be read.
    #[error("the file cannot be read; check that it exists and that you may read it")]
    Unreadable,
    /// The disk is full.
    #[error("the disk is full")]
    NoRoom,
    /// Certificate, key or trust anchors are at fault.
    #[error("{0}")]
    Credential(String),
    /// Any other trouble with files.
    #[error("files could not be read or written: {0}")]
    Io(String),
    /// The C2PA library gave up; the name of its error without its text.
    #[error("the manifest could not be made: {0}")]
    Library(String),
    /// The sandbox did not understand the request: two versions of the program are mixed.
    #[error("the sandbox did not understand the request")]
    Protocol,
}

impl Failure {
    /// As the application's error for `operation`.
    pub(crate) fn into_engine_error(self, operation: &'static str) -> EngineError {
        let message = self.to_string();
        let code = match self {
            Self::NoRoom => return EngineError::out_of_room(),
            Self::Io(_) | Self::Library(_) | Self::Protocol => {
                return EngineError::Transient { operation, detail: message, retry_after: None };
            }
            Self::NotMedia => "not-media",
            Self::Damaged => "damaged",
            Self::Unsupported => "unsupported-container",
            Self::Unreadable => "unreadable",
            Self::Credential(_) => "signing-credential",
        };
        EngineError::Rejected { code, message }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            _ if is_out_of_room(&error) => Self::NoRoom,
            kind => Self::Io(kind.to_string()),
        }
    }
}

impl From<c2pa::Error> for Failure {
    fn from(error: c2pa::Error) -> Self {
        match error {
            c2pa::Error::IoError(error) => error.into(),
            // The text may quote a stranger's manifest; the variant's name never does.
            error => {
                let name: String = format!("{error:?}").chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
                Self::Library(name)
            }
        }
    }
}
