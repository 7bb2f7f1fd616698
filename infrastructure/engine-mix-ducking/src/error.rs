//! How a mix fails. Carries no names or paths.

use application::ports::engine::EngineError;
use thiserror::Error;

/// Why there is no mix.
#[derive(Debug, Error)]
pub(crate) enum MixError {
    #[error("reading failed")]
    Read(#[source] hound::Error),
    #[error("writing failed")]
    Write(#[source] hound::Error),
    #[error("a sound to mix is not 16 bit WAV of 48 kHz with the channels it should have")]
    Format,
    #[error("a line ends after the end of the sound")]
    TooShort,
    #[error("loudness could not be measured")]
    Measure(#[from] ebur128::Error),
    #[error("the mix was given up")]
    Abandoned,
}

impl From<MixError> for EngineError {
    fn from(error: MixError) -> Self {
        let rejected = |code, error: MixError| Self::Rejected { code, message: error.to_string() };
        match error {
            MixError::Read(hound::Error::IoError(io)) => Self::from_io("read the sounds to mix", &io),
            MixError::Write(hound::Error::IoError(io)) => Self::from_io("write the mix", &io),
            MixError::Write(hound::Error::TooWide | hound::Error::UnfinishedSample) | MixError::Format => {
                rejected("mix-format", MixError::Format)
            }
            MixError::TooShort => rejected("mix-too-short", error),
            MixError::Read(_) => rejected("mix-format", MixError::Format),
            MixError::Write(_) | MixError::Measure(_) | MixError::Abandoned => {
                Self::Transient { operation: "mix", detail: error.to_string(), retry_after: None }
            }
        }
    }
}
