//! Languages as clients write them.

use super::invalid;
use crate::problem::Fault;
use domain::value::LanguageTag;
use serde::{Deserialize, Deserializer, de::Error};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ArrayBuilder, ObjectBuilder, Schema, Type},
    },
};

/// Longest tag, in characters: RFC 5646 §4.4.1 asks for room for 35.
const TAG_CHARS_MAX: usize = 35;
/// Most target languages of one order.
const LANGUAGES_MAX: usize = 50;

/// A BCP 47 language tag: `es`, `pt-BR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Language(pub LanguageTag);

/// One to fifty languages, each once.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Languages(Vec<Language>);

impl Languages {
    /// The tags, in their order.
    pub fn tags(&self) -> Vec<LanguageTag> {
        self.0.iter().map(|language| language.0.clone()).collect()
    }

    /// What is wrong with the list.
    pub fn faults(&self) -> Vec<Fault> {
        if self.0.is_empty() || self.0.len() > LANGUAGES_MAX {
            return vec![invalid("/target_languages", "there are 1 to 50 target languages")];
        }
        let again = |(place, language): &(usize, &Language)| self.0.iter().take(*place).any(|known| known == *language);
        let twice = self.0.iter().enumerate().filter(again);
        twice.map(|(place, _)| invalid(format!("/target_languages/{place}"), "it stands there twice")).collect()
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let tag = if text.len() > TAG_CHARS_MAX { None } else { text.parse().ok() };
        tag.map(Self).ok_or_else(|| D::Error::custom("a language is a BCP 47 tag such as es or pt-BR"))
    }
}

impl PartialSchema for Language {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"))
            .min_length(Some(2))
            .max_length(Some(TAG_CHARS_MAX))
            .description(Some("A BCP 47 language tag"))
            .examples(["es", "pt-BR"])
            .into()
    }
}

impl ToSchema for Language {}

impl PartialSchema for Languages {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(Language::schema())
            .min_items(Some(1))
            .max_items(Some(LANGUAGES_MAX))
            .unique_items(true)
            .description(Some("Languages, each once"))
            .into()
    }
}

impl ToSchema for Languages {}
