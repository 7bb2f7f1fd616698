//! Language tags as clients give them.

use domain::value::LanguageTag;
use serde::{Deserialize, Deserializer, de::Error};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// Longest tag, in characters. No tag in use is longer.
const CHARS_MAX: usize = 64;

/// A language tag (BCP 47).
#[derive(Debug)]
pub(crate) struct Language(pub LanguageTag);

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() > CHARS_MAX {
            return Err(D::Error::custom("a language tag has 64 characters at most"));
        }
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

impl PartialSchema for Language {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(CHARS_MAX));
        text.pattern(Some("^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")).examples(["pt-BR"]).into()
    }
}

impl ToSchema for Language {}
