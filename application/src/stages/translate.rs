//! Translate: the same sentences in another language.

mod handler;

use crate::ports::engine::{Engine, EngineError};
use async_trait::async_trait;
use domain::value::LanguageTag;
pub use handler::{CONFIDENCE_MIN, Translate};

/// Translates sentences.
#[async_trait]
pub trait Translator: Engine {
    /// The shortest way from one language to another over what is installed, or
    /// [`EngineError::Missing`] naming the package that would open one. When no pair or pivot exists
    /// at all, [`EngineError::Missing`] says so in `engine`.
    async fn route(&self, from: &LanguageTag, to: &LanguageTag) -> Result<Route, EngineError>;

    /// Translates each sentence by itself, in as few child runs as possible; the result has the same
    /// length and order. Never answers with a sentence's words in a neighbour's place.
    async fn translate(&self, route: &Route, sentences: &[Sentence]) -> Result<Vec<Translated>, EngineError>;
}

/// How a translation goes: `en es` directly, `en es pt` over a pivot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Languages in order, source first, target last; at least two.
    pub languages: Vec<LanguageTag>,
    /// The engine's names of the hops (`eng-spa`, `es-pt`), one fewer than languages.
    pub modes: Vec<String>,
}

impl Route {
    /// Whether a third language stands between source and target.
    pub fn is_pivoted(&self) -> bool {
        self.modes.len() > 1
    }
}

/// A sentence, or the few sentences of one utterance, cased and punctuated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What it consists of, in order; joined by single spaces except before punctuation.
    pub parts: Vec<SentencePart>,
}

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentencePart {
    /// To be translated.
    Text(String),
    /// Already in the target language (a glossary's term, a name): to appear exactly like this.
    Fixed(String),
}

/// A translated sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// In the target language, readable: no engine marks.
    pub text: String,
    /// Words of the source that the engine does not know and left as they are.
    pub unknown: Vec<String>,
}
