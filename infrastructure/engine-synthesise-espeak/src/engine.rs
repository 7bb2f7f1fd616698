//! The engine: one child per take, as many takes as the wanted rate needs.

use crate::{
    catalogue::Catalogue,
    config::EspeakConfig,
    rate::{self, Search},
    sound::{Sound, SoundError},
    text,
};
use application::{
    ports::{
        child::{Child, ChildProcesses},
        engine::{Engine, EngineError, EngineInfo},
    },
    stages::synthesise::{SpeakInput, Speech, Synthesiser, Voice},
};
use async_trait::async_trait;
use domain::value::{LanguageTag, Percent};
use std::sync::Arc;
use tokio::sync::OnceCell;

const PACKAGE: &str = "espeak-ng";
/// `-a`: at 100, its default, espeak-ng 1.51 limits the peaks of several voices.
const AMPLITUDE: &str = "70";

/// Speaks with espeak-ng. The same line gives the same bytes.
pub struct EspeakEngine {
    config: EspeakConfig,
    children: Arc<dyn ChildProcesses>,
    catalogue: OnceCell<Catalogue>,
}

impl EspeakEngine {
    /// An engine that runs its children through `children`. Touches nothing yet.
    pub fn new(config: EspeakConfig, children: Arc<dyn ChildProcesses>) -> Self {
        Self { config, children, catalogue: OnceCell::new() }
    }

    /// What is installed, asked once; a failure is not remembered.
    async fn catalogue(&self) -> Result<&Catalogue, EngineError> {
        self.catalogue
            .get_or_try_init(|| async {
                let voices = self.run("list voices", self.child().arg("--voices")).await?;
                let variants = self.run("list voices", self.child().arg("--voices=variant")).await?;
                Ok(Catalogue::parse(&String::from_utf8_lossy(&voices), &String::from_utf8_lossy(&variants)))
            })
            .await
    }

    /// The line at the wanted rate: the take that comes nearest, measured without silence at the ends.
    async fn at_rate(&self, text: &str, voice: &str, rate: Percent) -> Result<Sound, EngineError> {
        let mut best = self.take(text, voice, rate::OWN_WPM).await?;
        let mut search = Search::new(rate, best.samples.len());
        while let Some(wpm) = search.next() {
            let take = self.take(text, voice, wpm).await?;
            if search.record(wpm, take.samples.len()) {
                best = take;
            }
        }
        Ok(best)
    }

    /// One run of espeak-ng, trimmed.
    async fn take(&self, text: &str, voice: &str, wpm: u32) -> Result<Sound, EngineError> {
        // Text goes in by standard input: as an argument it could begin with a dash. `-b 1` is UTF-8.
        let child = ["--stdin", "--stdout", "-b", "1", "-a", AMPLITUDE, "-v", voice, "-s"]
            .into_iter()
            .fold(self.child(), Child::arg)
            .arg(wpm.to_string())
            .stdin(text);
        let sound = Sound::from_wav(&self.run("speak", child).await?).map_err(no_sound)?.trimmed();
        if sound.samples.is_empty() { Err(nothing_to_say()) } else { Ok(sound) }
    }

    fn child(&self) -> Child {
        Child::new(self.config.program.clone()).limits(self.config.limits)
    }

    async fn run(&self, operation: &'static str, child: Child) -> Result<Vec<u8>, EngineError> {
        let output = self.children.run(child).await;
        output.map(|output| output.stdout).map_err(|error| EngineError::from_child(operation, PACKAGE, error))
    }
}

#[async_trait]
impl Engine for EspeakEngine {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        let banner = self.run("describe", self.child().arg("--version")).await?;
        Ok(EngineInfo {
            name: "espeak-ng".to_owned(),
            purpose: "rule-based speech synthesis".to_owned(),
            version: version_of(&String::from_utf8_lossy(&banner)),
            languages: self.catalogue().await?.languages(),
            licence: "GPL-3.0-or-later".to_owned(),
            model_digest: None,
        })
    }
}

#[async_trait]
impl Synthesiser for EspeakEngine {
    async fn voices(&self, language: Option<&LanguageTag>) -> Result<Vec<Voice>, EngineError> {
        Ok(self.catalogue().await?.voices(language))
    }

    async fn speak(&self, line: SpeakInput) -> Result<Speech, EngineError> {
        let text = text::speakable(&line.text).ok_or_else(nothing_to_say)?;
        if text.chars().count() > self.config.text_chars_max {
            return Err(EngineError::Rejected {
                code: "line-too-long",
                message: format!("a line has more than {} characters; split it", self.config.text_chars_max),
            });
        }
        let voice = self.catalogue().await?.find(&line.voice).ok_or_else(unknown_voice)?;
        let sound = self.at_rate(&text, &voice, line.rate).await?;
        tokio::task::spawn_blocking(move || {
            let sound = sound.resampled()?;
            Ok(Speech { wav: sound.to_wav()?, duration_ms: sound.duration_ms() })
        })
        .await
        .map_err(|_| no_sound(SoundError::Resample))?
        .map_err(no_sound)
    }
}

/// `1.51` of `eSpeak NG text-to-speech: 1.51  Data at: …`.
fn version_of(banner: &str) -> String {
    let version = banner.split_once(": ").and_then(|(_, rest)| rest.split_whitespace().next());
    version.unwrap_or("unknown").to_owned()
}

fn nothing_to_say() -> EngineError {
    EngineError::Rejected {
        code: "nothing-to-say",
        message: "the line holds nothing that can be spoken; give it words or leave it out".to_owned(),
    }
}

fn unknown_voice() -> EngineError {
    EngineError::Rejected {
        code: "unknown-voice",
        message: "espeak-ng has no voice of that name; `dragoman voices` lists those it has".to_owned(),
    }
}

fn no_sound(error: SoundError) -> EngineError {
    EngineError::Transient { operation: "speak", detail: error.to_string(), retry_after: None }
}

#[cfg(test)]
mod tests;
