//! How an asset looks to clients.

use crate::{
    api::Api,
    extract::Caller,
    problem::{Code, Problem},
};
use application::ports::event_log::{DomainEvent, Recorded, StreamId};
use domain::{
    asset::{Asset, AssetEvent, Phase, Quarantine, ScanVerdict, ValidatedAsset, WhyNotScanned, WhyQuarantined},
    value::{AssetId, Timestamp},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Events of one asset: it is handed in, scanned, looked at, erased.
const EVENTS_MAX: usize = 16;

/// A source that was handed in
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Asset)]
pub(crate) struct AssetDocument {
    /// Its id.
    id: Uuid,
    /// `uploaded`: it waits to be looked at. `ready`: it can be dubbed. `quarantined`: it cannot.
    state: AssetState,
    /// Its name, as whoever handed it in calls it.
    #[schema(nullable, max_length = 255)]
    name: Option<String>,
    /// Its media type, as whoever handed it in says.
    #[schema(example = "video/mp4")]
    media_type: String,
    /// Its size in bytes.
    bytes: u64,
    /// SHA-256 of its content, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// Whether a scanner looked for malware in it.
    scanned: bool,
    /// What came of looking for malware; absent where none is looked for, and until that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    scan: Option<ScanDocument>,
    /// When it was complete.
    #[schema(format = DateTime)]
    uploaded_at: String,
    /// When it was found to be dubbable, or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    checked_at: Option<String>,
    /// What is in it, once it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<MediaDocument>,
    /// What is wrong with it, when it was put aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantine: Option<QuarantineDocument>,
}

/// What came of looking for malware
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ScanDocument {
    /// What the scanner says, or that it says nothing.
    verdict: ScanSaid,
    /// Why it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<NotScanned>,
}

/// What a scanner says
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ScanSaid {
    /// It found nothing.
    Clean,
    /// It found malware.
    Infected,
    /// It gave no verdict, and the file was looked at without one.
    NotScanned,
}

/// Why a scanner gave no verdict
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NotScanned {
    /// The file is larger than it looks at.
    TooLarge,
    /// It did not answer.
    NoAnswer,
    /// It answered something else than a verdict.
    Failed,
}

/// Where an asset stands
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AssetState {
    /// It waits to be looked at.
    Uploaded,
    /// It can be dubbed.
    Ready,
    /// It cannot be dubbed; its file was deleted.
    Quarantined,
}

/// What is in a source
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct MediaDocument {
    /// The container, by the name that GStreamer gives it.
    #[schema(example = "video/quicktime")]
    container: String,
    /// Length in milliseconds.
    duration_ms: u64,
    /// Moving pictures.
    video: Vec<VideoDocument>,
    /// Sounds; at least one.
    audio: Vec<SoundDocument>,
    /// Subtitle tracks.
    subtitles: Vec<TextDocument>,
    /// Programme loudness of the first sound in LUFS (EBU R 128).
    #[schema(example = -23.0)]
    loudness_lufs: f64,
    /// Its true peak in dBTP.
    #[schema(example = -1.0)]
    true_peak_dbtp: f64,
}

/// A moving picture
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct VideoDocument {
    /// Its number among the pictures, from 0.
    index: u32,
    /// Its coding.
    #[schema(example = "video/x-h264")]
    codec: String,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
}

/// A sound
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SoundDocument {
    /// Its number among the sounds, from 0: what a dubbing's `audio_stream` names.
    index: u32,
    /// Its coding.
    #[schema(example = "audio/mpeg")]
    codec: String,
    /// Channels.
    channels: u32,
    /// Samples per second.
    rate_hz: u32,
    /// Its language (BCP 47), as the file says.
    #[schema(nullable)]
    language: Option<String>,
}

/// A subtitle track
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TextDocument {
    /// Its number among the subtitle tracks, from 0.
    index: u32,
    /// Its coding.
    codec: String,
    /// Its language (BCP 47), as the file says.
    #[schema(nullable)]
    language: Option<String>,
}

/// What is wrong with a source
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct QuarantineDocument {
    /// In kind.
    why: Why,
    /// Stable code: `not-media`, `extension-mismatch`, `no-audio`, `infected` and others.
    #[schema(example = "no-audio")]
    code: String,
    /// One sentence that says what to do.
    message: String,
}

/// What is wrong with a source, in kind
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Why {
    /// It is not of a kind that can be dubbed at all, or not what its name says.
    Unsupported,
    /// It is of the right kind, but cannot be dubbed as it is.
    NotDubbable,
    /// It is dangerous.
    Infected,
}

/// An asset as its events tell it: state, times and revision of one moment.
pub(crate) struct AssetView {
    pub document: AssetDocument,
    pub revision: u64,
    /// Where the log holds its last event.
    pub position: u64,
    /// Why it is not usable, if it is not.
    pub quarantine: Option<Quarantine>,
}

/// Where an asset is found.
pub(crate) fn location(id: AssetId) -> String {
    format!("/v1/assets/{id}")
}

impl AssetView {
    /// An asset of the caller's; 404 when there is none, or it was erased.
    pub async fn require(api: &Api, caller: &Caller, id: AssetId) -> Result<Self, Problem> {
        let events = api.log.read_stream(&StreamId::Asset(id), 1, EVENTS_MAX).await?;
        let ours = events.first().is_some_and(|first| first.tenant == *caller.tenant());
        let view = if ours { Self::fold(id, &events) } else { None };
        view.ok_or_else(|| Problem::new(Code::NotFound))
    }

