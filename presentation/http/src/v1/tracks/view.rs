//! A track as clients see it.

use crate::{
    api::Api,
    v1::dubbings::view::{StageState, TrackState, track_state},
};
use application::{
    aggregates::Loaded,
    ports::event_log::Tenant,
    queries::tracks::{self, LineCounts, WaitsFor},
};
use domain::{
    dubbing::Dubbing,
    flow::{Scope, Stage, rows},
    track::{Flag, Track},
    value::{Timestamp, TrackId},
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How long links hold at least, in milliseconds: one hour.
const LINKS_HOLD_MS: u64 = 3_600_000;
/// Links end at whole multiples of this, in milliseconds, so that an answer can be kept for a while.
const LINKS_STEP_MS: u64 = 300_000;

/// One target language of a dubbing.
///
/// While lines are made anew, `state` is `processing`, and the result of before can still be fetched.
#[derive(Serialize, ToSchema)]
#[schema(as = Track)]
pub(crate) struct TrackDocument {
    /// The language, as a BCP 47 tag.
    #[schema(example = "es")]
    language: String,
    /// Where it stands.
    state: TrackState,
    /// Whether there is a result to fetch.
    has_result: bool,
    /// What somebody has to ask of the dubbing so that it goes on; null when it goes on by itself, or has ended.
    waits_for: Option<WaitsForVerb>,
    /// Revision of the track's stream, which `If-Match` names; 0 before it has begun.
    revision: u64,
    /// How often its lines were made anew because they had changed.
    regenerations: u32,
    /// Numbers of lines.
    lines: Lines,
    /// How many lines have each flag.
    flags: BTreeMap<FlagName, usize>,
    /// Measures of the finished file; null before there is one.
    loudness: Option<Loudness>,
    /// Its stages in order.
    stages: Vec<StageDocument>,
    /// Where the files of the result can be fetched without a token; null when there is none.
    links: Option<Links>,
}

/// What has to be asked of the dubbing: `resume` it, since a user paused it, or `retry`, since a stage is out of
/// attempts.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WaitsForVerb {
    Resume,
    Retry,
}

/// Numbers of lines.
#[derive(Serialize, ToSchema)]
#[schema(as = TrackLines)]
struct Lines {
    /// All.
    total: usize,
    /// With a translation.
    translated: usize,
    /// Spoken.
    synthesised: usize,
    /// With a place in the track.
    fitted: usize,
    /// With a flag.
    flagged: usize,
    /// That a person should look at.
    to_attend: usize,
    /// Changed, added or gone since the result was made.
    stale: usize,
}

/// What can be wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Flag)]
pub(crate) enum FlagName {
    /// A word stayed untranslated.
    UnknownWord,
    /// A term of the glossary is missing in the translation.
    MissingTerm,
    /// It could not be translated.
    NotTranslated,
    /// It could not be spoken.
    NotSpoken,
    /// Spoken faster than sounds at ease.
    Hurried,
    /// Longer than its room, though spoken as fast as it gets.
    Overlong,
    /// It starts later than may be, or makes others do so.
    NeedsAttention,
    /// It starts late, within what may be.
    Late,
    /// Its sound outlasts the picture.
    OutlastsPicture,
    /// The recogniser was unsure of it.
    LowConfidence,
}

/// Measures of the finished file.
#[derive(Serialize, ToSchema)]
struct Loudness {
    /// Programme loudness in LUFS; null for silence.
    lufs: Option<f64>,
    /// True peak in dBTP; null for silence.
    true_peak_dbtp: Option<f64>,
    /// Whether the loudness is the source's, within 1 LU.
    reached: bool,
}

/// A stage of a track.
#[derive(Serialize, ToSchema)]
#[schema(as = TrackStage)]
struct StageDocument {
    /// Its name.
    #[schema(example = "translate")]
    stage: &'static str,
    /// How it stands.
    state: StageState,
}

/// Paths that need no token until a moment. Each opens its file only, to read, and no other.
#[derive(Serialize, ToSchema)]
#[schema(as = FileLinks)]
pub(crate) struct Links {
    /// When they end.
    #[schema(format = DateTime)]
    expires_at: String,
    /// The finished file with its provenance: MP4, or M4A of a source without a picture.
    video: String,
    /// The mixed sound: WAV.
    audio: String,
    /// Subtitles as SubRip.
    subtitles_srt: String,
    /// Subtitles as WebVTT.
    subtitles_vtt: String,
    /// Subtitles as Advanced SubStation Alpha.
    subtitles_ass: String,
    /// The quality report: JSON.
    report: String,
    /// What the file's provenance says, and how to check it: JSON.
    provenance: String,
}

