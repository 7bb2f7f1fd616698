//! What can be asked for here and now: languages that are understood, translated and spoken, and voices.
//!
//! A wish that no engine can fulfil is refused before a job exists, in one sentence that says what to do.

use crate::{
    ports::engine::EngineError,
    stages::{
        synthesise::{Synthesiser, Voice},
        transcribe::Recogniser,
        translate::Translator,
    },
};
use domain::{dubbing::Transcript, value::LanguageTag};
use std::sync::Arc;
use thiserror::Error;

/// The engines that decide what can be asked for.
#[derive(Clone)]
pub struct Abilities {
    /// Understands.
    pub recogniser: Arc<dyn Recogniser>,
    /// Translates.
    pub translator: Arc<dyn Translator>,
    /// Speaks.
    pub synthesiser: Arc<dyn Synthesiser>,
}

/// Why a wish cannot be fulfilled.
#[derive(Debug, Error)]
pub enum Unable {
    /// The target is the language spoken already.
    #[error("{0} is the language spoken already; leave it out, or say what is spoken")]
    SameLanguage(LanguageTag),
    /// Nothing here understands the language.
    #[error("there is no recogniser for {0}; give a transcript")]
    NoRecogniser(LanguageTag),
    /// Nothing here speaks the language.
    #[error("there is no voice for {0}")]
    NoVoice(LanguageTag),
    /// Nothing here translates between the two.
    #[error("there is no translation from {from} to {to}: {}", missing(engine, package))]
    NoRoute {
        /// The language spoken.
        from: LanguageTag,
        /// The language asked for.
        to: LanguageTag,
        /// What is missing.
        engine: String,
        /// The Debian package that brings it; `none` when none does.
        package: String,
    },
    /// No engine has such a voice.
    #[error("there is no voice “{0}”")]
    UnknownVoice(String),
    /// A voice speaks none of the languages that it was chosen for.
    #[error("the voice “{voice}” does not speak {}; choose one that does", any_of(languages))]
    ForeignVoice {
        /// The engine's name of the voice.
        voice: String,
        /// The languages.
        languages: Vec<LanguageTag>,
    },
    /// An engine could not be asked.
    #[error(transparent)]
    Engine(EngineError),
}

impl Abilities {
    /// Whether speech in this language can be turned into words, or need not be.
    pub fn require_words(&self, from: &LanguageTag, transcript: &Transcript) -> Result<(), Unable> {
        match transcript {
            Transcript::Recognised if !self.recogniser.understands(from) => Err(Unable::NoRecogniser(from.clone())),
            Transcript::Recognised | Transcript::Imported { .. } | Transcript::Embedded => Ok(()),
        }
    }

    /// Whether a language can be translated into and spoken.
    pub async fn require_target(&self, from: &LanguageTag, to: &LanguageTag) -> Result<(), Unable> {
        if from.primary() == to.primary() {
            return Err(Unable::SameLanguage(to.clone()));
        }
        if self.synthesiser.voices(Some(to)).await.map_err(Unable::Engine)?.is_empty() {
            return Err(Unable::NoVoice(to.clone()));
        }
        match self.translator.route(from, to).await {
            Ok(_) => Ok(()),
            Err(EngineError::Missing { engine, package }) => {
                Err(Unable::NoRoute { from: from.clone(), to: to.clone(), engine, package })
            }
            Err(error) => Err(Unable::Engine(error)),
        }
    }

    /// Whether each of these voices exists and speaks one of these languages. It is used in those that it speaks.
    pub async fn require_voices<'a>(
        &self,
        names: impl IntoIterator<Item = &'a String>,
        languages: &[LanguageTag],
    ) -> Result<(), Unable> {
        let names: Vec<&String> = names.into_iter().collect();
        if names.is_empty() {
            return Ok(());
        }
        let all = self.synthesiser.voices(None).await.map_err(Unable::Engine)?;
        if let Some(unknown) = first_outside(&names, &all) {
            return Err(Unable::UnknownVoice(unknown));
        }
        let mut speaking = Vec::new();
        for language in languages {
            speaking.extend(self.synthesiser.speaking(language).await.map_err(Unable::Engine)?);
        }
        match first_outside(&names, &speaking) {
            Some(voice) => Err(Unable::ForeignVoice { voice, languages: languages.to_vec() }),
            None => Ok(()),
        }
    }
}

/// The first name that none of the voices has.
fn first_outside(names: &[&String], voices: &[Voice]) -> Option<String> {
    let is_outside = |name: &&&String| !voices.iter().any(|voice| voice.name == ***name);
    names.iter().find(is_outside).map(|name| (*name).clone())
}

fn any_of(languages: &[LanguageTag]) -> String {
    languages.iter().map(LanguageTag::as_str).collect::<Vec<_>>().join(" or ")
}

fn missing(engine: &str, package: &str) -> String {
    match package {
        "" | "none" => engine.to_owned(),
        package => format!("{engine} (Debian package {package})"),
    }
}

#[cfg(test)]
mod tests;
