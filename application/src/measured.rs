//! Engines that tell how long each of their calls took and how it ended.
//!
//! A call is one question to one engine for one stage: a line to speak, a file to mux. Questions that are answered from
//! what is known (voices, routes) are not counted. Who keeps the figures is behind [`EngineCalls`].

use crate::{
    ports::{
        engine::{Engine, EngineError, EngineInfo},
        provenance::{ProvenanceSigner, SignInput, Signed, Verification},
    },
    stages::{
        assess::{Inspection, Inspector},
        ingest::{MediaInfo, MediaProber},
        mix::{MixInput, Mixed, Mixer},
        mux::{MuxInput, Muxed, Muxer, SubtitleCue},
        separate::{SeparateInput, Separator, Stems},
        synthesise::{SpeakInput, Speech, Synthesiser, Voice},
        transcribe::{
            Diarisation, Diariser, EmbeddedSubtitles, RecogniseInput, Recognised, Recogniser, SpeechDetector,
            VoicePrint,
        },
        translate::{Route, Sentence, Translated, Translator},
    },
};
use async_trait::async_trait;
use domain::value::{LanguageTag, Span};
use std::{
    future::Future,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Hears of every call that ended. Never fails and never blocks.
pub trait EngineCalls: Send + Sync {
    /// A call of `engine` for `stage` ended so, after so long.
    fn ended(&self, stage: &'static str, engine: &'static str, outcome: CallOutcome, took: Duration);
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// With a result.
    Done,
    /// The engine is not installed.
    Missing,
    /// The input is at fault.
    Rejected,
    /// Room ran out.
    Exhausted,
    /// In any other error.
    Failed,
    /// Nobody waited for it any more.
    Dropped,
}

impl CallOutcome {
    /// Its name in measures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Missing => "missing",
            Self::Rejected => "rejected",
            Self::Exhausted => "exhausted",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }

    fn of<T>(result: &Result<T, EngineError>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(EngineError::Missing { .. }) => Self::Missing,
            Err(EngineError::Rejected { .. }) => Self::Rejected,
            Err(EngineError::Exhausted { .. }) => Self::Exhausted,
            Err(EngineError::Transient { .. }) => Self::Failed,
        }
    }
}

/// An engine as a stage uses it.
pub struct Measured<T: ?Sized> {
    /// The engine.
    pub engine: Arc<T>,
    /// Its name, as it describes itself.
    pub name: &'static str,
    /// For what it is asked.
    pub stage: &'static str,
    /// Who hears of it.
    pub calls: Arc<dyn EngineCalls>,
}

/// A call under way; whatever happens to it, it ends once.
struct Running<'a> {
    calls: &'a dyn EngineCalls,
    stage: &'static str,
    engine: &'static str,
    began: Instant,
    outcome: CallOutcome,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.calls.ended(self.stage, self.engine, self.outcome, self.began.elapsed());
    }
}

impl<T: ?Sized> Measured<T> {
    async fn timed<R>(&self, work: impl Future<Output = Result<R, EngineError>>) -> Result<R, EngineError> {
        let (calls, stage, engine) = (&*self.calls, self.stage, self.name);
        let mut running = Running { calls, stage, engine, began: Instant::now(), outcome: CallOutcome::Dropped };
        let result = work.await;
        running.outcome = CallOutcome::of(&result);
        result
    }
}

#[async_trait]
impl<T: Engine + ?Sized> Engine for Measured<T> {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        self.engine.describe().await
    }
}

#[async_trait]
impl MediaProber for Measured<dyn MediaProber> {
    async fn probe(&self, file: &Path) -> Result<MediaInfo, EngineError> {
        self.timed(self.engine.probe(file)).await
    }
}

#[async_trait]
impl Separator for Measured<dyn Separator> {
    async fn separate(&self, input: SeparateInput) -> Result<Stems, EngineError> {
        self.timed(self.engine.separate(input)).await
    }
}

#[async_trait]
impl SpeechDetector for Measured<dyn SpeechDetector> {
    async fn detect(&self, speech: &Path) -> Result<Vec<Span>, EngineError> {
        self.timed(self.engine.detect(speech)).await
    }
}

#[async_trait]
impl Recogniser for Measured<dyn Recogniser> {
    fn understands(&self, language: &LanguageTag) -> bool {
        self.engine.understands(language)
    }

    async fn recognise(&self, input: RecogniseInput, results: mpsc::Sender<Recognised>) -> Result<(), EngineError> {
        self.timed(self.engine.recognise(input, results)).await
    }
}

