//! Make, rename and remove projects. Their names are about people as often as not: they are sealed under a key that is
//! there before the first of them.

use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::event_log::{Appended, StreamId},
};
use domain::{
    project::{Project, ProjectCommand, ProjectRejection},
    value::{Personal, ProjectId},
};
use std::sync::Arc;

/// The use cases, with what they need.
#[derive(Clone)]
pub struct KeepProjects {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
}

/// Why nothing became of a project.
pub type ProjectError = CommandError<ProjectRejection>;

impl KeepProjects {
    /// Makes a project under this id.
    pub async fn create(
        &self,
        id: ProjectId,
        name: String,
        meta: &CommandMeta,
    ) -> Result<Option<Appended>, ProjectError> {
        let command = ProjectCommand::Create { name: Personal::new(name) };
        self.aggregates.begin::<Project>(&StreamId::Project(id), command, meta).await
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
        self.aggregates.execute::<Project>(&StreamId::Project(id), command, meta).await
    }
}
