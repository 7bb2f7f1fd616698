//! Engines that only say what they could do: for tests of what can be asked for.

use crate::{
    abilities::Abilities,
    ports::engine::{Engine, EngineError, EngineInfo},
    stages::{
        synthesise::{Gender, SpeakInput, Speech, Synthesiser, Voice},
        transcribe::{RecogniseInput, Recognised, Recogniser},
        translate::{Route, Sentence, Translated, Translator},
    },
};
use async_trait::async_trait;
use domain::value::LanguageTag;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Understands the first language (BCP 47 tags), translates it into the others, and speaks those with two voices each:
/// `es`, `es+f2`.
pub fn abilities(understood: &str, spoken: &[&str]) -> Abilities {
    let spoken = spoken.iter().filter_map(|spoken| spoken.parse().ok()).collect();
    let able = Arc::new(Able { understood: understood.parse().ok(), spoken });
    Abilities { recogniser: able.clone(), translator: able.clone(), synthesiser: able }
}

/// All three engines in one.
struct Able {
    understood: Option<LanguageTag>,
    spoken: Vec<LanguageTag>,
}

#[async_trait]
impl Engine for Able {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        Ok(EngineInfo {
            name: "able".to_owned(),
            purpose: "tests".to_owned(),
            version: "1".to_owned(),
            languages: self.spoken.clone(),
            licence: "MIT".to_owned(),
            model_digest: None,
        })
    }
}

#[async_trait]
impl Recogniser for Able {
    fn understands(&self, language: &LanguageTag) -> bool {
        self.understood.as_ref().is_some_and(|understood| understood.primary() == language.primary())
    }

    async fn recognise(&self, _: RecogniseInput, _: mpsc::Sender<Recognised>) -> Result<(), EngineError> {
        Err(talk_only())
    }
}

#[async_trait]
impl Translator for Able {
    async fn route(&self, from: &LanguageTag, to: &LanguageTag) -> Result<Route, EngineError> {
        if self.understands(from) && self.spoken.contains(to) {
            return Ok(Route { languages: vec![from.clone(), to.clone()], modes: vec![format!("{from}-{to}")] });
        }
        Err(EngineError::Missing {
            engine: format!("a translator {from}-{to}"),
            package: format!("apertium-{from}-{to}"),
        })
    }

    async fn translate(&self, _: &Route, _: &[Sentence]) -> Result<Vec<Translated>, EngineError> {
        Err(talk_only())
    }
}

#[async_trait]
impl Synthesiser for Able {
    async fn voices(&self, language: Option<&LanguageTag>) -> Result<Vec<Voice>, EngineError> {
        let of = |spoken: &LanguageTag| {
            let voice = |name: String, gender| Voice { name, language: spoken.clone(), gender };
            [voice(spoken.to_string(), Gender::Male), voice(format!("{spoken}+f2"), Gender::Female)]
        };
        let is_wanted = |spoken: &&LanguageTag| language.is_none_or(|wanted| wanted == *spoken);
        Ok(self.spoken.iter().filter(is_wanted).flat_map(of).collect())
    }

    async fn speak(&self, _: SpeakInput) -> Result<Speech, EngineError> {
        Err(talk_only())
    }
}

fn talk_only() -> EngineError {
    EngineError::Exhausted { message: "this engine only says what it could do".to_owned() }
}
