//! The closed list of public events, with the fields of their data. `docs/api-events.md` is made from it.

use serde::{Serialize, Serializer};
use std::{fmt, str::FromStr};
use thiserror::Error;

macro_rules! types {
    ($($name:ident $text:literal $fields:tt $meaning:literal)+) => {
        /// What happened, as those outside see it. A name never changes its meaning and is never taken away.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum PublicEventType {
            $(#[doc = $meaning] $name,)+
        }

        impl PublicEventType {
            /// All of them, in the order of the catalogue.
            pub const ALL: &[PublicEventType] = &[$(PublicEventType::$name),+];

            /// Its name: `noun.happened`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(PublicEventType::$name => $text,)+
                }
            }

            /// Its name where there is no room for a dot: each of its words begins with a capital, and nothing stands
            /// between them. `dubbing.source_ready` is `DubbingSourceReady`.
            pub fn camel_name(self) -> String {
                let words = self.name().split(['.', '_']);
                words.flat_map(|word| word.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(word.chars().skip(1))).collect()
            }

            /// One sentence about it.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(PublicEventType::$name => $meaning,)+
                }
            }

            /// The fields that its data can have.
            pub const fn fields(self) -> &'static [&'static str] {
                match self {
                    $(PublicEventType::$name => &$fields,)+
                }
            }
        }
    };
}

types! {
    DubbingQueued "dubbing.queued" ["source_language", "transcript", "priority", "forked_from"] "A dubbing was ordered."
    DubbingSourceReady "dubbing.source_ready" ["duration_ms", "has_picture"] "Its source was read and can be dubbed."
    DubbingSourceRejected "dubbing.source_rejected" ["code"] "Its source cannot be dubbed."
    DubbingCompleted "dubbing.completed" ["needs_attention"] "All its languages have come to an end."
    DubbingFailed "dubbing.failed" ["code"] "It cannot be done."
    DubbingCancelled "dubbing.cancelled" [] "It was called off."
    TranscriptPlanned "transcript.planned" ["utterances"] "It is known where someone speaks."
    TranscriptImported "transcript.imported" ["cues", "left_out"] "The words come from a transcript that was given."
    SpeakerIdentified "speaker.identified" ["speaker", "utterances"] "It is known what one of the speakers says."
    UtteranceTranscribed "utterance.transcribed" ["utterance", "start_ms", "end_ms", "confidence_percent"] "The words of an utterance are known."
    UtteranceDropped "utterance.dropped" ["utterance", "reason"] "What was heard there is no speech."
    UtteranceEdited "utterance.edited" ["utterance", "changed"] "Somebody corrected an utterance of the transcript."
    UtteranceSplit "utterance.split" ["utterance", "added"] "Somebody cut an utterance in two."
    UtterancesMerged "utterance.merged" ["utterance", "absorbed"] "Somebody joined two utterances."
    TrackRequested "track.requested" [] "A target language was asked for, or asked for in another way."
    TrackStarted "track.started" ["lines", "source_language"] "The transcript is there: work on the language begins."
    TrackRevised "track.revised" [] "The language is made in another way from now on."
    TrackRegenerationRequested "track.regeneration_requested" [] "What is stale in the language is to be made anew."
    TrackRegenerationStarted "track.regeneration_started" ["request", "lines"] "What is stale in the language is being made anew."
    TrackRouted "track.routed" ["languages"] "It is known over which languages the translation goes."
    TrackMixed "track.mixed" ["loudness_lufs", "true_peak_dbtp", "loudness_reached"] "The speech was laid over the background."
    TrackMuxed "track.muxed" ["bytes"] "The finished file was written."
    TrackAssessed "track.assessed" ["lines_to_attend", "loudness_lufs", "true_peak_dbtp"] "The finished file was measured."
    TrackSigned "track.signed" ["bytes"] "The finished file carries its provenance."
    TrackPublished "track.published" ["bytes", "media_type"] "The results of the language can be fetched."
    TrackWithdrawn "track.withdrawn" [] "The results of the language cannot be fetched any more."
    TrackSettled "track.settled" ["outcome"] "The language has come to an end, one way or another."
    TrackRunCalledOff "track.run_called_off" [] "Work on a new result of the language was called off; the results of before are kept."
    TrackRestored "track.restored" ["outcome"] "The language is as it was finished before: making it anew was called off."
    VoiceAssigned "voice.assigned" ["speaker", "voice"] "A speaker has a voice."
    TranslationEdited "translation.edited" ["utterance", "cleared"] "Somebody worded the translation of a line."
    LineDirected "line.directed" ["utterance", "voice", "rate_percent"] "Somebody said how a line is spoken."
    UtteranceTranslated "utterance.translated" ["utterance", "unknown_words", "terms", "terms_missing"] "A line was translated."
    UtteranceSynthesised "utterance.synthesised" ["utterance", "duration_ms", "rate_percent"] "A line was spoken."
    UtteranceRateChosen "utterance.rate_chosen" ["utterance", "rate_percent"] "A line is to be spoken at another rate, so that it fits."
    UtteranceFitted "utterance.fitted" ["utterance", "start_ms", "duration_ms", "rate_percent", "shift_ms"] "A line has its place."
    UtteranceFlagged "utterance.flagged" ["utterance", "flag", "needs_attention"] "A line is not as it should be."
    StageQueued "stage.queued" [] "An attempt at a stage waits for a worker."
    StageStarted "stage.started" [] "A worker began."
    StageCompleted "stage.completed" ["wall_ms", "made", "reused"] "A worker finished."
    StageInherited "stage.inherited" ["wall_ms", "made", "reused"] "The stage is done already: a fork takes over what the other dubbing found."
    StageFailed "stage.failed" ["code", "permanent"] "An attempt failed."
    StageReleased "stage.released" [] "An attempt was given back unfinished, and costs nothing; the stage is tried again."
    StageLost "stage.lost" [] "A worker vanished; the stage is tried again."
    StageRetryScheduled "stage.retry_scheduled" ["retry_at"] "The stage is tried again later."
    StageParked "stage.parked" ["code"] "The stage is out of attempts and waits for an operator."
    StageSkipped "stage.skipped" ["engine"] "The stage was passed over: there is nothing here that does it, or, with the engine `operator`, an operator said so."
    StageReopened "stage.reopened" [] "The stage, and all that follow from it, are made anew."
    StageUndone "stage.undone" [] "What the stage had made was given up."
    FlowPaused "flow.paused" ["code"] "No new work is handed out, for the dubbing or for one language."
    FlowResumed "flow.resumed" [] "Work is handed out again."
    FlowCompensated "flow.compensated" [] "All that can be undone was undone."
    AssetUploaded "asset.uploaded" ["bytes", "media_type"] "A file was handed in and is being looked at."
    AssetScanned "asset.scanned" ["engine", "verdict"] "A scanner looked for malware."
    AssetNotScanned "asset.not_scanned" ["reason"] "A scanner gave no verdict; the file is looked at without one."
    AssetReady "asset.ready" ["duration_ms", "has_picture"] "The file can be dubbed."
    AssetQuarantined "asset.quarantined" ["reason", "code"] "The file cannot, or must not, be dubbed."
    AssetErased "asset.erased" [] "The file and its name are gone."
    ProjectCreated "project.created" [] "A project was made."
    ProjectRenamed "project.renamed" [] "A project is called something else."
    ProjectRemoved "project.removed" [] "A project was removed; its dubbings stay."
    GlossaryCreated "glossary.created" ["terms"] "A glossary was made."
    GlossaryReplaced "glossary.replaced" ["terms"] "A glossary holds something else."
    GlossaryRemoved "glossary.removed" [] "A glossary was removed."
}

