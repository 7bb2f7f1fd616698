//! Each command to a project: accepted, refused, silent.

use super::{Project, ProjectCommand, ProjectEvent, ProjectRejection};
use crate::{spec::given, value::Personal};

fn named(name: &str) -> Personal<String> {
    Personal::new(name.to_owned())
}

fn created() -> ProjectEvent {
    ProjectEvent::ProjectCreated { name: named("Autumn") }
}

#[test]
fn a_project_is_made_once() {
    let create = ProjectCommand::Create { name: named("Autumn") };
    given::<Project>([]).when(create.clone()).then([created()]);
    given::<Project>([created()]).when(create.clone()).then_silent();
    let other = ProjectCommand::Create { name: named("Winter") };
    given::<Project>([created()]).when(other).then_refused(&ProjectRejection::AlreadyCreated);
    given::<Project>([created(), ProjectEvent::ProjectRemoved]).when(create).then_refused(&ProjectRejection::Unknown);
}

#[test]
fn a_project_is_renamed() {
    let rename = |name| ProjectCommand::Rename { name: named(name) };
    given::<Project>([created()]).when(rename("Winter")).then([ProjectEvent::ProjectRenamed { name: named("Winter") }]);
    given::<Project>([created()]).when(rename("Autumn")).then_silent();
    given::<Project>([]).when(rename("Winter")).then_refused(&ProjectRejection::Unknown);
}

#[test]
fn a_project_is_removed() {
    given::<Project>([created()]).when(ProjectCommand::Remove).then([ProjectEvent::ProjectRemoved]);
    given::<Project>([created(), ProjectEvent::ProjectRemoved]).when(ProjectCommand::Remove).then_silent();
    given::<Project>([]).when(ProjectCommand::Remove).then_refused(&ProjectRejection::Unknown);
}
