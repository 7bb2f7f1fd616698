//! Make, fill anew and remove glossaries. What they hold is kept as a CSV, so that every way in ends in one form.

use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::{
        blob_store::{BlobError, BlobStore},
        event_log::{Appended, StreamId},
    },
    text::glossary::{Glossary as Terms, GlossaryError, Term, to_csv},
};
use domain::{
    glossary::{Content, Glossary, GlossaryCommand, GlossaryRejection},
    value::{Artefact, GlossaryId, LanguageTag, Personal},
};
use std::sync::Arc;
use thiserror::Error;

/// The use cases, with what they need.
#[derive(Clone)]
pub struct KeepGlossaries {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// Where terms are kept.
    pub blobs: Arc<dyn BlobStore>,
}

/// What a glossary is to hold.
#[derive(Clone, Debug)]
pub struct GlossaryContent {
    /// What it is called.
    pub name: String,
    /// The language that it translates into; `None` fits any.
    pub language: Option<LanguageTag>,
    /// The terms.
    pub terms: GlossaryTerms,
}

/// Terms, one way or the other.
#[derive(Clone, Debug)]
pub enum GlossaryTerms {
    /// One by one.
    List(Vec<Term>),
    /// A CSV with the columns source and target.
    Csv(Vec<u8>),
}

/// Why nothing became of a glossary.
#[derive(Debug, Error)]
pub enum KeepGlossaryError {
    /// The terms cannot be used. Lines count from 1; in a list, the line before the first term is the heading.
    #[error(transparent)]
    Terms(#[from] GlossaryError),
    /// A rule was broken.
    #[error(transparent)]
    Command(#[from] CommandError<GlossaryRejection>),
    /// The terms could not be kept.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl KeepGlossaries {
    /// Makes a glossary under this id.
    pub async fn create(
        &self,
        id: GlossaryId,
        content: GlossaryContent,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, KeepGlossaryError> {
        let content = self.keep(content).await?;
        let command = GlossaryCommand::Create(content);
        Ok(self.aggregates.begin::<Glossary>(&StreamId::Glossary(id), command, meta).await?)
    }

    /// Puts something else in. Dubbings that use it keep the terms that they began with.
    pub async fn replace(
        &self,
        id: GlossaryId,
        content: GlossaryContent,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, KeepGlossaryError> {
        let content = self.keep(content).await?;
        self.give(id, GlossaryCommand::Replace(content), meta).await
    }

    /// Removes it.
    pub async fn remove(&self, id: GlossaryId, meta: &CommandMeta) -> Result<Option<Appended>, KeepGlossaryError> {
        self.give(id, GlossaryCommand::Remove, meta).await
    }

    /// The terms that are kept there, in their order; `None` when they are gone.
    pub async fn terms(&self, terms: &Artefact) -> Result<Option<Vec<Term>>, KeepGlossaryError> {
        let csv = self.blobs.get_bytes(&terms.sha256).await?;
        csv.map(|csv| Ok(Terms::parse(&csv)?.terms().to_vec())).transpose()
    }

    async fn keep(&self, content: GlossaryContent) -> Result<Content, KeepGlossaryError> {
        let csv = match content.terms {
            GlossaryTerms::List(terms) => to_csv(&terms),
            GlossaryTerms::Csv(csv) => csv,
        };
        let count = u32::try_from(Terms::parse(&csv)?.terms().len()).unwrap_or(u32::MAX);
        let terms = self.blobs.put_bytes(csv, "text/csv").await?;
        Ok(Content { name: Personal::new(content.name), language: content.language, terms, count })
    }

    async fn give(
        &self,
        id: GlossaryId,
        command: GlossaryCommand,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, KeepGlossaryError> {
        Ok(self.aggregates.execute::<Glossary>(&StreamId::Glossary(id), command, meta).await?)
    }
}