    /// The problem that it is to ask for something that was put aside.
    pub fn refusal(&self) -> Option<Problem> {
        let quarantine = self.quarantine.as_ref()?;
        let code = match quarantine.why {
            WhyQuarantined::Unsupported => Code::AssetUnsupported,
            WhyQuarantined::NotDubbable => Code::AssetNotDubbable,
            WhyQuarantined::Infected => Code::AssetInfected,
        };
        let asset = serde_json::to_value(&self.document).unwrap_or_default();
        let problem = Problem::new(code).detail(quarantine.message.clone());
        Some(problem.extension("reason", quarantine.code.clone()).extension("asset", asset))
    }

    fn fold(id: AssetId, events: &[Recorded]) -> Option<Self> {
        let (mut asset, mut scan) = (Asset::default(), None);
        let (mut uploaded_at, mut checked_at) = (None, None);
        for recorded in events {
            let DomainEvent::Asset(event) = &recorded.event else { continue };
            asset.evolve(event);
            match event {
                AssetEvent::AssetUploaded { .. } => uploaded_at = Some(recorded.recorded_at),
                AssetEvent::AssetScanned { verdict, .. } => scan = Some(said(verdict)),
                AssetEvent::AssetNotScanned { reason } => scan = Some(unsaid(*reason)),
                AssetEvent::AssetValidated(_) | AssetEvent::AssetQuarantined(_) => {
                    checked_at = Some(recorded.recorded_at);
                }
                AssetEvent::AssetErased => {}
            }
        }
        let last = events.last()?;
        let times = (uploaded_at?, checked_at);
        let document = document(id, &asset, scan, times)?;
        let quarantine = match asset.phase {
            Phase::Quarantined(quarantine) => Some(quarantine),
            Phase::Absent | Phase::Uploaded { .. } | Phase::Ready(_) | Phase::Erased => None,
        };
        Some(Self { document, revision: last.revision, position: last.position, quarantine })
    }
}

fn document(
    id: AssetId,
    asset: &Asset,
    scan: Option<ScanDocument>,
    (uploaded_at, checked_at): (Timestamp, Option<Timestamp>),
) -> Option<AssetDocument> {
    let uploaded = asset.uploaded.as_ref()?;
    let (state, media, quarantine) = match &asset.phase {
        Phase::Absent | Phase::Erased => return None,
        Phase::Uploaded { .. } => (AssetState::Uploaded, None, None),
        Phase::Ready(found) => (AssetState::Ready, Some(media(found)), None),
        Phase::Quarantined(why) => (AssetState::Quarantined, None, Some(quarantine(why))),
    };
    Some(AssetDocument {
        id: id.0,
        state,
        name: uploaded.name.reveal().filter(|name| !name.is_empty()).cloned(),
        media_type: uploaded.media.media_type.clone(),
        bytes: uploaded.media.bytes,
        sha256: uploaded.media.sha256.to_string(),
        scanned: scan.as_ref().is_some_and(|scan| scan.verdict != ScanSaid::NotScanned),
        scan,
        uploaded_at: uploaded_at.to_string(),
        checked_at: checked_at.map(|at| at.to_string()),
        media,
        quarantine,
    })
}

fn said(verdict: &ScanVerdict) -> ScanDocument {
    let verdict = match verdict {
        ScanVerdict::Clean => ScanSaid::Clean,
        ScanVerdict::Infected { .. } => ScanSaid::Infected,
    };
    ScanDocument { verdict, reason: None }
}

fn unsaid(reason: WhyNotScanned) -> ScanDocument {
    let reason = match reason {
        WhyNotScanned::TooLarge => NotScanned::TooLarge,
        WhyNotScanned::NoAnswer => NotScanned::NoAnswer,
        WhyNotScanned::Failed => NotScanned::Failed,
    };
    ScanDocument { verdict: ScanSaid::NotScanned, reason: Some(reason) }
}

fn media(found: &ValidatedAsset) -> MediaDocument {
    let language = |tag: &Option<domain::value::LanguageTag>| tag.as_ref().map(|tag| tag.as_str().to_owned());
    let video = found.video.iter().map(|it| VideoDocument {
        index: it.index,
        codec: it.codec.clone(),
        width: it.width,
        height: it.height,
    });
    let audio = found.audio.iter().map(|it| SoundDocument {
        index: it.index,
        codec: it.codec.clone(),
        channels: it.channels,
        rate_hz: it.rate_hz,
        language: language(&it.language),
    });
    let text = found.subtitles.iter();
    let text =
        text.map(|it| TextDocument { index: it.index, codec: it.codec.clone(), language: language(&it.language) });
    MediaDocument {
        container: found.container.clone(),
        duration_ms: found.duration_ms,
        video: video.collect(),
        audio: audio.collect(),
        subtitles: text.collect(),
        loudness_lufs: found.loudness.db(),
        true_peak_dbtp: found.true_peak.db(),
    }
}

fn quarantine(found: &Quarantine) -> QuarantineDocument {
    let why = match found.why {
        WhyQuarantined::Unsupported => Why::Unsupported,
        WhyQuarantined::NotDubbable => Why::NotDubbable,
        WhyQuarantined::Infected => Why::Infected,
    };
    QuarantineDocument { why, code: found.code.clone(), message: found.message.clone() }
}
