//! How a track is to be made.

use crate::{
    flow::Stage,
    value::{Artefact, Personal},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a track is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackSettings {
    /// Terms and their translations: a CSV kept as a blob.
    pub glossary: Option<Artefact>,
    /// Phrases that are heard in the original.
    pub keep_phrases: Personal<Vec<String>>,
    /// Voices by speaker, as the user named both.
    pub voices: Personal<BTreeMap<String, String>>,
    /// What becomes of the original sound.
    pub background: Background,
    /// Whether the original sound comes along as a second track.
    pub keep_original: bool,
    /// Whether subtitles are embedded.
    pub embed_subtitles: bool,
}

/// What becomes of the original sound under the dub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Background {
    /// Lowered by 18 dB under speech, with 60 ms ramps.
    Duck,
    /// As it is.
    Keep,
    /// Silent.
    Off,
}

impl TrackSettings {
    /// The first stage whose result would differ under `other`; `None` when none would.
    pub fn first_affected(&self, other: &TrackSettings) -> Option<Stage> {
        if self.glossary != other.glossary || self.keep_phrases != other.keep_phrases {
            Some(Stage::Translate)
        } else if self.voices != other.voices {
            Some(Stage::AssignVoices)
        } else if self.background != other.background {
            Some(Stage::Mix)
        } else if (self.keep_original, self.embed_subtitles) != (other.keep_original, other.embed_subtitles) {
            Some(Stage::Mux)
        } else {
            None
        }
    }
}