impl Links {
    /// Links to the files of a track, until a moment.
    pub fn until(api: &Api, tenant: &Tenant, id: &TrackId, expires_at: Timestamp) -> Self {
        let link = |file: &str| api.signer.sign(tenant, &format!("{}/{file}", super::path_of(id)), expires_at);
        Self {
            expires_at: expires_at.to_string(),
            video: link("video"),
            audio: link("audio"),
            subtitles_srt: link("subtitles.srt"),
            subtitles_vtt: link("subtitles.vtt"),
            subtitles_ass: link("subtitles.ass"),
            report: link("report"),
            provenance: link("provenance"),
        }
    }

    /// When links that are made now end: in an hour, or up to five minutes more.
    pub fn end(api: &Api) -> Timestamp {
        let earliest_ms = api.clock.now().unix_ms() + LINKS_HOLD_MS;
        Timestamp::from_unix_ms(earliest_ms.next_multiple_of(LINKS_STEP_MS))
    }
}

impl TrackDocument {
    /// A track; `None` when the language was never asked for.
    pub fn of(api: &Api, tenant: &Tenant, id: &TrackId, dubbing: &Dubbing, loaded: &Loaded<Track>) -> Option<Self> {
        let (track, asked) = (&*loaded.state, dubbing.tracks.get(&id.language)?);
        let is_shown = track.published.is_some();
        Some(Self {
            language: id.language.to_string(),
            state: track_state(dubbing, &id.language, Some(track)),
            has_result: is_shown,
            waits_for: tracks::waits_for(dubbing, track, asked).map(WaitsForVerb::from),
            revision: loaded.revision,
            regenerations: track.regenerations,
            lines: tracks::count(dubbing, track).into(),
            flags: flags(track),
            loudness: loudness(track),
            stages: stages(track),
            links: is_shown.then(|| Links::until(api, tenant, id, Links::end(api))),
        })
    }
}

fn flags(track: &Track) -> BTreeMap<FlagName, usize> {
    let mut flags = BTreeMap::new();
    for line in track.lines.values() {
        let mut of_line: Vec<FlagName> = line.flags.iter().map(|(_, flag)| FlagName::from(*flag)).collect();
        of_line.sort_unstable();
        of_line.dedup();
        of_line.into_iter().for_each(|flag| *flags.entry(flag).or_insert(0) += 1);
    }
    flags
}

fn loudness(track: &Track) -> Option<Loudness> {
    let (assessed, mixed) = (track.assessed.as_ref()?, track.mixed.as_ref()?);
    let audible = |level: domain::value::Decibel| (!level.is_silence()).then(|| level.db());
    Some(Loudness {
        lufs: audible(assessed.loudness),
        true_peak_dbtp: audible(assessed.true_peak),
        reached: mixed.loudness_reached,
    })
}

fn stages(track: &Track) -> Vec<StageDocument> {
    let stage = |stage: Stage| StageDocument { stage: stage.name(), state: track.flow.phase(stage).into() };
    rows(Scope::Track).map(|row| stage(row.stage)).collect()
}

impl From<WaitsFor> for WaitsForVerb {
    fn from(waits_for: WaitsFor) -> Self {
        match waits_for {
            WaitsFor::Resume => WaitsForVerb::Resume,
            WaitsFor::Retry => WaitsForVerb::Retry,
        }
    }
}

impl From<LineCounts> for Lines {
    fn from(counts: LineCounts) -> Self {
        let LineCounts { total, translated, synthesised, fitted, flagged, to_attend, stale } = counts;
        Self { total, translated, synthesised, fitted, flagged, to_attend, stale }
    }
}

impl From<Flag> for FlagName {
    fn from(flag: Flag) -> Self {
        match flag {
            Flag::UnknownWord => FlagName::UnknownWord,
            Flag::MissingTerm => FlagName::MissingTerm,
            Flag::NotTranslated => FlagName::NotTranslated,
            Flag::NotSpoken => FlagName::NotSpoken,
            Flag::Hurried => FlagName::Hurried,
            Flag::Overlong => FlagName::Overlong,
            Flag::NeedsAttention => FlagName::NeedsAttention,
            Flag::Late => FlagName::Late,
            Flag::OutlastsPicture => FlagName::OutlastsPicture,
            Flag::LowConfidence => FlagName::LowConfidence,
        }
    }
}
