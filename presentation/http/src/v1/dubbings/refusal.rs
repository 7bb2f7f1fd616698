//! Why nothing was ordered, with a pointer to the field that is to blame.

use crate::problem::{Code, Fault, Problem, unasked};
use application::{abilities::Unable, commands::order_dubbing::OrderError};
use domain::{dubbing::DubbingRejection, value::LanguageTag};
use std::collections::BTreeMap;

/// The parts of an order that a refusal may point into.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// `/target_languages`.
    pub languages: Vec<LanguageTag>,
    /// `/voices`.
    pub voices: BTreeMap<String, String>,
}

impl Asked {
    /// The problem of an order that was refused.
    pub fn refusal(&self, error: OrderError) -> Problem {
        let text = error.to_string();
        let at = |code: Code, pointer: &str, kind| {
            Problem::new(code).detail(text.clone()).fault(Fault::at(pointer, kind, text.as_str()))
        };
        let unknown = |pointer| at(Code::InvalidRequest, pointer, "unknown-reference");
        let invalid = |pointer| at(Code::InvalidRequest, pointer, "invalid-value");
        match error {
            OrderError::NoSuchAsset => unknown("/asset"),
            OrderError::AssetNotReady => at(Code::AssetNotReady, "/asset", "not-ready").retry_after(1),
            OrderError::NotDubbable(why) => {
                at(Code::AssetNotDubbable, "/asset", "not-dubbable").extension("reason", why.code)
            }
            OrderError::NoSuchSound { .. } => invalid("/audio_stream"),
            OrderError::NoTextTrack => invalid("/transcript"),
            OrderError::NoSuchProject => unknown("/project"),
            OrderError::NoSuchGlossary => unknown("/glossary/id"),
            OrderError::ForeignGlossary(_) => invalid("/glossary/id"),
            OrderError::Transcript(_) => invalid("/transcript/text"),
            OrderError::Terms(_) => invalid("/glossary/csv"),
            OrderError::Unable(unable) => self.unable(unable),
            OrderError::Command(application::aggregates::CommandError::Rejected(DubbingRejection::SameLanguage)) => {
                at(Code::InvalidRequest, "/target_languages", "same-language")
            }
            OrderError::Command(error) => error.into(),
            OrderError::Blob(error) => error.into(),
            OrderError::Read(error) => error.into(),
        }
    }

    fn unable(&self, unable: Unable) -> Problem {
        let text = unable.to_string();
        let at = |code: Code, pointer: String, kind| {
            Problem::new(code).detail(text.clone()).fault(Fault::at(pointer, kind, text.as_str()))
        };
        match unable {
            Unable::SameLanguage(language) => at(Code::InvalidRequest, self.pointer(&language), "same-language"),
            Unable::NoRecogniser(_) => at(Code::NoRecogniser, "/source_language".to_owned(), "no-recogniser"),
            Unable::NoVoice(language) => at(Code::NoVoice, self.pointer(&language), "no-voice"),
            Unable::NoRoute { to, .. } => at(Code::NoTranslation, self.pointer(&to), "no-translation"),
            Unable::UnknownVoice(voice) => at(Code::InvalidRequest, self.pointer_to_voice(&voice), "unknown-reference"),
            Unable::ForeignVoice { voice, .. } => {
                at(Code::InvalidRequest, self.pointer_to_voice(&voice), "invalid-value")
            }
            Unable::Engine(error) => unasked(error),
        }
    }

    fn pointer(&self, language: &LanguageTag) -> String {
        let place = self.languages.iter().position(|asked| asked == language);
        place.map_or("/target_languages".to_owned(), |place| format!("/target_languages/{place}"))
    }

    fn pointer_to_voice(&self, voice: &str) -> String {
        let speaker = self.voices.iter().find(|(_, asked)| *asked == voice).map(|(speaker, _)| speaker);
        let escaped = speaker.map(|speaker| speaker.replace('~', "~0").replace('/', "~1"));
        escaped.map_or("/voices".to_owned(), |speaker| format!("/voices/{speaker}"))
    }
}
