//! Projects: one row per group of dubbings. How many it holds; never what it is called.

use crate::{
    projection::{Beside, Projection, Touched},
    row::{add, is_set, number, or_blank, set},
};
use application::ports::{
    event_log::{DomainEvent, Recorded, StreamId},
    read_store::{Row, RowKey, Table},
};
use domain::{
    dubbing::{DubbingEvent, Order},
    project::ProjectEvent,
    value::ProjectId,
};
use serde_json::json;

/// One row per project.
///
/// `state` is `active` or `removed`; null for one that dubbings name and nobody made. `revision` is the stream's.
/// `dubbings` counts those that were begun in it; they stay when it is removed.
pub static TABLE: Table = Table {
    name: "projects",
    key: &["project_id"],
    columns: &["project_id", "tenant", "revision", "state", "dubbings", "created_at", "updated_at"],
};

/// The fold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Projects;

impl Projection for Projects {
    fn name(&self) -> &'static str {
        "projects"
    }

    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn touches(&self, event: &Recorded) -> Touched {
        let one = |id: ProjectId| Touched::one(vec![json!(id.to_string())]);
        match &event.stream {
            StreamId::Project(id) => one(*id),
            StreamId::Dubbing(_) => project_of(&event.event).map_or_else(Touched::none, one),
            StreamId::Track(_) | StreamId::Asset(_) | StreamId::Glossary(_) | StreamId::Tenancy(_) => Touched::none(),
        }
    }

    fn rows_of(&self, stream: &StreamId) -> Option<RowKey> {
        matches!(stream, StreamId::Project(_)).then(|| vec![json!(stream.subject().to_string())])
    }

    fn apply(&self, row: Option<Row>, key: &RowKey, event: &Recorded, _: &Beside<'_>) -> Option<Row> {
        let mut row = or_blank(row, &TABLE, key);
        let now = event.recorded_at.to_string();
        if !is_set(&row, "dubbings") {
            set(&mut row, "dubbings", 0);
        }
        match &event.event {
            DomainEvent::Project(happened) => {
                match happened {
                    ProjectEvent::ProjectCreated { .. } => {
                        set(&mut row, "state", "active");
                        set(&mut row, "created_at", now.as_str());
                    }
                    ProjectEvent::ProjectRenamed { .. } => {}
                    ProjectEvent::ProjectRemoved => set(&mut row, "state", "removed"),
                }
                set(&mut row, "revision", number(event.revision));
            }
            DomainEvent::Dubbing(DubbingEvent::VideoGenerationStarted { .. }) => add(&mut row, "dubbings", 1),
            DomainEvent::Dubbing(_)
            | DomainEvent::Track(_)
            | DomainEvent::Asset(_)
            | DomainEvent::Glossary(_)
            | DomainEvent::Tenancy(_) => {}
        }
        set(&mut row, "tenant", event.tenant.0.as_str());
        set(&mut row, "updated_at", now);
        Some(row)
    }
}

fn project_of(event: &DomainEvent) -> Option<ProjectId> {
    match event {
        DomainEvent::Dubbing(DubbingEvent::VideoGenerationStarted { order: Order { project, .. }, .. }) => *project,
        DomainEvent::Dubbing(_) | DomainEvent::Track(_) | DomainEvent::Asset(_) => None,
        DomainEvent::Project(_) | DomainEvent::Glossary(_) | DomainEvent::Tenancy(_) => None,
    }
}
