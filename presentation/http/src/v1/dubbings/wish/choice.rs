//! Choices of which some carry something along: a word, or an object with one member.

use super::invalid;
use crate::problem::Fault;
use application::commands::order_dubbing::{GlossaryOrder, TranscriptOrder};
use domain::value::GlossaryId;
use serde::Deserialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{AdditionalProperties, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type},
    },
};
use uuid::Uuid;

/// Largest transcript inside an order, in bytes.
const TRANSCRIPT_BYTES_MAX: usize = 512 << 10;
/// Largest glossary inside an order, in bytes. A larger one is kept first, and named by its id.
const GLOSSARY_BYTES_MAX: usize = 256 << 10;

/// Where the words come from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TranscriptChoice {
    /// Speech recognition.
    #[default]
    Recognise,
    /// The text track inside the source.
    Embedded,
    /// SRT or WebVTT.
    Text(String),
}

/// Where terms come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GlossaryChoice {
    /// A glossary that is kept.
    Id(Uuid),
    /// A CSV with the columns source and target.
    Csv(String),
}

impl TranscriptChoice {
    /// What is out of bounds.
    pub fn faults(&self) -> Option<Fault> {
        match self {
            Self::Text(text) if text.len() > TRANSCRIPT_BYTES_MAX => {
                Some(invalid("/transcript/text", "a transcript in an order has at most 512 KiB"))
            }
            Self::Text(_) | Self::Recognise | Self::Embedded => None,
        }
    }
}

impl GlossaryChoice {
    /// What is out of bounds.
    pub fn faults(&self) -> Option<Fault> {
        match self {
            Self::Csv(text) if text.len() > GLOSSARY_BYTES_MAX => {
                Some(invalid("/glossary/csv", "a glossary in an order has at most 256 KiB; keep it first"))
            }
            Self::Csv(_) | Self::Id(_) => None,
        }
    }

    /// What to order.
    pub fn order(choice: Option<Self>) -> GlossaryOrder {
        match choice {
            None => GlossaryOrder::None,
            Some(Self::Id(id)) => GlossaryOrder::Kept(GlossaryId(id)),
            Some(Self::Csv(text)) => GlossaryOrder::Csv(text.into_bytes()),
        }
    }
}

impl From<TranscriptChoice> for TranscriptOrder {
    fn from(choice: TranscriptChoice) -> Self {
        match choice {
            TranscriptChoice::Recognise => TranscriptOrder::Recognise,
            TranscriptChoice::Embedded => TranscriptOrder::Embedded,
            TranscriptChoice::Text(text) => TranscriptOrder::Text(text.into_bytes()),
        }
    }
}

impl PartialSchema for TranscriptChoice {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(TRANSCRIPT_BYTES_MAX))
            .description(Some("SRT or WebVTT, of 512 KiB at most"));
        OneOfBuilder::new()
            .item(word("recognise", "Speech recognition; unless told"))
            .item(word("embedded", "The text track inside the source"))
            .item(only("text", text))
            .description(Some("Where the words come from"))
            .into()
    }
}

impl ToSchema for TranscriptChoice {
    fn name() -> std::borrow::Cow<'static, str> {
        "TranscriptSource".into()
    }
}

impl PartialSchema for GlossaryChoice {
    fn schema() -> RefOr<Schema> {
        let id = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .description(Some(
                "A glossary that is kept; it is used in its own language, which must be among those asked for",
            ));
        let csv = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(GLOSSARY_BYTES_MAX))
            .description(Some("Lines of `source,target`, of 256 KiB at most"));
        OneOfBuilder::new()
            .item(only("id", id))
            .item(only("csv", csv))
            .description(Some("Terms and how they are translated"))
            .into()
    }
}

impl ToSchema for GlossaryChoice {
    fn name() -> std::borrow::Cow<'static, str> {
        "GlossarySource".into()
    }
}

fn word(word: &str, about: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([word])).description(Some(about))
}

/// An object with this member and no other.
fn only(name: &str, of: ObjectBuilder) -> ObjectBuilder {
    ObjectBuilder::new()
        .property(name, of)
        .required(name)
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
}
