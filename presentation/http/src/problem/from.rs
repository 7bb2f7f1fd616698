//! Which problem an error of the application is.

use super::{Code, Problem};
use crate::extract::mismatch;
use application::{
    admission::Busy,
    aggregates::CommandError,
    commands::{
        control_dubbing::ControlError, control_queues::QueuesError, erase_asset::EraseError, fork_dubbing::ForkError,
        import_asset::ImportError, release_file::ReleaseError,
    },
    ports::{
        blob_store::BlobError,
        cluster::ClusterError,
        engine::EngineError,
        event_log::{AppendError, ReadError},
        key_vault::KeyVaultError,
        read_store::ReadStoreError,
        request_store::RequestStoreError,
        upload_store::UploadError,
    },
    queries::QueryError,
};
use domain::{
    asset::AssetRejection, dubbing::DubbingRejection, flow::FlowRejection, glossary::GlossaryRejection,
    project::ProjectRejection, queues::QueuesRejection, track::TrackRejection,
};

/// After how many seconds a client may ask again when a part of the server did not answer.
const RETRY_SECONDS: u32 = 5;
/// When to ask again after there was no room for an upload.
pub(crate) const UPLOADS_RETRY_SECONDS: u32 = 30;

/// A rejection of the domain, as far as clients are concerned.
pub trait Refusal: std::error::Error + Send + Sync + 'static {
    /// The code it is known by. Its own words become the detail.
    fn code(&self) -> Code;
}

impl Refusal for DubbingRejection {
    fn code(&self) -> Code {
        match self {
            DubbingRejection::NotStarted | DubbingRejection::UnknownTrack | DubbingRejection::UnknownUtterance => {
                Code::NotFound
            }
            DubbingRejection::SameLanguage
            | DubbingRejection::EndsBeforeItBegins
            | DubbingRejection::OverlapsNeighbour
            | DubbingRejection::PastTheEnd
            | DubbingRejection::NothingToSplit
            | DubbingRejection::NotNeighbours
            | DubbingRejection::TooLong
            | DubbingRejection::UnknownSpeaker => Code::InvalidRequest,
            DubbingRejection::AlreadyStarted
            | DubbingRejection::Ended
            | DubbingRejection::NotTranscribed
            | DubbingRejection::ForeignFact
            | DubbingRejection::Unfinished => Code::NotPossible,
            DubbingRejection::Flow(rejection) => rejection.code(),
        }
    }
}

impl Refusal for TrackRejection {
    fn code(&self) -> Code {
        match self {
            TrackRejection::NotStarted | TrackRejection::UnknownUtterance => Code::NotFound,
            TrackRejection::AlreadyStarted
            | TrackRejection::ForeignFact
            | TrackRejection::NotPublished
            | TrackRejection::Ended => Code::NotPossible,
            TrackRejection::Flow(rejection) => rejection.code(),
        }
    }
}

impl Refusal for AssetRejection {
    fn code(&self) -> Code {
        match self {
            AssetRejection::Unknown | AssetRejection::Erased => Code::NotFound,
            AssetRejection::AlreadyRegistered | AssetRejection::AlreadyChecked => Code::NotPossible,
        }
    }
}

impl Refusal for ProjectRejection {
    fn code(&self) -> Code {
        match self {
            ProjectRejection::Unknown => Code::NotFound,
            ProjectRejection::AlreadyCreated => Code::NotPossible,
        }
    }
}

impl Refusal for GlossaryRejection {
    fn code(&self) -> Code {
        match self {
            GlossaryRejection::Unknown => Code::NotFound,
            GlossaryRejection::AlreadyCreated => Code::NotPossible,
        }
    }
}

impl Refusal for FlowRejection {
    fn code(&self) -> Code {
        match self {
            FlowRejection::Superseded | FlowRejection::NotOwed => Code::NotPossible,
            FlowRejection::NotParked(_) => Code::NotParked,
            FlowRejection::Needed(_) => Code::StageNeeded,
        }
    }
}

