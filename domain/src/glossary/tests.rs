//! Each command to a glossary: accepted, refused, silent.

use super::{Content, Glossary, GlossaryCommand, GlossaryEvent, GlossaryRejection};
use crate::{
    spec::given,
    value::{Artefact, Personal, Sha256},
};

fn content(count: u32) -> Content {
    Content {
        name: Personal::new("Terms".to_owned()),
        language: None,
        terms: Artefact { sha256: Sha256::new([7; 32]), media_type: "text/csv".to_owned(), bytes: 40 },
        count,
    }
}

fn created() -> GlossaryEvent {
    GlossaryEvent::GlossaryCreated(content(2))
}

#[test]
fn a_glossary_is_made_once() {
    let create = GlossaryCommand::Create(content(2));
    given::<Glossary>([]).when(create.clone()).then([created()]);
    given::<Glossary>([created()]).when(create.clone()).then_silent();
    let other = GlossaryCommand::Create(content(3));
    given::<Glossary>([created()]).when(other).then_refused(&GlossaryRejection::AlreadyCreated);
    let gone = [created(), GlossaryEvent::GlossaryRemoved];
    given::<Glossary>(gone).when(create).then_refused(&GlossaryRejection::Unknown);
}

#[test]
fn a_glossary_is_replaced() {
    let replace = |count| GlossaryCommand::Replace(content(count));
    given::<Glossary>([created()]).when(replace(3)).then([GlossaryEvent::GlossaryReplaced(content(3))]);
    given::<Glossary>([created()]).when(replace(2)).then_silent();
    given::<Glossary>([]).when(replace(2)).then_refused(&GlossaryRejection::Unknown);
}

#[test]
fn a_glossary_is_removed() {
    given::<Glossary>([created()]).when(GlossaryCommand::Remove).then([GlossaryEvent::GlossaryRemoved]);
    given::<Glossary>([created(), GlossaryEvent::GlossaryRemoved]).when(GlossaryCommand::Remove).then_silent();
    given::<Glossary>([]).when(GlossaryCommand::Remove).then_refused(&GlossaryRejection::Unknown);
}
