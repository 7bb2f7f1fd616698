//! What can happen to a track.

use super::TrackSettings;
use crate::{
    flow::{FlowEvent, Stage},
    value::{Artefact, Decibel, DubbingId, LanguageTag, Percent, Personal, Sha256, Span, SpeakerId, UtteranceId},
};
use serde::{Deserialize, Serialize};

/// What has happened to a track. Names are those of the log; shapes change only through a new
/// version in the event codec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrackEvent {
    /// The transcript is there: the track begins.
    TrackStarted {
        /// The dubbing.
        dubbing: DubbingId,
        /// The language spoken in the source.
        source_language: LanguageTag,
        /// The language to speak.
        language: LanguageTag,
        /// How it is to be made.
        settings: TrackSettings,
        /// The lines, in order of time.
        lines: Vec<SourceLine>,
    },
    /// It is to be made in another way.
    TrackRevised {
        /// How it is to be made now.
        settings: TrackSettings,
    },
    /// A person worded a line's translation.
    TranslationEdited {
        /// Which line.
        utterance: UtteranceId,
        /// What is said; `None` leaves it to the engine again.
        text: Option<Personal<String>>,
        /// The transcript's line as it was then: what is worded for an older one is void.
        source_revision: u32,
    },
    /// A person said how a line is spoken.
    LineDirected {
        /// Which line.
        utterance: UtteranceId,
        /// The engine's name of the voice; `None` is the speaker's.
        voice: Option<String>,
        /// The rate; `None` leaves it to the planner.
        rate: Option<Percent>,
    },
    /// Lines that changed are made anew: from here on, these are the lines.
    RegenerationStarted {
        /// How often that was asked for; the first is 1.
        request: u32,
        /// The lines, in order of time.
        lines: Vec<SourceLine>,
    },
    /// A new run was called off: what was published before is the result, as before.
    RunCalledOff {
        /// How that was made, and how the next run is.
        settings: TrackSettings,
    },
    /// How the translation goes.
    TranslationRouted {
        /// Languages in order, source first; a third one in between is a pivot.
        languages: Vec<LanguageTag>,
        /// The engine's names of the hops.
        modes: Vec<String>,
    },
    /// A line's translation.
    UtteranceTranslated(TranslatedUtterance),
    /// A speaker's voice.
    VoiceAssigned {
        /// The speaker.
        speaker: SpeakerId,
        /// The engine's name of the voice.
        voice: String,
    },
    /// A line, spoken.
    UtteranceSynthesised(SynthesisedUtterance),
    /// The planner asks for a line at another rate.
    SpeechRateChosen {
        /// Which line.
        utterance: UtteranceId,
        /// The rate.
        rate: Percent,
    },
    /// A line's place.
    UtteranceFitted(FittedUtterance),
    /// A line is not as it should be.
    UtteranceFlagged {
        /// Which line.
        utterance: UtteranceId,
        /// The stage that says so.
        stage: Stage,
        /// What is wrong.
        flag: Flag,
    },
    /// Dub over background.
    TrackMixed(MixedSound),
    /// The finished container, without provenance yet.
    TrackMuxed(MuxedTrack),
    /// The finished file was measured.
    QualityAssessed(AssessedTrack),
    /// The file carries its provenance.
    ProvenanceSigned(SignedTrack),
    /// The result is visible.
    TrackPublished(PublishedTrack),
    /// Files were put where the user wants them.
    TrackDelivered {
        /// Which.
        files: Vec<DeliveredFile>,
    },
    /// The result is no longer visible.
    TrackWithdrawn,
    /// Something happened to the track's flow.
    Flow(FlowEvent),
}

/// A line of the transcript, at a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceLine {
    /// Which line.
    pub utterance: UtteranceId,
    /// How often it was said to be different; the first is 1.
    pub revision: u32,
}

