//! A track's line as clients see it.

use crate::v1::{
    fields::{SpeakerRef, UtteranceRef},
    tracks::view::FlagName,
};
use application::queries::lines::{self, TrackLine};
use domain::{
    dubbing::Dubbing,
    track::Track,
    value::{Percent, Span},
};
use serde::Serialize;
use utoipa::ToSchema;

/// The lines of a track.
#[derive(Serialize, ToSchema)]
#[schema(as = TrackUtteranceList)]
pub(crate) struct LineList {
    /// Revision of the track's stream, which `If-Match` names; 0 before it has begun.
    revision: u64,
    /// In order of time. Lines that are gone from the transcript stand here until the track is regenerated.
    items: Vec<LineDocument>,
}

/// An utterance in one language.
#[derive(Serialize, ToSchema)]
#[schema(as = TrackUtterance)]
pub(crate) struct LineDocument {
    /// The id of the utterance in the transcript.
    id: UtteranceRef,
    /// What is said in the source; null after erasure, or when the line is gone from the transcript.
    source: Option<String>,
    /// Whether the line is gone from the transcript; then it goes from here when the track is regenerated.
    gone: bool,
    /// Who says it.
    speaker: Option<SpeakerRef>,
    /// What is to be said: a person's wording, or else the engine's; null before it is translated, and after erasure.
    translation: Option<String>,
    /// Whether a person worded it. A wording is void once the transcript's line has changed.
    edited: bool,
    /// The engine's name of the voice; null before one is assigned.
    #[schema(example = "es+f2")]
    voice: Option<String>,
    /// Whether a person chose it for this line; otherwise it is the speaker's.
    voice_chosen: bool,
    /// How fast it is spoken, in percent of the voice's own rate; null before it has a place.
    rate: Option<u16>,
    /// Whether a person chose it; otherwise the planner did.
    rate_chosen: bool,
    /// When it is heard, in milliseconds; null before it has a place.
    start_ms: Option<u64>,
    /// When it has been heard.
    end_ms: Option<u64>,
    /// How often something was said about it, in the transcript or here.
    revision: u32,
    /// The revision that can be heard in the published result; null before there is one.
    output_revision: Option<u32>,
    /// Whether the published result was made before the last change.
    stale: bool,
    /// What is wrong with it.
    flags: Vec<FlagName>,
}

impl LineList {
    /// Of a track at this revision.
    pub fn of(dubbing: &Dubbing, track: &Track, revision: u64) -> Self {
        let items = lines::lines(dubbing, track).into_iter().map(LineDocument::from).collect();
        Self { revision, items }
    }
}

impl From<TrackLine<'_>> for LineDocument {
    fn from(line: TrackLine<'_>) -> Self {
        let source = line.source.and_then(|source| source.text.reveal());
        Self {
            id: UtteranceRef(line.utterance),
            source: source.cloned(),
            gone: line.source.is_none(),
            speaker: line.speaker.map(SpeakerRef),
            translation: line.translation.map(str::to_owned),
            edited: line.edited,
            voice: line.voice.map(str::to_owned),
            voice_chosen: line.voice_chosen,
            rate: line.rate.map(Percent::get),
            rate_chosen: line.rate_chosen,
            start_ms: line.span.map(Span::start_ms),
            end_ms: line.span.map(Span::end_ms),
            revision: line.revision,
            output_revision: line.output_revision,
            stale: line.stale,
            flags: line.flags.into_iter().map(FlagName::from).collect(),
        }
    }
}
