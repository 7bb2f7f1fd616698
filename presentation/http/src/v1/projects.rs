//! Projects: dubbings that belong together, under a name.

mod change;
mod create;
mod list;

pub(crate) use change::*;
pub(crate) use create::*;
pub(crate) use list::*;

use super::kept::{self, Listed, Name};
use crate::{
    api::Api,
    columns,
    extract::Caller,
    problem::{Code, Problem},
};
use application::{
    aggregates::Loaded,
    commands::projects::KeepProjects,
    ports::read_store::{Row, Table},
};
use domain::{project::Project, value::ProjectId};
use projections::projects::TABLE;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A project to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProject {
    /// What it is called.
    name: Name,
}

/// A project.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProjectDocument {
    /// Its id.
    id: Uuid,
    /// What it is called; absent once that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// How many dubbings were begun in it.
    dubbings: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When something last happened to it, or in it.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A project, as far as a command tells of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProjectBrief {
    /// Its id.
    id: Uuid,
    /// What it is called.
    name: String,
}

impl Listed for ProjectDocument {
    const TABLE: &'static Table = &TABLE;

    async fn of(api: &Api, row: &Row) -> Result<Self, Problem> {
        let id = kept::id(row, "project_id")?;
        let project = api.aggregates.project(ProjectId(id)).await?;
        Ok(Self {
            id,
            name: kept::revealed(project.state.name.as_ref()),
            dubbings: columns::number(row, "dubbings").unwrap_or_default(),
            created_at: columns::owned(row, "created_at"),
            updated_at: columns::owned(row, "updated_at"),
        })
    }
}

fn keep(api: &Api) -> KeepProjects {
    KeepProjects { aggregates: api.aggregates.clone() }
}

fn path(id: Uuid) -> String {
    format!("/v1/projects/{id}")
}

/// A project that is there and the caller's: 404 otherwise.
async fn require(api: &Api, caller: &Caller, id: Uuid) -> Result<Loaded<Project>, Problem> {
    let project = api.aggregates.project(ProjectId(id)).await?;
    let is_there = project.is_of(caller.tenant()) && project.state.name.is_some();
    if is_there { Ok(project) } else { Err(Problem::new(Code::NotFound)) }
}