impl<R: Refusal> From<CommandError<R>> for Problem {
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::Rejected(rejection) => Problem::new(rejection.code()).detail(rejection.to_string()),
            CommandError::NotFound => Problem::new(Code::NotFound),
            CommandError::Stale { actual } => mismatch(actual),
            CommandError::Conflict => Problem::new(Code::Conflict),
            CommandError::Append(error) => error.into(),
            CommandError::Read(error) => error.into(),
        }
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::WrongRevision { .. } | AppendError::Fenced => Problem::new(Code::Conflict),
            AppendError::CommandIdReused => Problem::new(Code::KeyReused),
            AppendError::OutOfRoom => Problem::new(Code::OutOfRoom).caused_by(error),
            AppendError::Unavailable(_) => unavailable(error),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Undecodable { .. } => Problem::internal(error),
            ReadError::Unavailable(_) => unavailable(error),
        }
    }
}

impl From<ReadStoreError> for Problem {
    fn from(error: ReadStoreError) -> Self {
        match error {
            ReadStoreError::OutOfRoom => Problem::new(Code::OutOfRoom).caused_by(error),
            ReadStoreError::CheckpointMoved { .. } | ReadStoreError::Unavailable(_) => unavailable(error),
        }
    }
}

impl From<ClusterError> for Problem {
    fn from(error: ClusterError) -> Self {
        unavailable(error)
    }
}

impl From<RequestStoreError> for Problem {
    fn from(error: RequestStoreError) -> Self {
        match error {
            RequestStoreError::OutOfRoom => Problem::new(Code::OutOfRoom).caused_by(error),
            RequestStoreError::Unavailable(_) => unavailable(error),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotFound => Problem::new(Code::NotFound),
            QueryError::Read(error) => error.into(),
        }
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::OutOfRoom => Problem::new(Code::OutOfRoom).caused_by(error),
            BlobError::Damaged(_) | BlobError::Source(_) => Problem::internal(error),
            BlobError::Io(_) => unavailable(error),
        }
    }
}

impl From<KeyVaultError> for Problem {
    fn from(error: KeyVaultError) -> Self {
        match error {
            KeyVaultError::Io(_) => unavailable(error),
            KeyVaultError::Damaged(_) => Problem::internal(error),
        }
    }
}

impl From<Busy> for Problem {
    fn from(busy: Busy) -> Self {
        let seconds = busy.retry_after.as_secs().max(1);
        Problem::new(Code::Overloaded).retry_after(u32::try_from(seconds).unwrap_or(u32::MAX))
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::UnknownDubbing | ControlError::UnknownTrack => Problem::new(Code::NotFound),
            ControlError::UnknownStage => Problem::new(Code::NotFound).detail(error.to_string()),
            ControlError::AlreadyEnded => Problem::new(Code::AlreadyEnded),
            ControlError::NotPaused => Problem::new(Code::NotPaused),
            ControlError::NothingParked => Problem::new(Code::NothingToRetry),
            ControlError::Dubbing(error) => error.into(),
            ControlError::Track(error) => error.into(),
            ControlError::Read(error) => error.into(),
        }
    }
}

impl From<QueuesError> for Problem {
    fn from(error: QueuesError) -> Self {
        match error {
            QueuesError::Read(error) => error.into(),
            QueuesError::Queue(error) => unavailable(error),
        }
    }
}

impl Refusal for QueuesRejection {
    fn code(&self) -> Code {
        match *self {}
    }
}

impl From<ForkError> for Problem {
    fn from(error: ForkError) -> Self {
        match error {
            ForkError::NoSuchDubbing => Problem::new(Code::NotFound),
            ForkError::NotThereYet(_) => Problem::new(Code::StageNotReached).detail(error.to_string()),
            ForkError::GivenBack(_) | ForkError::SourceGone | ForkError::NothingToMake => {
                Problem::new(Code::NotPossible).detail(error.to_string())
            }
            ForkError::Command(error) => error.into(),
            ForkError::Read(error) => error.into(),
            ForkError::Blob(error) => error.into(),
        }
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::NotFound => Problem::new(Code::NotFound),
            UploadError::AlreadyExists => Problem::new(Code::Conflict),
            UploadError::Locked => Problem::new(Code::UploadLocked).retry_after(1),
            UploadError::OffsetMismatch { actual } => Problem::new(Code::OffsetMismatch).extension("offset", actual),
            UploadError::BeyondLength { length } => Problem::new(Code::BodyTooLarge)
                .detail("More bytes came than the upload was announced to have.")
                .extension("limit_bytes", length),
            UploadError::TooMany { .. } => Problem::new(Code::Overloaded)
                .detail("Too many uploads are unfinished.")
                .retry_after(UPLOADS_RETRY_SECONDS),
            UploadError::TooLarge { limit } => Problem::new(Code::BodyTooLarge).extension("limit_bytes", limit),
            UploadError::Finished | UploadError::Incomplete { .. } => {
                Problem::new(Code::NotPossible).detail(error.to_string())
            }
            UploadError::DigestMismatch => Problem::new(Code::DigestMismatch),
            UploadError::OutOfRoom => Problem::new(Code::OutOfRoom).caused_by(error),
            UploadError::Io(_) => unavailable(error),
        }
    }
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Upload(error) => error.into(),
            ImportError::Command(error) => error.into(),
            ImportError::Read(error) => error.into(),
        }
    }
}

