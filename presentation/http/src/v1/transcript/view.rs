//! The transcript as clients see it.

use crate::v1::{
    fields::{SpeakerRef, UtteranceRef},
    tracks::view::FlagName,
};
use application::{queries::transcript, stages::translate::CONFIDENCE_MIN};
use domain::{
    dubbing::{Dubbing, TranscribedUtterance},
    flow::Stage,
    track::Track,
    value::{Percent, UtteranceId},
};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What is said in the source.
#[derive(Serialize, ToSchema)]
#[schema(as = Transcript)]
pub(crate) struct TranscriptDocument {
    /// Whether it is complete; before, it holds what is known so far and cannot be corrected.
    ready: bool,
    /// The language spoken, as a BCP 47 tag.
    #[schema(example = "en")]
    language: Option<String>,
    /// Revision of the dubbing's stream, which `If-Match` names.
    revision: u64,
    /// Who speaks.
    speakers: Vec<SpeakerDocument>,
    /// What is said, in order of time.
    utterances: Vec<UtteranceDocument>,
}

/// Who speaks.
#[derive(Serialize, ToSchema)]
#[schema(as = Speaker)]
pub(crate) struct SpeakerDocument {
    /// Stable within the dubbing.
    id: SpeakerRef,
    /// The name in the transcript; null when it has none, or was erased.
    name: Option<String>,
}

/// A stretch of speech of one speaker.
#[derive(Serialize, ToSchema)]
#[schema(as = Utterance)]
pub(crate) struct UtteranceDocument {
    /// Stable within the dubbing.
    pub id: UtteranceRef,
    /// What is said; null after erasure.
    pub text: Option<String>,
    /// When it begins, in milliseconds of the source.
    pub start_ms: u64,
    /// When it has ended.
    pub end_ms: u64,
    /// Who speaks; null when that is not known.
    pub speaker: Option<SpeakerDocument>,
    /// How sure the recogniser was of its words, in percent; null for given and corrected words.
    #[schema(minimum = 0, maximum = 100)]
    pub confidence: Option<u16>,
    /// How often it was said to be different; 1 as it was first understood.
    pub revision: u32,
    /// The revision that can be heard in every published track: the lowest of theirs; null before there is one, and
    /// while one of them lacks the utterance.
    pub output_revision: Option<u32>,
    /// Whether some published track was made before the last change.
    pub stale: bool,
    /// What is wrong with it.
    pub flags: Vec<FlagName>,
}

impl TranscriptDocument {
    /// Of a dubbing at this revision, with those of its tracks that have a result.
    pub fn of(dubbing: &Dubbing, published: &[Arc<Track>], revision: u64) -> Self {
        let utterances = dubbing.source_lines().into_iter();
        let speakers = dubbing.speakers.iter();
        Self {
            ready: dubbing.flow.is_done(Stage::Transcribe),
            language: dubbing.request.as_ref().map(|request| request.source_language.to_string()),
            revision,
            speakers: speakers.map(|(id, speaker)| SpeakerDocument::new(*id, speaker)).collect(),
            utterances: utterances
                .filter_map(|line| UtteranceDocument::of(dubbing, published, line.utterance))
                .collect(),
        }
    }
}

impl SpeakerDocument {
    fn new(id: domain::value::SpeakerId, speaker: &domain::dubbing::Speaker) -> Self {
        let name = speaker.name.as_ref().and_then(|name| name.reveal());
        Self { id: SpeakerRef(id), name: name.cloned() }
    }

    /// Who says it.
    pub fn of(dubbing: &Dubbing, utterance: UtteranceId) -> Option<Self> {
        let id = dubbing.speaker_of(utterance)?;
        dubbing.speakers.get(&id).map(|speaker| Self::new(id, speaker))
    }
}

impl UtteranceDocument {
    /// One utterance; `None` when the transcript has no such.
    pub fn of(dubbing: &Dubbing, published: &[Arc<Track>], id: UtteranceId) -> Option<Self> {
        let heard = transcript::heard(dubbing, published, id);
        let line = dubbing.utterances.get(&id)?;
        Some(Self {
            id: UtteranceRef(id),
            text: line.text.reveal().cloned(),
            start_ms: line.span.start_ms(),
            end_ms: line.span.end_ms(),
            speaker: SpeakerDocument::of(dubbing, id),
            confidence: line.confidence.map(Percent::get),
            revision: dubbing.revisions.get(&id).copied().unwrap_or(1),
            output_revision: heard.output_revision,
            stale: heard.stale,
            flags: flags(line),
        })
    }
}

fn flags(line: &TranscribedUtterance) -> Vec<FlagName> {
    let is_unsure = line.confidence.is_some_and(|confidence| confidence < CONFIDENCE_MIN);
    if is_unsure { vec![FlagName::LowConfidence] } else { vec![] }
}
