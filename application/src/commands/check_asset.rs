//! Check an asset: look at it once, before anything decodes it in earnest.
//!
//! In order: a scan for malware where there is a scanner, a look at the streams in a limited child process, whether
//! extension and content agree, bounds, and the loudness of the first sound. It ends ready, or put aside with the
//! reason; then its file is deleted, infected or not: nothing can be made of it. Each verdict is an event, and what was
//! found before a crash is not looked for again. Deliberately absent: when to try again, which is the desk's affair.

mod kinds;
use super::release_file::{ReleaseError, ReleaseFile};
use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::{
        blob_store::{BlobError, BlobStore},
        engine::EngineError,
        event_log::{ReadError, StreamId},
        scanner::{MalwareScanner, ScanError, Verdict},
    },
    stages::{
        assess::{Inspection, Inspector},
        handler::producer,
        ingest::{MediaInfo, MediaProber, SourceLimits},
    },
};
use domain::{
    asset::{
        Asset, AssetCommand, AssetRejection, AssetSound, AssetText, AssetVideo, Phase, Quarantine, ScanVerdict,
        Uploaded, ValidatedAsset, WhyNotScanned, WhyQuarantined,
    },
    value::{AssetId, Producer},
};
use std::{path::Path, sync::Arc};
use thiserror::Error;

const ACTOR: &str = "asset-desk";
/// How often a scanner that gives no verdict is asked again where none is required: for some seconds, as the desk
/// pauses.
const SCANS_AGAIN: u32 = 3;

/// The use case, with what it needs.
#[derive(Clone)]
pub struct CheckAsset {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// Where files are.
    pub blobs: Arc<dyn BlobStore>,
    /// Looks for malware, where it is wanted.
    pub scan: Option<Scan>,
    /// Looks into files.
    pub prober: Arc<dyn MediaProber>,
    /// Measures loudness.
    pub inspector: Arc<dyn Inspector>,
    /// What is refused.
    pub limits: SourceLimits,
    /// Deletes files of what was put aside.
    pub release: ReleaseFile,
}

/// How malware is looked for.
#[derive(Clone)]
pub struct Scan {
    /// Who looks.
    pub scanner: Arc<dyn MalwareScanner>,
    /// Whether nothing is looked at further without a verdict. Otherwise, after a few tries, an event says that it was
    /// not scanned.
    pub is_required: bool,
}

/// How a look ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It can be dubbed.
    Ready,
    /// It was put aside.
    PutAside(WhyQuarantined),
    /// There was nothing to look at any more.
    NotWaiting,
}

