//! How the program ends: stable exit codes, one clear sentence.

use application::{
    abilities::Unable,
    aggregates::CommandError,
    commands::{deliver::DeliverError, request_dub::RequestDubError},
    ports::{
        blob_store::BlobError,
        engine::{EngineError, is_out_of_room},
        event_log::{AppendError, ReadError},
        read_store::ReadStoreError,
    },
    stages::handler::StageError,
};
use domain::dubbing::DubbingRejection;
use projections::RunnerError;

/// Stable exit codes, as `--help` documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// An internal error, or the machine is in the way.
    Internal = 1,
    /// Wrong usage.
    Usage = 2,
    /// The input was rejected.
    Rejected = 3,
    /// An engine is missing.
    EngineMissing = 4,
    /// Done, but some lines need attention.
    Attention = 5,
    /// Interrupted, and resumable.
    Interrupted = 130,
}

/// Said where the disk is full.
const OUT_OF_ROOM: &str = "the disk is full; free some space and run the command again";

/// Why the program ends early: a code and one sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The sentence.
    pub message: String,
}

impl Failure {
    /// With this code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// Wrong usage.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The input was rejected.
    pub fn rejected(message: impl Into<String>) -> Self {
        Self::new(Exit::Rejected, message)
    }

    /// An internal error, with all its causes.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        let mut out_of_room = is_full(error);
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            out_of_room |= is_full(error);
            cause = error.source();
        }
        if out_of_room {
            return Self::out_of_room();
        }
        Self::new(Exit::Internal, message)
    }

    /// Stable, kebab-case, for the document of `--json`.
    pub fn code(&self) -> &'static str {
        match self.exit {
            Exit::Internal if self.message.contains("is full; free some space") => "disk-full",
            Exit::Internal => "internal",
            Exit::Usage => "usage",
            Exit::Rejected => "rejected",
            Exit::EngineMissing => "engine-missing",
            Exit::Done | Exit::Attention | Exit::Interrupted => "stopped",
        }
    }

    /// The disk is full.
    pub fn out_of_room() -> Self {
        Self::new(Exit::Internal, OUT_OF_ROOM)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        // The translator says in its own words that no package brings what is asked for.
        if let EngineError::Missing { engine, package } = &error
            && package == "none"
        {
            return Self::new(Exit::EngineMissing, format!("there is no {engine}; choose another language"));
        }
        let exit = match &error {
            EngineError::Missing { .. } => Exit::EngineMissing,
            EngineError::Rejected { .. } => Exit::Rejected,
            EngineError::Exhausted { .. } | EngineError::Transient { .. } => Exit::Internal,
        };
        let advice = match &error {
            EngineError::Missing { package, .. } => format!("; `sudo apt-get install {package}` installs it"),
            EngineError::Rejected { .. } | EngineError::Exhausted { .. } | EngineError::Transient { .. } => {
                String::new()
            }
        };
        Self::new(exit, format!("{error}{advice}"))
    }
}

impl From<Unable> for Failure {
    fn from(unable: Unable) -> Self {
        let said = unable.to_string();
        match unable {
            Unable::SameLanguage(language) => Self::usage(format!(
                "{language} is the language spoken already; leave it out of --to, or say with --from what is spoken"
            )),
            Unable::NoRecogniser(_) => Self::new(Exit::EngineMissing, format!("{said} with --transcript FILE")),
            Unable::NoVoice(_) => {
                Self::new(Exit::EngineMissing, format!("{said}; `dragoman voices` lists what can be spoken"))
            }
            Unable::UnknownVoice(_) | Unable::ForeignVoice { .. } => {
                Self::usage(format!("{said}; `dragoman voices LANG` lists the voices"))
            }
            Unable::NoRoute { engine, package, .. } => EngineError::Missing { engine, package }.into(),
            Unable::Engine(error) => error.into(),
        }
    }
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::OutOfRoom => Self::out_of_room(),
            BlobError::Source(_) => Self::new(Exit::Rejected, with_cause(&error)),
            BlobError::Damaged(_) | BlobError::Io(_) => Self::internal(&error),
        }
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::OutOfRoom => Self::out_of_room(),
            AppendError::WrongRevision { .. }
            | AppendError::CommandIdReused
            | AppendError::Fenced
            | AppendError::Unavailable(_) => Self::internal(&error),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::internal(&error)
    }
}

impl From<StageError> for Failure {
    fn from(error: StageError) -> Self {
        match error {
            StageError::Append(error) => error.into(),
            StageError::Blob(error) => error.into(),
            StageError::Engine(error) => error.into(),
            error => Self::internal(&error),
        }
    }
}

impl From<RequestDubError> for Failure {
    fn from(error: RequestDubError) -> Self {
        match error {
            RequestDubError::Command(CommandError::Append(error)) => error.into(),
            RequestDubError::Command(CommandError::Rejected(DubbingRejection::SameLanguage)) => {
                Self::usage("the target language is the language spoken already; leave it out of --to, or set --from")
            }
            RequestDubError::Blob(error) => error.into(),
            RequestDubError::SourceChanged => Self::rejected(error.to_string()),
            error => Self::internal(&error),
        }
    }
}

impl From<DeliverError> for Failure {
    fn from(error: DeliverError) -> Self {
        match error {
            DeliverError::InTheWay(_) => Self::usage(error.to_string()),
            DeliverError::Blob(error) => error.into(),
            DeliverError::Shelf(error) => Self::new(Exit::Internal, error.to_string()),
            DeliverError::Command(CommandError::Append(error)) => error.into(),
            error => Self::internal(&error),
        }
    }
}

fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(is_out_of_room)
        || matches!(error.downcast_ref(), Some(ReadStoreError::OutOfRoom))
        || error.downcast_ref::<RunnerError>().is_some_and(RunnerError::is_out_of_room)
}

fn with_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
