//! Terms as clients give and get them.

use application::{
    commands::glossaries::GlossaryTerms,
    text::glossary::{TERMS_MAX, Term},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Visitor},
};
use std::fmt;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        OneOfBuilder, Ref, RefOr,
        schema::{ArrayBuilder, ObjectBuilder, Schema, Type},
    },
};

/// Longest source or target, in characters.
const TERM_CHARS_MAX: usize = 500;

/// A word or phrase and its translation.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TermDocument {
    /// In the source language.
    source: OneLine,
    /// In the target language, as it is to appear.
    target: OneLine,
}

/// A text of 1 to 500 characters, none of them for control.
#[derive(Debug, Serialize)]
struct OneLine(String);

/// Terms, as a list or as a CSV.
#[derive(Debug)]
pub(crate) struct TermsInput(pub GlossaryTerms);

impl From<&Term> for TermDocument {
    fn from(term: &Term) -> Self {
        Self { source: OneLine(term.source.clone()), target: OneLine(term.target.clone()) }
    }
}

impl<'de> Deserialize<'de> for OneLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_line = (1..=TERM_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if is_line { Ok(Self(text)) } else { Err(D::Error::custom("a term has 1 to 500 characters on one line")) }
    }
}

impl PartialSchema for OneLine {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(TERM_CHARS_MAX));
        text.pattern(Some("^[^\\u0000-\\u001F\\u007F-\\u009F]*$")).examples(["flight director"]).into()
    }
}

impl ToSchema for OneLine {}

impl<'de> Deserialize<'de> for TermsInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either).map(Self)
    }
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = GlossaryTerms;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of terms, or a CSV")
    }

    fn visit_str<E: Error>(self, csv: &str) -> Result<GlossaryTerms, E> {
        Ok(GlossaryTerms::Csv(csv.as_bytes().to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<GlossaryTerms, A::Error> {
        let mut terms = Vec::new();
        while let Some(TermDocument { source, target }) = list.next_element()? {
            terms.push(Term { source: source.0, target: target.0 });
        }
        Ok(GlossaryTerms::List(terms))
    }
}

impl PartialSchema for TermsInput {
    fn schema() -> RefOr<Schema> {
        let list = ArrayBuilder::new().items(Ref::from_schema_name(TermDocument::name())).max_items(Some(TERMS_MAX));
        let csv = ObjectBuilder::new().schema_type(Type::String).examples(["source,target\nengine,motor\n"]);
        OneOfBuilder::new().item(list).item(csv).into()
    }
}

impl ToSchema for TermsInput {}