/// A line's translation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranslatedUtterance {
    /// Which line.
    pub utterance: UtteranceId,
    /// Digest over everything the translation depends on.
    pub key: Sha256,
    /// What subtitles show.
    pub text: Personal<String>,
    /// What is spoken; empty when the whole line is a phrase to keep.
    pub spoken: Personal<String>,
    /// Stretches in which the original is heard: phrases to keep.
    pub kept: Vec<Span>,
    /// Words that the engine does not know.
    pub unknown_words: u32,
    /// Terms of the glossary that the line holds.
    pub terms: u32,
    /// Terms of the glossary that the translation misses.
    pub terms_missing: u32,
}

/// A line, spoken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SynthesisedUtterance {
    /// Which line.
    pub utterance: UtteranceId,
    /// Digest over everything the speech depends on.
    pub key: Sha256,
    /// The rate asked for.
    pub rate: Percent,
    /// How long it lasts, measured.
    pub duration_ms: u64,
    /// The sound.
    pub speech: Artefact,
}

/// A line's place in the track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FittedUtterance {
    /// Which line.
    pub utterance: UtteranceId,
    /// Where it begins, in milliseconds.
    pub start_ms: u64,
    /// How long it lasts.
    pub duration_ms: u64,
    /// The rate it was spoken at.
    pub rate: Percent,
    /// Start against the original's start; negative is early.
    pub shift_ms: i64,
}

/// What can be wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// A word stayed untranslated.
    UnknownWord,
    /// A term of the glossary is missing in the translation.
    MissingTerm,
    /// The line could not be translated.
    NotTranslated,
    /// The line could not be spoken.
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

impl Flag {
    /// Whether a person should look at the line.
    pub const fn needs_attention(self) -> bool {
        match self {
            Flag::MissingTerm | Flag::NotTranslated | Flag::NotSpoken | Flag::NeedsAttention => true,
            Flag::UnknownWord | Flag::Hurried | Flag::Overlong | Flag::Late => false,
            Flag::OutlastsPicture | Flag::LowConfidence => false,
        }
    }
}

/// Dub over background.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MixedSound {
    /// Digest over everything the sound depends on.
    pub key: Sha256,
    /// The sound.
    pub sound: Artefact,
    /// Programme loudness in LUFS.
    pub loudness: Decibel,
    /// True peak in dBTP.
    pub true_peak: Decibel,
    /// Whether the loudness is the source's, within 1 LU.
    pub loudness_reached: bool,
    /// How loud everything was made; `None` where it was not noted.
    pub levels: Option<MixLevels>,
}

/// How loud the parts of a mix were made, in thousandths of a decibel. Made again with the same levels, a mix in which
/// one line changed differs in that line only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MixLevels {
    /// Digest over what the levels depend on besides the lines: they hold only where this is the same.
    pub basis: Sha256,
    /// Gain of the lines.
    pub lines_mdb: i32,
    /// Gain of everything.
    pub gain_mdb: i32,
    /// Peak that the limiter allows.
    pub ceiling_mdb: i32,
    /// Gain after the limiter.
    pub trim_mdb: i32,
}

/// The finished container and its subtitles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuxedTrack {
    /// Digest over everything the file depends on.
    pub key: Sha256,
    /// MP4, or M4A without a picture.
    pub media: Artefact,
    /// Subtitles as SubRip.
    pub srt: Artefact,
    /// Subtitles as WebVTT.
    pub vtt: Artefact,
    /// Whether the picture's packets are the source's.
    pub video_copied: Option<bool>,
}

/// The finished file, measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssessedTrack {
    /// The report.
    pub report: Artefact,
    /// Lines that need attention.
    pub lines_to_attend: u32,
    /// Lines that overlap another: must be none.
    pub overlaps: u32,
    /// Programme loudness of the finished file in LUFS.
    pub loudness: Decibel,
    /// True peak of the finished file in dBTP.
    pub true_peak: Decibel,
}