impl From<ReleaseError> for Problem {
    fn from(error: ReleaseError) -> Self {
        match error {
            ReleaseError::Behind => unavailable(error),
            ReleaseError::Read(error) => error.into(),
            ReleaseError::Index(error) => error.into(),
            ReleaseError::Blob(error) => error.into(),
        }
    }
}

impl From<EraseError> for Problem {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::InUse => Problem::new(Code::AssetInUse),
            EraseError::Command(error) => error.into(),
            EraseError::Read(error) => error.into(),
            EraseError::Index(error) => error.into(),
            EraseError::Key(error) => error.into(),
            EraseError::Upload(error) => error.into(),
            EraseError::Release(error) => error.into(),
        }
    }
}

/// An engine that could not be asked: one that is not installed will not be there soon.
pub(crate) fn unasked(error: EngineError) -> Problem {
    match error {
        EngineError::Missing { .. } => Problem::new(Code::EngineMissing).detail(error.to_string()),
        EngineError::Transient { .. } | EngineError::Exhausted { .. } | EngineError::Rejected { .. } => {
            unavailable(error)
        }
    }
}

fn unavailable(cause: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::new(Code::Unavailable).retry_after(RETRY_SECONDS).caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_application_keep_their_meaning() {
        let check = |problem: Problem, code: Code| assert_eq!(problem.code(), code);
        check(CommandError::Rejected(DubbingRejection::NotStarted).into(), Code::NotFound);
        check(CommandError::Rejected(TrackRejection::Ended).into(), Code::NotPossible);
        check(CommandError::<DubbingRejection>::Stale { actual: 3 }.into(), Code::RevisionMismatch);
        check(CommandError::<DubbingRejection>::NotFound.into(), Code::NotFound);
        check(CommandError::<DubbingRejection>::Conflict.into(), Code::Conflict);
        check(ControlError::UnknownDubbing.into(), Code::NotFound);
        check(ControlError::NotPaused.into(), Code::NotPaused);
        check(ControlError::Dubbing(CommandError::Stale { actual: 3 }).into(), Code::RevisionMismatch);
        check(ForkError::NotThereYet(domain::flow::Stage::Mix).into(), Code::StageNotReached);
        check(Busy { retry_after: std::time::Duration::ZERO }.into(), Code::Overloaded);
        check(KeyVaultError::Damaged("short".into()).into(), Code::Internal);
        check(AppendError::WrongRevision { expected: 1, actual: 2 }.into(), Code::Conflict);
        check(AppendError::CommandIdReused.into(), Code::KeyReused);
        check(AppendError::OutOfRoom.into(), Code::OutOfRoom);
        check(ReadError::Unavailable("locked".into()).into(), Code::Unavailable);
        check(ReadStoreError::OutOfRoom.into(), Code::OutOfRoom);
        check(RequestStoreError::Unavailable("locked".into()).into(), Code::Unavailable);
        check(BlobError::Io(std::io::ErrorKind::Other.into()).into(), Code::Unavailable);
    }

    #[test]
    fn a_cause_is_kept_for_the_log_with_what_lies_beneath() {
        let problem = Problem::from(ReadError::Unavailable("locked".into()));
        assert_eq!(problem.cause().as_deref(), Some("the event log could not be read: locked"));
        assert_eq!(Problem::from(AppendError::CommandIdReused).cause(), None);
    }
}