#[async_trait]
impl Diariser for Measured<dyn Diariser> {
    async fn diarise(&self, speech: &Path, utterances: &[Span]) -> Result<Diarisation, EngineError> {
        self.timed(self.engine.diarise(speech, utterances)).await
    }

    async fn describe_voices(&self, speech: &Path, groups: &[Vec<Span>]) -> Result<Vec<VoicePrint>, EngineError> {
        self.timed(self.engine.describe_voices(speech, groups)).await
    }
}

#[async_trait]
impl EmbeddedSubtitles for Measured<dyn EmbeddedSubtitles> {
    async fn read(&self, file: &Path, stream: u32) -> Result<Vec<SubtitleCue>, EngineError> {
        self.timed(self.engine.read(file, stream)).await
    }
}

#[async_trait]
impl Translator for Measured<dyn Translator> {
    async fn route(&self, from: &LanguageTag, to: &LanguageTag) -> Result<Route, EngineError> {
        self.engine.route(from, to).await
    }

    async fn translate(&self, route: &Route, sentences: &[Sentence]) -> Result<Vec<Translated>, EngineError> {
        self.timed(self.engine.translate(route, sentences)).await
    }
}

#[async_trait]
impl Synthesiser for Measured<dyn Synthesiser> {
    async fn voices(&self, language: Option<&LanguageTag>) -> Result<Vec<Voice>, EngineError> {
        self.engine.voices(language).await
    }

    async fn speak(&self, line: SpeakInput) -> Result<Speech, EngineError> {
        self.timed(self.engine.speak(line)).await
    }
}

#[async_trait]
impl Mixer for Measured<dyn Mixer> {
    async fn mix(&self, input: MixInput) -> Result<Mixed, EngineError> {
        self.timed(self.engine.mix(input)).await
    }
}

#[async_trait]
impl Muxer for Measured<dyn Muxer> {
    async fn mux(&self, input: MuxInput) -> Result<Muxed, EngineError> {
        self.timed(self.engine.mux(input)).await
    }
}

#[async_trait]
impl Inspector for Measured<dyn Inspector> {
    async fn inspect(&self, file: &Path) -> Result<Inspection, EngineError> {
        self.timed(self.engine.inspect(file)).await
    }
}

#[async_trait]
impl ProvenanceSigner for Measured<dyn ProvenanceSigner> {
    async fn sign_source(&self, input: &Path, output: &Path) -> Result<bool, EngineError> {
        self.timed(self.engine.sign_source(input, output)).await
    }

    async fn sign_dub(&self, input: SignInput) -> Result<Signed, EngineError> {
        self.timed(self.engine.sign_dub(input)).await
    }

    async fn verify(&self, file: &Path) -> Result<Verification, EngineError> {
        self.timed(self.engine.verify(file)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    type Heard = (&'static str, &'static str, CallOutcome);

    #[derive(Default)]
    struct Noted(Mutex<Vec<Heard>>);

    impl EngineCalls for Noted {
        fn ended(&self, stage: &'static str, engine: &'static str, outcome: CallOutcome, _took: Duration) {
            self.0.lock().unwrap().push((stage, engine, outcome));
        }
    }

    /// Answers no, or never.
    struct Stubborn {
        is_silent: bool,
    }

    #[async_trait]
    impl Engine for Stubborn {
        async fn describe(&self) -> Result<EngineInfo, EngineError> {
            Err(EngineError::Missing { engine: "stubborn".to_owned(), package: "none".to_owned() })
        }
    }

    #[async_trait]
    impl MediaProber for Stubborn {
        async fn probe(&self, _file: &Path) -> Result<MediaInfo, EngineError> {
            if self.is_silent {
                std::future::pending::<()>().await;
            }
            Err(EngineError::Rejected { code: "empty", message: "the file is empty".to_owned() })
        }
    }

    fn measured(is_silent: bool, calls: &Arc<Noted>) -> Measured<dyn MediaProber> {
        Measured { engine: Arc::new(Stubborn { is_silent }), name: "stubborn", stage: "ingest", calls: calls.clone() }
    }

    #[tokio::test]
    async fn each_call_is_told_once_however_it_ends() {
        let calls = Arc::new(Noted::default());
        let engine = measured(false, &calls);
        assert!(engine.describe().await.is_err(), "is passed on, and is no call");
        assert!(engine.probe(Path::new("a")).await.is_err());
        let silent = measured(true, &calls);
        assert!(tokio::time::timeout(Duration::ZERO, silent.probe(Path::new("a"))).await.is_err());
        let heard = std::mem::take(&mut *calls.0.lock().unwrap());
        assert_eq!(heard, [CallOutcome::Rejected, CallOutcome::Dropped].map(|end| ("ingest", "stubborn", end)));
    }
}