/// Why a look came to no end.
#[derive(Debug, Error)]
pub enum CheckError {
    /// An engine failed, or is not here.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The scanner gave no verdict, and one is required.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The event could not be appended.
    #[error(transparent)]
    Command(#[from] CommandError<AssetRejection>),
    /// The file could not be reached.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It was put aside, but its file is still there.
    #[error(transparent)]
    Release(#[from] ReleaseError),
}

impl CheckError {
    /// Whether the file itself may be the reason, so that trying for ever is no use: a child that looked at it was
    /// ended, or crashed.
    pub fn may_be_the_files_fault(&self) -> bool {
        match self {
            Self::Engine(EngineError::Transient { .. }) => true,
            Self::Engine(
                EngineError::Missing { .. } | EngineError::Rejected { .. } | EngineError::Exhausted { .. },
            )
            | Self::Scan(_)
            | Self::Command(_)
            | Self::Blob(_)
            | Self::Read(_)
            | Self::Release(_) => false,
        }
    }
}

impl CheckAsset {
    /// Looks at an asset that waits, which came to no end so many times before. Doing so again goes on with what is left.
    pub async fn run(&self, id: AssetId, failures: u32) -> Result<Checked, CheckError> {
        let asset = self.aggregates.asset(id).await?.state;
        let (uploaded, scanned) = match (&asset.phase, &asset.uploaded) {
            (Phase::Uploaded { scanned }, Some(uploaded)) => (uploaded, *scanned),
            (Phase::Quarantined(_), _) => {
                self.release.run(id).await?;
                return Ok(Checked::NotWaiting);
            }
            (Phase::Absent | Phase::Uploaded { .. } | Phase::Ready(_) | Phase::Erased, _) => {
                return Ok(Checked::NotWaiting);
            }
        };
        let Some(file) = self.blobs.path(&uploaded.media.sha256).await? else {
            return self.put_aside(id, lost()).await;
        };
        if let Some(found) = self.scan(id, &file, scanned, failures).await? {
            return Ok(found);
        }
        match self.look(uploaded, &file).await {
            Ok(found) => {
                let said = self.give(id, "validate", AssetCommand::Validate(Box::new(found))).await?;
                Ok(if said { Checked::Ready } else { Checked::NotWaiting })
            }
            Err(EngineError::Rejected { code, message }) => {
                self.put_aside(id, Quarantine { why: kinds::why(code), code: code.to_owned(), message }).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Puts an asset aside that could not be looked at although it was tried often enough.
    pub async fn give_up(&self, id: AssetId) -> Result<Checked, CheckError> {
        let message =
            "looking into the file failed again and again; convert it to MP4 with H.264 and AAC, then hand it in again";
        let why = WhyQuarantined::NotDubbable;
        self.put_aside(id, Quarantine { why, code: "check-failed".to_owned(), message: message.to_owned() }).await
    }

    /// Looks for malware; `None` when the file may be looked at further.
    async fn scan(
        &self,
        id: AssetId,
        file: &Path,
        scanned: bool,
        failures: u32,
    ) -> Result<Option<Checked>, CheckError> {
        let Some(scan) = self.scan.as_ref().filter(|_| !scanned) else {
            return Ok(None);
        };
        let (scanner, verdict) = match verdict(&*scan.scanner, file).await {
            Ok(found) => found,
            Err(error) => return self.without_verdict(id, scan.is_required, failures, error).await,
        };
        let is_infected = verdict != ScanVerdict::Clean;
        if !self.give(id, "scan", AssetCommand::RecordScan { scanner, verdict }).await? {
            return Ok(Some(Checked::NotWaiting));
        }
        if !is_infected {
            return Ok(None);
        }
        self.release.run(id).await?;
        Ok(Some(Checked::PutAside(WhyQuarantined::Infected)))
    }

    /// What becomes of a file about which the scanner says nothing. Where no verdict is required, a scanner that is
    /// away for a moment is waited for; then the file goes on, and an event says that nobody vouches for it.
    async fn without_verdict(
        &self,
        id: AssetId,
        is_required: bool,
        failures: u32,
        error: ScanError,
    ) -> Result<Option<Checked>, CheckError> {
        let reason = match &error {
            ScanError::TooLarge { .. } => WhyNotScanned::TooLarge,
            ScanError::Unreachable(_) | ScanError::TimedOut { .. } => WhyNotScanned::NoAnswer,
            ScanError::Failed { .. } | ScanError::File(_) => WhyNotScanned::Failed,
        };
        match (is_required, reason) {
            (true, WhyNotScanned::TooLarge) => return self.put_aside(id, unscannable()).await.map(Some),
            (true, WhyNotScanned::NoAnswer | WhyNotScanned::Failed) => return Err(error.into()),
            (false, _) if error.is_transient() && failures < SCANS_AGAIN => return Err(error.into()),
            (false, _) => {}
        }
        tracing::warn!(correlation_id = %id, error = &error as &dyn std::error::Error, "an asset goes on without a scan");
        let step = format!("not-scanned/{reason:?}");
        let goes_on = self.give(id, &step, AssetCommand::RecordNotScanned(reason)).await?;
        Ok(if goes_on { None } else { Some(Checked::NotWaiting) })
    }

    async fn look(&self, uploaded: &Uploaded, file: &Path) -> Result<ValidatedAsset, EngineError> {
        let info = self.prober.probe(file).await?;
        let name = uploaded.name.reveal().map_or("", String::as_str);
        kinds::agree(name, &info.container)
            .map_err(|message| EngineError::Rejected { code: "extension-mismatch", message })?;
        self.limits.check(&info)?;
        let sound = self.inspector.inspect(file).await?;
        Ok(found(info, &sound))
    }

    async fn put_aside(&self, id: AssetId, quarantine: Quarantine) -> Result<Checked, CheckError> {
        let why = quarantine.why;
        if !self.give(id, "put-aside", AssetCommand::Quarantine(quarantine)).await? {
            return Ok(Checked::NotWaiting);
        }
        self.release.run(id).await?;
        Ok(Checked::PutAside(why))
    }

    /// Gives a command; `false` when the asset was erased or looked at by somebody else meanwhile.
    async fn give(&self, id: AssetId, step: &str, command: AssetCommand) -> Result<bool, CheckError> {
        let meta = CommandMeta::derived(ACTOR, &format!("check/{id}/{step}"));
        match self.aggregates.execute::<Asset>(&StreamId::Asset(id), command, &meta).await {
            Ok(_) => Ok(true),
            Err(CommandError::Rejected(
                AssetRejection::Erased | AssetRejection::AlreadyChecked | AssetRejection::Unknown,
            )) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// What the scanner says, and who it is.
async fn verdict(scanner: &dyn MalwareScanner, file: &Path) -> Result<(Producer, ScanVerdict), ScanError> {
    let verdict = match scanner.scan(file).await? {
        Verdict::Clean => ScanVerdict::Clean,
        Verdict::Infected { signature } => ScanVerdict::Infected { signature },
    };
    // Whatever keeps it from naming itself is no fault of the file.
    let named = producer(scanner).await.map_err(|error| ScanError::Unreachable(std::io::Error::other(error)));
    Ok((named?, verdict))
}

fn lost() -> Quarantine {
    let (code, message) = ("file-lost".to_owned(), "the file is not here any more; hand it in again".to_owned());
    Quarantine { why: WhyQuarantined::NotDubbable, code, message }
}

fn unscannable() -> Quarantine {
    let message = "the file is larger than the malware scanner looks at; hand in a smaller one".to_owned();
    Quarantine { why: WhyQuarantined::NotDubbable, code: "not-scannable".to_owned(), message }
}

fn found(info: MediaInfo, sound: &Inspection) -> ValidatedAsset {
    let video = info.video.into_iter();
    let video = video.map(|it| AssetVideo { index: it.index, codec: it.codec, width: it.width, height: it.height });
    let audio = info.audio.into_iter().map(|it| AssetSound {
        index: it.index,
        codec: it.codec,
        channels: it.channels,
        rate_hz: it.rate_hz,
        language: it.language,
    });
    let text = info.subtitles.into_iter();
    ValidatedAsset {
        container: info.container,
        duration_ms: info.duration_ms,
        video: video.collect(),
        audio: audio.collect(),
        subtitles: text.map(|it| AssetText { index: it.index, codec: it.codec, language: it.language }).collect(),
        loudness: sound.loudness,
        true_peak: sound.true_peak,
    }
}
