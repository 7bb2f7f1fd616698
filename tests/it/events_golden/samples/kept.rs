//! Events of what is kept for more than one dubbing: projects and glossaries.

use super::{Sample, artefact, language, personal};
use application::ports::event_log::{DomainEvent, StreamId};
use domain::{
    glossary::{Content, GlossaryEvent},
    project::ProjectEvent,
    value::{GlossaryId, ProjectId},
};
use uuid::Uuid;

pub fn samples() -> Vec<Sample> {
    let project = StreamId::Project(ProjectId(Uuid::from_u128(0x0198_7f00_0000_7000_8000_0000_0000_0003)));
    let glossary = StreamId::Glossary(GlossaryId(Uuid::from_u128(0x0198_7f00_0000_7000_8000_0000_0000_0004)));
    let of_project = projects().into_iter().map(|event| (project.clone(), DomainEvent::Project(event)));
    let of_glossary = glossaries().into_iter().map(|event| (glossary.clone(), DomainEvent::Glossary(event)));
    of_project.chain(of_glossary).collect()
}

fn projects() -> Vec<ProjectEvent> {
    vec![
        ProjectEvent::ProjectCreated { name: personal("Talks of Ann") },
        ProjectEvent::ProjectRenamed { name: personal("All talks of Ann") },
        ProjectEvent::ProjectRemoved,
    ]
}

fn glossaries() -> Vec<GlossaryEvent> {
    let content = |count| Content {
        name: personal("Terms of Ann"),
        language: Some(language("pt-BR")),
        terms: artefact(0x31, "text/csv"),
        count,
    };
    vec![
        GlossaryEvent::GlossaryCreated(content(2)),
        GlossaryEvent::GlossaryReplaced(content(3)),
        GlossaryEvent::GlossaryRemoved,
    ]
}