/// The file with its provenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedTrack {
    /// The signed file.
    pub media: Artefact,
    /// Label of its manifest.
    pub manifest: String,
    /// Digest of its manifest store.
    pub manifest_sha256: Sha256,
    /// Revision of this stream that the manifest names.
    pub revision: u64,
}

/// What is visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedTrack {
    /// The signed file.
    pub media: Artefact,
    /// Subtitles as SubRip.
    pub srt: Artefact,
    /// Subtitles as WebVTT.
    pub vtt: Artefact,
    /// The report.
    pub report: Artefact,
}

/// A file that was put somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredFile {
    /// What it is.
    pub role: Role,
    /// Where.
    pub path: Personal<String>,
    /// Its content.
    pub sha256: Sha256,
}

/// What a result file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The dubbed video (or sound).
    Video,
    /// Subtitles as SubRip.
    Srt,
    /// Subtitles as WebVTT.
    Vtt,
    /// The report.
    Report,
}

impl TrackEvent {
    /// The stage whose worker may report this fact; `None` for what workers never report.
    pub fn reported_by(&self) -> Option<Stage> {
        match self {
            TrackEvent::TranslationRouted { .. } | TrackEvent::UtteranceTranslated(_) => Some(Stage::Translate),
            TrackEvent::VoiceAssigned { .. } => Some(Stage::AssignVoices),
            TrackEvent::UtteranceSynthesised(_) => Some(Stage::Synthesise),
            TrackEvent::SpeechRateChosen { .. } | TrackEvent::UtteranceFitted(_) => Some(Stage::Fit),
            TrackEvent::UtteranceFlagged { stage, .. } => Some(*stage),
            TrackEvent::TrackMixed(_) => Some(Stage::Mix),
            TrackEvent::TrackMuxed(_) => Some(Stage::Mux),
            TrackEvent::QualityAssessed(_) => Some(Stage::Assess),
            TrackEvent::ProvenanceSigned(_) => Some(Stage::Sign),
            TrackEvent::TrackPublished(_) => Some(Stage::Publish),
            TrackEvent::TrackStarted { .. }
            | TrackEvent::TrackRevised { .. }
            | TrackEvent::TranslationEdited { .. }
            | TrackEvent::LineDirected { .. }
            | TrackEvent::RegenerationStarted { .. }
            | TrackEvent::RunCalledOff { .. }
            | TrackEvent::TrackDelivered { .. }
            | TrackEvent::TrackWithdrawn
            | TrackEvent::Flow(_) => None,
        }
    }

    /// The line this is about, where it is about one.
    pub fn utterance(&self) -> Option<UtteranceId> {
        match self {
            TrackEvent::UtteranceTranslated(line) => Some(line.utterance),
            TrackEvent::UtteranceSynthesised(speech) => Some(speech.utterance),
            TrackEvent::UtteranceFitted(place) => Some(place.utterance),
            TrackEvent::SpeechRateChosen { utterance, .. }
            | TrackEvent::UtteranceFlagged { utterance, .. }
            | TrackEvent::TranslationEdited { utterance, .. }
            | TrackEvent::LineDirected { utterance, .. } => Some(*utterance),
            TrackEvent::TrackStarted { .. }
            | TrackEvent::TrackRevised { .. }
            | TrackEvent::RegenerationStarted { .. }
            | TrackEvent::RunCalledOff { .. }
            | TrackEvent::TranslationRouted { .. }
            | TrackEvent::VoiceAssigned { .. }
            | TrackEvent::TrackMixed(_)
            | TrackEvent::TrackMuxed(_)
            | TrackEvent::QualityAssessed(_)
            | TrackEvent::ProvenanceSigned(_)
            | TrackEvent::TrackPublished(_)
            | TrackEvent::TrackDelivered { .. }
            | TrackEvent::TrackWithdrawn
            | TrackEvent::Flow(_) => None,
        }
    }
}
