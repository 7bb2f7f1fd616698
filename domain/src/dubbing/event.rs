//! What can happen to a dubbing.

use super::Order;
use crate::{
    flow::{FlowEvent, Stage},
    track::TrackSettings,
    value::{Artefact, Decibel, LanguageTag, Percent, Personal, Sha256, Span, SpeakerId, UtteranceId},
};
use serde::{Deserialize, Serialize};

/// What has happened to a dubbing. Names are those of the log; shapes change only through a new
/// version in the event codec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DubbingEvent {
    /// Someone asked for this video in other languages.
    VideoGenerationStarted {
        /// What makes a second request the same job: a digest over source, sound and transcript.
        identity: Sha256,
        /// The source as given, kept as a blob.
        source: Artefact,
        /// The source's file name without folder.
        name: Personal<String>,
        /// The sound asked for, by its number; `None` asks for the best one.
        audio_stream: Option<u32>,
        /// The language spoken in it.
        source_language: LanguageTag,
        /// Nobody said so: it was assumed.
        language_assumed: bool,
        /// Where the words come from.
        transcript: Transcript,
        /// Where results are put; `None` keeps them where they can be fetched.
        delivery: Option<Delivery>,
        /// How it came in.
        order: Order,
    },
    /// Results are to be put somewhere else from now on.
    DeliveryChosen {
        /// Where.
        delivery: Delivery,
    },
    /// A target language was asked for, or asked for anew with other settings.
    TrackRequested {
        /// The language.
        language: LanguageTag,
        /// How it is to be made.
        settings: TrackSettings,
    },
    /// The source can be dubbed and is kept.
    SourceIngested(IngestedSource),
    /// The source cannot be dubbed.
    SourceRejected {
        /// Stable code: `no-speech`.
        code: String,
        /// One sentence that says what to do.
        message: String,
    },
    /// The sound was decoded and, if an engine can, taken apart.
    SpeechSeparated(SeparatedSound),
    /// Where someone speaks: the utterances to come.
    SpeechSegmented {
        /// In order of time.
        utterances: Vec<PlannedUtterance>,
    },
    /// An utterance's words are known.
    UtteranceTranscribed(TranscribedUtterance),
    /// What was heard there is no speech.
    UtteranceDropped {
        /// Which one.
        utterance: UtteranceId,
        /// Why.
        reason: WhyDropped,
    },
    /// Who says what.
    SpeakerIdentified {
        /// The speaker.
        speaker: SpeakerId,
        /// The name that the transcript gives.
        name: Option<Personal<String>>,
        /// Median pitch in hertz.
        pitch_hz: Option<u32>,
        /// What they say, in order of time.
        utterances: Vec<UtteranceId>,
    },
    /// The words come from a transcript and not from recognition.
    TranscriptImported {
        /// How many cues it has.
        cues: u32,
        /// Cues that lie past the end of the sound, or hold no speech, and were left out.
        left_out: u32,
    },
    /// A person corrected an utterance; what does not stand here stays as it was.
    UtteranceEdited {
        /// Which one.
        utterance: UtteranceId,
        /// What is said.
        text: Option<Personal<String>>,
        /// When.
        span: Option<Span>,
        /// Who says it; a number that nobody has yet is a new speaker.
        speaker: Option<SpeakerId>,
    },
    /// A person cut an utterance in two.
    UtteranceSplit {
        /// The one that was cut: it keeps the first part.
        utterance: UtteranceId,
        /// Its part.
        first: UtterancePart,
        /// The id of the second part.
        added: UtteranceId,
        /// That part.
        second: UtterancePart,
    },
    /// A person joined two utterances.
    UtterancesMerged {
        /// The one that stays.
        utterance: UtteranceId,
        /// The one that goes.
        absorbed: UtteranceId,
        /// What is said now.
        joined: UtterancePart,
    },
    /// A language is to be made anew where lines have changed since, or from a stage on.
    RegenerationRequested {
        /// The language.
        language: LanguageTag,
        /// The first stage that runs anew, whatever has changed; the first of all where lines have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Stage>,
    },
    /// A language has come to an end, one way or another.
    TrackSettled {
        /// The language.
        language: LanguageTag,
        /// How it went.
        outcome: Outcome,
    },
    /// A language that was finished before was being made anew, and that was called off: it is as it was.
    TrackRestored {
        /// The language.
        language: LanguageTag,
        /// How what is kept of it was made.
        settings: TrackSettings,
        /// How it had ended.
        outcome: Outcome,
    },
    /// All is done.
    VideoGenerationCompleted {
        /// Whether any track has lines that need attention.
        needs_attention: bool,
    },
    /// It cannot be done.
    VideoGenerationFailed {
        /// Stable code of the reason.
        code: String,
    },
    /// Someone called it off.
    VideoGenerationCancelled,
    /// Something happened to the dubbing's flow.
    Flow(FlowEvent),
}

