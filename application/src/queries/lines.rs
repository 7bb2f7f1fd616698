//! The lines of a track beside those of the transcript: what is said, by whom, how, and what of it is stale.

use domain::{
    dubbing::{Dubbing, TranscribedUtterance},
    track::{Flag, Line, Track},
    value::{Percent, Span, SpeakerId, UtteranceId},
};
use std::collections::BTreeSet;

/// A line of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackLine<'a> {
    /// Which.
    pub utterance: UtteranceId,
    /// The transcript's line; `None` when it is gone from there.
    pub source: Option<&'a TranscribedUtterance>,
    /// Who says it.
    pub speaker: Option<SpeakerId>,
    /// What is to be said: a person's wording that holds, or else the engine's; `None` before it is translated, and
    /// after erasure.
    pub translation: Option<&'a str>,
    /// Whether a person worded it.
    pub edited: bool,
    /// The engine's name of its voice, once there is one.
    pub voice: Option<&'a str>,
    /// Whether a person chose it for this line.
    pub voice_chosen: bool,
    /// The rate asked for by a person, or else the one it was placed with.
    pub rate: Option<Percent>,
    /// Whether a person chose it.
    pub rate_chosen: bool,
    /// Where it is heard, once it has a place.
    pub span: Option<Span>,
    /// How often something was said about it.
    pub revision: u32,
    /// The revision that can be heard; `None` before it was published.
    pub output_revision: Option<u32>,
    /// Whether what can be heard was made before the last change.
    pub stale: bool,
    /// What is wrong with it.
    pub flags: BTreeSet<Flag>,
}

/// All lines in order of time: those of the transcript, and those that are gone from it but not yet from the track.
pub fn lines<'a>(dubbing: &'a Dubbing, track: &'a Track) -> Vec<TrackLine<'a>> {
    let gone = track.lines.keys().filter(|id| !dubbing.utterances.contains_key(id));
    let ids: BTreeSet<UtteranceId> = dubbing.utterances.keys().chain(gone).copied().collect();
    let mut lines: Vec<TrackLine<'a>> = ids.into_iter().map(|id| line(dubbing, track, id)).collect();
    lines.sort_by_key(|line| (line.source.map(|source| source.span).or(line.span), line.utterance));
    lines
}

/// One line; `None` when neither the transcript nor the track has it.
pub fn get<'a>(dubbing: &'a Dubbing, track: &'a Track, utterance: UtteranceId) -> Option<TrackLine<'a>> {
    let is_known = dubbing.utterances.contains_key(&utterance) || track.lines.contains_key(&utterance);
    is_known.then(|| line(dubbing, track, utterance))
}

fn line<'a>(dubbing: &'a Dubbing, track: &'a Track, utterance: UtteranceId) -> TrackLine<'a> {
    let source_revision = dubbing.revisions.get(&utterance).copied().unwrap_or(1);
    let (source, speaker) = (dubbing.utterances.get(&utterance), dubbing.speaker_of(utterance));
    let speakers_voice = speaker.and_then(|speaker| track.voices.get(&speaker)).map(String::as_str);
    let Some(line) = track.lines.get(&utterance) else {
        return added(track, utterance, source, speaker, source_revision);
    };
    let wording = wording(line, source_revision);
    let spoken = line.translation.as_ref().and_then(|translation| translation.text.reveal());
    TrackLine {
        utterance,
        source,
        speaker,
        translation: wording.or(spoken.map(String::as_str)),
        edited: wording.is_some(),
        voice: line.direction.voice.as_deref().or(speakers_voice),
        voice_chosen: line.direction.voice.is_some(),
        rate: line.direction.rate.or(line.placement.map(|place| place.rate)),
        rate_chosen: line.direction.rate.is_some(),
        span: line.placement.map(|place| Span::lasting(place.start_ms, place.duration_ms)),
        revision: line.revision(source_revision),
        output_revision: line.output_revision,
        stale: source.is_none() && track.published.is_some() || line.is_stale(source_revision),
        flags: line.flags.iter().map(|(_, flag)| *flag).collect(),
    }
}

/// A line that the track does not have yet.
fn added<'a>(
    track: &'a Track,
    utterance: UtteranceId,
    source: Option<&'a TranscribedUtterance>,
    speaker: Option<SpeakerId>,
    revision: u32,
) -> TrackLine<'a> {
    TrackLine {
        utterance,
        source,
        speaker,
        translation: None,
        edited: false,
        voice: speaker.and_then(|speaker| track.voices.get(&speaker)).map(String::as_str),
        voice_chosen: false,
        rate: None,
        rate_chosen: false,
        span: None,
        revision,
        output_revision: None,
        stale: track.published.is_some(),
        flags: BTreeSet::new(),
    }
}

/// A person's wording, unless the transcript has changed since it was given.
fn wording(line: &Line, source_revision: u32) -> Option<&str> {
    let (text, worded_for) = line.direction.wording.as_ref()?;
    let holds = *worded_for >= source_revision;
    text.reveal().filter(|_| holds).map(String::as_str)
}
