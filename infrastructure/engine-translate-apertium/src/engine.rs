//! Apertium as the Translate stage's engine.

use crate::{
    ApertiumConfig,
    batch::{Hop, Hopped},
    digest,
    languages::Side,
    line::Line,
    modes::{Mode, installed},
    route::Atlas,
};
use application::{
    ports::{
        child::{Child, ChildProcesses},
        engine::{Engine, EngineError, EngineInfo},
    },
    stages::translate::{Route, Sentence, Translated, Translator},
};
use async_trait::async_trait;
use domain::value::{LanguageTag, Sha256};
use std::{collections::BTreeSet, sync::Arc};
use tokio::{sync::Mutex, task::spawn_blocking};

/// What brings the program and the pair that most users begin with.
const PACKAGE_WITH_A_PAIR: &str = "apertium apertium-eng-spa";

/// Translates by rules, with Apertium and whatever pairs are installed.
pub struct ApertiumEngine {
    config: ApertiumConfig,
    children: Arc<dyn ChildProcesses>,
    /// The digest of the linguistic data and the modes it was made over.
    digest: Mutex<Option<(Vec<Mode>, Sha256)>>,
}

impl ApertiumEngine {
    /// An engine that runs its program through `children`. Nothing is started or read yet.
    pub fn new(config: ApertiumConfig, children: Arc<dyn ChildProcesses>) -> Self {
        Self { config, children, digest: Mutex::new(None) }
    }

    async fn modes(&self) -> Result<Vec<Mode>, EngineError> {
        let folder = self.config.data_folder.clone();
        spawn_blocking(move || installed(&folder))
            .await
            .map_err(|_| interrupted())?
            .map_err(|error| EngineError::from_io("list translation pairs", &error))
    }

    /// `3.8.3` of `Apertium 3.8.3`.
    async fn version(&self) -> Result<String, EngineError> {
        let child = Child::new(&self.config.program).arg("-V").limits(self.config.limits);
        let output = self
            .children
            .run(child)
            .await
            .map_err(|error| EngineError::from_child("ask Apertium's version", PACKAGE_WITH_A_PAIR, error))?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.split_whitespace().last().unwrap_or("unknown").to_owned())
    }

    /// The digest over what is installed; made anew only when the set of modes has changed.
    async fn model_digest(&self, modes: &[Mode]) -> Result<Sha256, EngineError> {
        let mut known = self.digest.lock().await;
        if let Some((of, digest)) = known.as_ref()
            && of == modes
        {
            return Ok(*digest);
        }
        let (folder, owned) = (self.config.data_folder.clone(), modes.to_vec());
        let digest = spawn_blocking(move || digest::of_data(&folder, &owned))
            .await
            .map_err(|_| interrupted())?
            .map_err(|error| EngineError::from_io("read translation pairs", &error))?;
        *known = Some((modes.to_vec(), digest));
        Ok(digest)
    }
}

#[async_trait]
impl Engine for ApertiumEngine {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        let version = self.version().await?;
        let modes = self.modes().await?;
        if modes.is_empty() {
            return Err(EngineError::Missing {
                engine: "a language pair of Apertium".to_owned(),
                package: PACKAGE_WITH_A_PAIR.to_owned(),
            });
        }
        let languages: BTreeSet<LanguageTag> =
            modes.iter().flat_map(|mode| [&mode.from, &mode.to]).filter_map(Side::tag).collect();
        Ok(EngineInfo {
            name: "apertium".to_owned(),
            purpose: "translation by rules".to_owned(),
            version,
            languages: languages.into_iter().collect(),
            licence: "GPL-2.0-or-later".to_owned(),
            model_digest: Some(self.model_digest(&modes).await?),
        })
    }
}

#[async_trait]
impl Translator for ApertiumEngine {
    async fn route(&self, from: &LanguageTag, to: &LanguageTag) -> Result<Route, EngineError> {
        let modes = self.modes().await?;
        Atlas { modes: &modes, hops_max: self.config.hops_max }.route(from, to)
    }

    async fn translate(&self, route: &Route, sentences: &[Sentence]) -> Result<Vec<Translated>, EngineError> {
        let mut results: Vec<Hopped> = sentences
            .iter()
            .map(|sentence| Hopped { line: Line::of_sentence(sentence), unknown: Vec::new() })
            .collect();
        for mode in &route.modes {
            let hop = Hop { config: &self.config, children: self.children.as_ref(), mode };
            let lines: Vec<Line> = results.iter_mut().map(|result| std::mem::take(&mut result.line)).collect();
            for (result, hopped) in results.iter_mut().zip(hop.translate(&lines).await?) {
                result.line = hopped.line;
                for word in hopped.unknown {
                    if !result.unknown.contains(&word) {
                        result.unknown.push(word);
                    }
                }
            }
        }
        Ok(results.into_iter().map(|result| Translated { text: result.line.text(), unknown: result.unknown }).collect())
    }
}

/// The runtime is shutting down.
fn interrupted() -> EngineError {
    EngineError::Transient { operation: "read translation pairs", detail: "interrupted".to_owned(), retry_after: None }
}