/// Where the words come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum Transcript {
    /// Speech recognition.
    Recognised,
    /// A file, SRT or WebVTT, kept as a blob.
    Imported {
        /// The file.
        file: Artefact,
    },
    /// The text track inside the source.
    Embedded,
}

/// Where results are put when they are published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The folder.
    pub folder: Personal<String>,
    /// The first part of each file's name.
    pub stem: Personal<String>,
    /// Whether subtitle files are put beside the video.
    pub sidecars: bool,
    /// Whether foreign files in the way may be overwritten.
    pub overwrite: bool,
}

/// What Ingest found and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestedSource {
    /// The source to work from: signed at intake where its container allows.
    pub media: Artefact,
    /// Whether it carries an intake manifest.
    pub signed: bool,
    /// MIME type of the container.
    pub container: String,
    /// Length in milliseconds.
    pub duration_ms: u64,
    /// The picture to dub, if there is one.
    pub picture: Option<Picture>,
    /// Number of the chosen sound among the audio streams.
    pub audio_stream: u32,
    /// Its caps name.
    pub audio_codec: String,
    /// Its channels.
    pub audio_channels: u32,
    /// Text tracks inside.
    pub subtitles: Vec<TextTrack>,
}

/// The chosen moving picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Its number among the video streams.
    pub stream: u32,
    /// Caps name.
    pub codec: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// A text track inside the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextTrack {
    /// Its number among the text streams.
    pub stream: u32,
    /// Its language, as tagged.
    pub language: Option<LanguageTag>,
}

/// What Separate left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeparatedSound {
    /// What the dub is mixed over.
    pub background: Artefact,
    /// What is listened to.
    pub speech: Artefact,
    /// Whether speech was taken out of the background.
    pub separated: bool,
    /// Length of the sound in milliseconds.
    pub duration_ms: u64,
    /// Programme loudness in LUFS.
    pub loudness: Decibel,
    /// True peak in dBTP.
    pub true_peak: Decibel,
}

/// An utterance before its words are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedUtterance {
    /// Its id.
    pub utterance: UtteranceId,
    /// When.
    pub span: Span,
}

/// An utterance whose words are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscribedUtterance {
    /// Its id.
    pub utterance: UtteranceId,
    /// When.
    pub span: Span,
    /// What is said, cased and punctuated.
    pub text: Personal<String>,
    /// Mean word confidence, where it was recognised.
    pub confidence: Option<Percent>,
    /// The cues of the transcript it was joined from; its own span when recognised.
    pub cues: Vec<Span>,
    /// Words with their times, as heard; empty when imported.
    pub words: Personal<Vec<SpokenWord>>,
    /// The speaker's name in the transcript.
    pub speaker_name: Option<Personal<String>>,
}

/// What an utterance is after it was cut or joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UtterancePart {
    /// When.
    pub span: Span,
    /// What is said.
    pub text: Personal<String>,
}

/// A word with its time and confidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpokenWord {
    /// The word.
    pub text: String,
    /// When.
    pub span: Span,
    /// Posterior probability.
    pub confidence: Percent,
}

/// Why something heard was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyDropped {
    /// Nothing was understood.
    NoWords,
    /// Words were heard where music or noise sounds.
    Implausible,
}

/// How a track ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All lines are as they should be.
    Completed,
    /// Published, but some lines need attention.
    NeedsAttention,
    /// Called off.
    Cancelled,
}

impl DubbingEvent {
    /// The stage whose worker may report this fact; `None` for what workers never report.
    pub fn reported_by(&self) -> Option<Stage> {
        match self {
            DubbingEvent::SourceIngested(_) => Some(Stage::Ingest),
            DubbingEvent::SpeechSeparated(_) => Some(Stage::Separate),
            DubbingEvent::SpeechSegmented { .. }
            | DubbingEvent::UtteranceTranscribed(_)
            | DubbingEvent::UtteranceDropped { .. }
            | DubbingEvent::SpeakerIdentified { .. }
            | DubbingEvent::TranscriptImported { .. } => Some(Stage::Transcribe),
            DubbingEvent::VideoGenerationStarted { .. }
            | DubbingEvent::DeliveryChosen { .. }
            | DubbingEvent::TrackRequested { .. }
            | DubbingEvent::UtteranceEdited { .. }
            | DubbingEvent::UtteranceSplit { .. }
            | DubbingEvent::UtterancesMerged { .. }
            | DubbingEvent::RegenerationRequested { .. }
            | DubbingEvent::SourceRejected { .. }
            | DubbingEvent::TrackSettled { .. }
            | DubbingEvent::TrackRestored { .. }
            | DubbingEvent::VideoGenerationCompleted { .. }
            | DubbingEvent::VideoGenerationFailed { .. }
            | DubbingEvent::VideoGenerationCancelled
            | DubbingEvent::Flow(_) => None,
        }
    }
}
