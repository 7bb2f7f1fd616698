//! What goes wrong in the child, as data, and the sentence a user reads about it.
//!
//! A fault carries no text from a media library: such texts hold file names.

use application::ports::engine::{EngineError, is_out_of_room};
use serde::{Deserialize, Serialize};

/// A failure that crosses from the child to the parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// Neither sound nor picture was recognised.
    NotMedia,
    /// A known container that ends too early or has no index.
    Truncated,
    /// Recognised, but a decoder gave up, hung or needed too long.
    Undecodable,
    /// The system refuses to read it.
    Unreadable,
    /// Zero bytes.
    Empty,
    /// A folder.
    Folder,
    /// Larger than allowed.
    OverLimit(Measure),
    /// The file has no such stream.
    NoStream(Kind),
    /// A format for which no decoder exists here, by caps name.
    UnknownFormat(String),
    /// The disk is full.
    DiskFull,
    /// An element is not installed.
    Missing {
        /// The element or what it would do.
        element: String,
        /// The Debian package that brings it.
        package: String,
    },
    /// Anything else; worth another try.
    Broken(String),
}

/// A bounded property of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Measure {
    /// Its duration.
    Duration,
    /// Its bytes.
    Size,
    /// Pixels of a picture.
    Pixels,
    /// How many streams it has.
    Streams,
}

/// The kinds of streams that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
    /// Timed text.
    Text,
}

impl Fault {
    /// The fault of file work.
    pub fn from_io(error: &std::io::Error) -> Self {
        if is_out_of_room(error) { Self::DiskFull } else { Self::Broken(error.kind().to_string()) }
    }

    /// A fault of our own graph, named by what failed.
    pub fn broken(what: impl Into<String>) -> Self {
        Self::Broken(what.into())
    }

    /// As the ports promise it.
    pub fn into_engine_error(self, operation: &'static str) -> EngineError {
        let (code, message) = match self {
            Self::NotMedia => (
                "not-media",
                "this is not a video or sound file; name an MP4, MOV, MKV, WebM, AVI or sound file".to_owned(),
            ),
            Self::Truncated => ("truncated", "the file is damaged or incomplete; copy or download it again".to_owned()),
            Self::Undecodable => (
                "undecodable",
                "the file cannot be decoded; open it in a player to check it, and convert or export it again"
                    .to_owned(),
            ),
            Self::Unreadable => {
                ("unreadable", "the file cannot be read; check its name and its permissions".to_owned())
            }
            Self::Empty => ("empty", "the file is empty; copy or download it again".to_owned()),
            Self::Folder => ("unreadable", "this is a folder, not a file; name the media file in it".to_owned()),
            Self::OverLimit(measure) => ("over-limit", measure.sentence().to_owned()),
            Self::NoStream(kind) => (
                "no-stream",
                format!("the file has no such {} stream; look at its streams and choose another number", kind.name()),
            ),
            Self::UnknownFormat(caps) => (
                "undecodable",
                format!("no decoder is known for the format {caps}; convert the file to MP4 with H.264 and AAC"),
            ),
            Self::DiskFull => return EngineError::out_of_room(),
            Self::Missing { element, package } => return EngineError::Missing { engine: element, package },
            Self::Broken(detail) => return EngineError::Transient { operation, detail, retry_after: None },
        };
        EngineError::Rejected { code, message }
    }
}

impl Measure {
    fn sentence(self) -> &'static str {
        match self {
            Self::Duration => "the file lasts too long; cut it into shorter parts",
            Self::Size => "the file is too large; compress it or cut it into parts",
            Self::Pixels => "its picture is too large; scale it down first",
            Self::Streams => "the file has too many streams; keep only those that are needed",
        }
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Text => "text",
        }
    }
}

#[cfg(test)]
mod tests;
