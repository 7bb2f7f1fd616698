//! Glossaries: terms and their translations, for more than one dubbing.

mod change;
mod create;
mod list;
mod terms;

pub(crate) use change::*;
pub(crate) use create::*;
pub(crate) use list::*;

use super::{
    dubbings::wish::Language,
    kept::{self, Listed, Name},
};
use crate::{
    api::Api,
    columns,
    extract::Caller,
    problem::{Code, Fault, Problem},
};
use application::{
    aggregates::Loaded,
    commands::glossaries::{GlossaryContent, GlossaryTerms, KeepGlossaries, KeepGlossaryError},
    ports::read_store::{Row, Table},
    text::glossary::GlossaryError,
};
use domain::{
    glossary::Glossary,
    value::{GlossaryId, LanguageTag},
};
use projections::glossaries::TABLE;
use serde::{Deserialize, Serialize};
use terms::{TermDocument, TermsInput};
use utoipa::ToSchema;
use uuid::Uuid;

/// A glossary to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGlossary {
    /// What it is called.
    name: Name,
    /// The language that it translates into, and the only one that it is used in: `es` for `es-MX`, too. Absent or null
    /// fits any.
    #[schema(inline)]
    language: Option<Language>,
    /// The terms: a list, or a CSV (RFC 4180) with the columns source and target. Each source stands there once, and
    /// both have a letter or a digit.
    terms: TermsInput,
}

/// A glossary, without its terms.
#[derive(Serialize, ToSchema)]
pub(crate) struct GlossarySummary {
    /// Its id.
    id: Uuid,
    /// What it is called; absent once that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// The language that it translates into; absent when it fits any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    language: Option<String>,
    /// How many terms it has.
    count: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last filled.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A glossary.
#[derive(Serialize, ToSchema)]
pub(crate) struct GlossaryDocument {
    /// Its id.
    id: Uuid,
    /// What it is called; absent once that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// The language that it translates into; absent when it fits any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    language: Option<String>,
    /// Its terms.
    terms: Vec<TermDocument>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last filled.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A glossary, as far as a command tells of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct GlossaryBrief {
    /// Its id.
    id: Uuid,
    /// What it is called.
    name: String,
}

impl Listed for GlossarySummary {
    const TABLE: &'static Table = &TABLE;

    async fn of(api: &Api, row: &Row) -> Result<Self, Problem> {
        let id = kept::id(row, "glossary_id")?;
        let glossary = api.aggregates.glossary(GlossaryId(id)).await?;
        Ok(Self {
            id,
            name: kept::revealed(glossary.state.content.as_ref().map(|content| &content.name)),
            language: Some(columns::owned(row, "language")).filter(|language| !language.is_empty()),
            count: columns::number(row, "terms").unwrap_or_default(),
            created_at: columns::owned(row, "created_at"),
            updated_at: columns::owned(row, "updated_at"),
        })
    }
}

impl NewGlossary {
    fn content(self) -> GlossaryContent {
        GlossaryContent { name: self.name.0, language: self.language.map(|tag| tag.0), terms: self.terms.0 }
    }
}

/// What is wrong with the terms, at the place where the client gave them.
fn refusal(error: KeepGlossaryError, is_list: bool) -> Problem {
    let error = match error {
        KeepGlossaryError::Terms(error) => error,
        KeepGlossaryError::Command(error) => return error.into(),
        KeepGlossaryError::Blob(error) => return error.into(),
    };
    // In a list, the heading is line 1 and no term has more than one line.
    let place = |line: u64| if is_list { format!("/terms/{}", line.saturating_sub(2)) } else { "/terms".to_owned() };
    let (pointer, detail) = match &error {
        GlossaryError::EmptyTerm { line, column } if is_list => {
            (format!("{}/{column}", place(*line)), "a term has a letter or a digit".to_owned())
        }
        GlossaryError::Contradiction { line, first_line } if is_list => {
            (place(*line), format!("term {} says otherwise; keep one of the two", first_line.saturating_sub(2)))
        }
        GlossaryError::EmptyTerm { line, .. }
        | GlossaryError::Contradiction { line, .. }
        | GlossaryError::MissingColumn { line }
        | GlossaryError::NotUtf8 { line } => (place(*line), error.to_string()),
        GlossaryError::TooMany => ("/terms".to_owned(), error.to_string()),
    };
    Problem::new(Code::InvalidRequest).fault(Fault::at(pointer, "invalid-value", detail))
}

fn keep(api: &Api) -> KeepGlossaries {
    KeepGlossaries { aggregates: api.aggregates.clone(), blobs: api.blobs.clone() }
}

fn is_list(content: &GlossaryContent) -> bool {
    matches!(content.terms, GlossaryTerms::List(_))
}

fn path(id: Uuid) -> String {
    format!("/v1/glossaries/{id}")
}

/// A glossary that is there and the caller's: 404 otherwise.
async fn require(api: &Api, caller: &Caller, id: Uuid) -> Result<Loaded<Glossary>, Problem> {
    let glossary = api.aggregates.glossary(GlossaryId(id)).await?;
    let is_there = glossary.is_of(caller.tenant()) && glossary.state.content.is_some();
    if is_there { Ok(glossary) } else { Err(Problem::new(Code::NotFound)) }
}

/// A tag as answers show it.
fn tag(language: Option<&LanguageTag>) -> Option<String> {
    language.map(|language| language.as_str().to_owned())
}