/// The fields of events' data, with what they mean. One name means the same in every event.
pub const FIELDS: &[(&str, &str)] = &[
    ("absorbed", "id of the utterance that went into the other one"),
    ("added", "id of the new utterance"),
    ("bytes", "size of the file in bytes"),
    ("changed", "what is different: `text`, `times`, `speaker`"),
    ("cleared", "whether it is left to the engine again"),
    ("code", "stable code of the reason"),
    ("confidence_percent", "how sure the recogniser is, 0 to 100; absent when it was not recognised"),
    ("cues", "how many cues the transcript has"),
    ("duration_ms", "how long it lasts"),
    ("end_ms", "where it ends"),
    ("engine", "name of the engine that says so"),
    ("flag", "what is wrong with the line, as its `flags` name it"),
    ("forked_from", "id of the dubbing that this one was forked from"),
    ("has_picture", "whether there is a moving picture"),
    ("languages", "the languages in order, source first"),
    ("left_out", "cues past the end of the sound, or without speech"),
    ("lines", "how many lines there are"),
    ("lines_to_attend", "how many lines somebody should look at"),
    ("loudness_lufs", "programme loudness in LUFS"),
    ("loudness_reached", "whether the loudness is the source's, within 1 LU"),
    ("made", "results that were made in this attempt: lines, or the one result"),
    ("media_type", "media type of the file"),
    ("needs_attention", "whether somebody should look at it"),
    ("outcome", "how it went: `completed`, `needs-attention`, `cancelled`"),
    ("permanent", "whether trying again is pointless"),
    ("priority", "how urgent it is: `low`, `normal`, `high`"),
    ("rate_percent", "how fast it is spoken; 100 is the engine's own rate, absent leaves it to the planner"),
    ("reason", "what is wrong, in kind"),
    ("request", "how often that was asked for; the first is 1"),
    ("retry_at", "when it is tried again"),
    ("reused", "results that were taken over from before"),
    ("shift_ms", "start against the original's start; negative is early"),
    ("source_language", "the language spoken in the source"),
    ("speaker", "id of the speaker: `S1`"),
    ("start_ms", "where it begins"),
    ("terms", "how many terms of a glossary there are"),
    ("terms_missing", "how many of these the translation misses"),
    ("transcript", "where the words come from: `recognised`, `imported`, `embedded`"),
    ("true_peak_dbtp", "true peak in dBTP"),
    ("unknown_words", "words that stayed untranslated"),
    ("utterance", "id of the utterance: `u1`"),
    ("utterances", "how many utterances there are"),
    ("verdict", "what the scanner says: `clean`, `infected`"),
    ("voice", "the engine's name of the voice; absent is the speaker's"),
    ("wall_ms", "how long the attempt took"),
];

/// There is no public event of this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no event of this type")]
pub struct UnknownEventType;

impl FromStr for PublicEventType {
    type Err = UnknownEventType;

    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        Self::ALL.iter().find(|kind| kind.name() == text).copied().ok_or(UnknownEventType)
    }
}

impl fmt::Display for PublicEventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for PublicEventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
