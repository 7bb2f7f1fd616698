//! The project: a group of dubbings under a name. Stream `project-<id>`.

use crate::{decider::Decider, value::Personal};
use serde::{Deserialize, Serialize};
use std::fmt;

#[cfg(test)]
mod tests;

/// What is known of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its name; `None` before it was made, and after it was removed.
    pub name: Option<Personal<String>>,
    /// It was removed.
    pub is_removed: bool,
}

/// What can be asked of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectCommand {
    /// Make it.
    Create {
        /// Its name.
        name: Personal<String>,
    },
    /// Call it something else.
    Rename {
        /// Its name.
        name: Personal<String>,
    },
    /// Remove it; its dubbings stay.
    Remove,
}

/// What has happened to a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProjectEvent {
    /// It was made.
    ProjectCreated {
        /// Its name.
        name: Personal<String>,
    },
    /// It is called something else.
    ProjectRenamed {
        /// Its name.
        name: Personal<String>,
    },
    /// It was removed; its dubbings stay.
    ProjectRemoved,
}

/// Which rule a command to a project broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectRejection {
    /// There is none.
    Unknown,
    /// It was made already, under another name.
    AlreadyCreated,
}

impl fmt::Display for ProjectRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProjectRejection::Unknown => "there is no such project",
            ProjectRejection::AlreadyCreated => "the project was made already, under another name",
        })
    }
}

impl std::error::Error for ProjectRejection {}

impl Decider for Project {
    type State = Project;
    type Command = ProjectCommand;
    type Event = ProjectEvent;
    type Rejection = ProjectRejection;

    const STATE_VERSION: u32 = 1;

    fn decide(project: &Project, command: ProjectCommand) -> Result<Vec<ProjectEvent>, ProjectRejection> {
        match (&project.name, command) {
            (None, ProjectCommand::Create { name }) if !project.is_removed => {
                Ok(vec![ProjectEvent::ProjectCreated { name }])
            }
            (None, ProjectCommand::Remove) if project.is_removed => Ok(vec![]),
            (None, _) => Err(ProjectRejection::Unknown),
            (Some(known), ProjectCommand::Create { name }) if *known == name => Ok(vec![]),
            (Some(_), ProjectCommand::Create { .. }) => Err(ProjectRejection::AlreadyCreated),
            (Some(known), ProjectCommand::Rename { name }) if *known == name => Ok(vec![]),
            (Some(_), ProjectCommand::Rename { name }) => Ok(vec![ProjectEvent::ProjectRenamed { name }]),
            (Some(_), ProjectCommand::Remove) => Ok(vec![ProjectEvent::ProjectRemoved]),
        }
    }

    fn evolve(project: &mut Project, event: &ProjectEvent) {
        match event {
            ProjectEvent::ProjectCreated { name } | ProjectEvent::ProjectRenamed { name } => {
                project.name = Some(name.clone());
            }
            ProjectEvent::ProjectRemoved => *project = Self { name: None, is_removed: true },
        }
    }
}
