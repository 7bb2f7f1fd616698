//! Make, rename and remove projects. Their names are about people as often as not: they are sealed under a key that is
//! there before the first of them.

use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::{
        event_log::{Appended, StreamId},
        key_vault::{KeyVault, KeyVaultError},
    },
};
use domain::{
    project::{Project, ProjectCommand, ProjectRejection},
    value::{Personal, ProjectId},
};
use std::sync::Arc;
use thiserror::Error;

/// The use cases, with what they need.
#[derive(Clone)]
pub struct KeepProjects {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// Where a project's key is made.
    pub vault: Arc<dyn KeyVault>,
}

/// Why nothing became of a project.
#[derive(Debug, Error)]
pub enum ProjectError {
    /// A rule was broken.
    #[error(transparent)]
    Command(#[from] CommandError<ProjectRejection>),
    /// The key could not be made.
    #[error(transparent)]
    Key(#[from] KeyVaultError),
}

impl KeepProjects {
    /// Makes a project under this id.
    pub async fn create(
        &self,
        id: ProjectId,
        name: String,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, ProjectError> {
        self.vault.ensure(id.0)?;
        self.give(id, ProjectCommand::Create { name: Personal::new(name) }, meta).await
    }

    /// Calls it something else.
    pub async fn rename(
        &self,
        id: ProjectId,
        name: String,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, ProjectError> {
        self.give(id, ProjectCommand::Rename { name: Personal::new(name) }, meta).await
    }

    /// Removes it; its dubbings stay.
    pub async fn remove(&self, id: ProjectId, meta: &CommandMeta) -> Result<Option<Appended>, ProjectError> {
        self.give(id, ProjectCommand::Remove, meta).await
    }

    async fn give(
        &self,
        id: ProjectId,
        command: ProjectCommand,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, ProjectError> {
        Ok(self.aggregates.execute::<Project>(&StreamId::Project(id), command, meta).await?)
    }
}
