//! The glossary: terms and their translations, to be used by more than one dubbing. Stream `glossary-<id>`.

use crate::{
    decider::Decider,
    value::{Artefact, LanguageTag, Personal},
};
use serde::{Deserialize, Serialize};
use std::fmt;

#[cfg(test)]
mod tests;

/// What is known of a glossary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glossary {
    /// What is in it now; `None` before it was made, and after it was removed.
    pub content: Option<Content>,
    /// It was removed.
    pub is_removed: bool,
}

/// What is in a glossary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// What it is called.
    pub name: Personal<String>,
    /// The language that it translates into; `None` fits any.
    pub language: Option<LanguageTag>,
    /// The terms: a CSV with the columns source and target, kept as a blob.
    pub terms: Artefact,
    /// How many there are.
    pub count: u32,
}

/// What can be asked of a glossary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GlossaryCommand {
    /// Make it.
    Create(Content),
    /// Put something else in. Dubbings that use it keep the terms that they began with.
    Replace(Content),
    /// Remove it.
    Remove,
}

/// What has happened to a glossary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GlossaryEvent {
    /// It was made.
    GlossaryCreated(Content),
    /// Something else is in it now.
    GlossaryReplaced(Content),
    /// It was removed.
    GlossaryRemoved,
}

/// Which rule a command to a glossary broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlossaryRejection {
    /// There is none.
    Unknown,
    /// It was made already, with other content.
    AlreadyCreated,
}

impl fmt::Display for GlossaryRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GlossaryRejection::Unknown => "there is no such glossary",
            GlossaryRejection::AlreadyCreated => "the glossary was made already, with other content",
        })
    }
}

impl std::error::Error for GlossaryRejection {}

impl Decider for Glossary {
    type State = Glossary;
    type Command = GlossaryCommand;
    type Event = GlossaryEvent;
    type Rejection = GlossaryRejection;

    const STATE_VERSION: u32 = 1;

    fn decide(glossary: &Glossary, command: GlossaryCommand) -> Result<Vec<GlossaryEvent>, GlossaryRejection> {
        match (&glossary.content, command) {
            (None, GlossaryCommand::Create(content)) if !glossary.is_removed => {
                Ok(vec![GlossaryEvent::GlossaryCreated(content)])
            }
            (None, GlossaryCommand::Remove) if glossary.is_removed => Ok(vec![]),
            (None, _) => Err(GlossaryRejection::Unknown),
            (Some(known), GlossaryCommand::Create(content) | GlossaryCommand::Replace(content))
                if *known == content =>
            {
                Ok(vec![])
            }
            (Some(_), GlossaryCommand::Create(_)) => Err(GlossaryRejection::AlreadyCreated),
            (Some(_), GlossaryCommand::Replace(content)) => Ok(vec![GlossaryEvent::GlossaryReplaced(content)]),
            (Some(_), GlossaryCommand::Remove) => Ok(vec![GlossaryEvent::GlossaryRemoved]),
        }
    }

    fn evolve(glossary: &mut Glossary, event: &GlossaryEvent) {
        match event {
            GlossaryEvent::GlossaryCreated(content) | GlossaryEvent::GlossaryReplaced(content) => {
                glossary.content = Some(content.clone());
            }
            GlossaryEvent::GlossaryRemoved => *glossary = Self { content: None, is_removed: true },
        }
    }
}
