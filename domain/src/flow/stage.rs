//! The names of the stages.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A step of the flow. Adding one: a variant here, a row in [`super::TABLE`]; the compiler and the
/// `stage_matrix` tests name the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Probe, validate, hash, intake provenance.
    Ingest,
    /// Speech and background stems.
    Separate,
    /// Voice activity, recognition, speakers; or import of a transcript.
    Transcribe,
    /// Into the track's language, with glossary.
    Translate,
    /// A voice per speaker.
    AssignVoices,
    /// The lines, spoken.
    Synthesise,
    /// The lines, placed.
    Fit,
    /// Lips moved to the new speech.
    SyncLips,
    /// Dub over background.
    Mix,
    /// Watermark in the sound.
    Mark,
    /// The finished container.
    Mux,
    /// Quality report of the finished file.
    Assess,
    /// Signed provenance.
    Sign,
    /// The result becomes visible.
    Publish,
    /// Scratch and references go.
    Clean,
}

impl Stage {
    /// All of them, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        super::TABLE.iter().map(|row| row.stage)
    }

    /// Its name in events, logs and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Ingest => "ingest",
            Stage::Separate => "separate",
            Stage::Transcribe => "transcribe",
            Stage::Translate => "translate",
            Stage::AssignVoices => "assign-voices",
            Stage::Synthesise => "synthesise",
            Stage::Fit => "fit",
            Stage::SyncLips => "sync-lips",
            Stage::Mix => "mix",
            Stage::Mark => "mark",
            Stage::Mux => "mux",
            Stage::Assess => "assess",
            Stage::Sign => "sign",
            Stage::Publish => "publish",
            Stage::Clean => "clean",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// There is no stage of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStage(pub String);

impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(text: &str) -> Result<Self, UnknownStage> {
        let named = Self::all().find(|stage| stage.name() == text);
        named.ok_or_else(|| UnknownStage(text.to_owned()))
    }
}
