//! The engine itself: shares the stretches out, runs the processes, turns their rows into words.

use crate::{
    backtrace::{Reader, Row},
    command::{FRAME_MS, child, first_frame},
    config::PocketsphinxConfig,
    model, recording,
    share::{Queue, Task},
};
use application::{
    ports::{
        child::{Child, ChildError, ChildProcesses, ChildStream},
        engine::{Engine, EngineError, EngineInfo},
    },
    stages::transcribe::{RecogniseInput, Recognised, Recogniser, Word},
};
use async_trait::async_trait;
use domain::value::{LanguageTag, Sha256, Span};
use futures::future::try_join_all;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OnceCell, mpsc};

const PACKAGE: &str = "pocketsphinx";
/// What makes it work from nothing: the program and its model.
const PACKAGES: &str = "pocketsphinx pocketsphinx-en-us";
/// Log lines that may wait to be read.
const LINES_WAITING_MAX: usize = 64;

/// Speech recognition with `pocketsphinx_batch` and its US English model.
pub struct PocketsphinxEngine {
    config: PocketsphinxConfig,
    children: Arc<dyn ChildProcesses>,
    digest: OnceCell<Sha256>,
}

impl PocketsphinxEngine {
    /// A recogniser that runs its processes through `children`.
    pub fn new(config: PocketsphinxConfig, children: Arc<dyn ChildProcesses>) -> Self {
        Self { config, children, digest: OnceCell::new() }
    }

    /// The digest of the model, computed once.
    async fn digest(&self) -> Result<Sha256, EngineError> {
        let model = self.config.model.clone();
        let compute = || async move { blocking("read the speech model", move || model::digest(&model)).await };
        self.digest.get_or_try_init(compute).await.copied()
    }

    /// The version of the installed package: the program itself does not tell its own.
    async fn version(&self) -> Result<String, EngineError> {
        // Without arguments it explains itself and exits with an error; only whether it is there matters.
        if let Err(error @ ChildError::Missing { .. }) = self.children.run(Child::new(&self.config.program)).await {
            return Err(EngineError::from_child("describe", PACKAGES, error));
        }
        let query = Child::new("dpkg-query").arg("--show").arg("--showformat=${Version}").arg(PACKAGE);
        let asked = self.children.run(query).await.ok().and_then(|output| String::from_utf8(output.stdout).ok());
        Ok(asked.filter(|version| !version.is_empty()).unwrap_or_else(|| "not from a package".to_owned()))
    }

    /// Recognises one batch in one process and sends each result as soon as its log is there.
    async fn run(&self, job: &Job<'_>, batch: &[Task]) -> Result<(), EngineError> {
        let (lines, mut log) = mpsc::channel(LINES_WAITING_MAX);
        let child = child(&self.config, &job.input.scratch, job.first_sample, batch);
        let running = self.children.stream(child, ChildStream::Stderr, lines);
        let reading = async {
            let (mut reader, mut answered) = (Reader::default(), 0);
            while let Some(line) = log.recv().await {
                let Some((index, rows)) = reader.read(&line) else { continue };
                let Some((utterance, span)) = job.input.utterances.get(index) else { continue };
                answered += 1;
                let result = Recognised { utterance: *utterance, words: words(rows, *span) };
                // Nobody waits for the results any more: the caller drops this future next.
                let _ = job.results.send(result).await;
            }
            answered
        };
        let (ended, answered) = tokio::join!(running, reading);
        ended.map_err(|error| EngineError::from_child("recognise", PACKAGE, error))?;
        if answered < batch.len() {
            let detail = format!("{answered} of {} stretches were recognised", batch.len());
            return Err(EngineError::Transient { operation: "recognise", detail, retry_after: None });
        }
        Ok(())
    }
}

/// What all processes of one call have in common.
struct Job<'a> {
    input: &'a RecogniseInput,
    first_sample: u64,
    results: &'a mpsc::Sender<Recognised>,
}

#[async_trait]
impl Engine for PocketsphinxEngine {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        let version = self.version().await?;
        model::require(&self.config.model)?;
        Ok(EngineInfo {
            name: "pocketsphinx".to_owned(),
            purpose: "speech recognition".to_owned(),
            version,
            languages: "en".parse().into_iter().collect(),
            licence: "BSD-2-Clause".to_owned(),
            model_digest: Some(self.digest().await?),
        })
    }
}

#[async_trait]
impl Recogniser for PocketsphinxEngine {
    fn understands(&self, language: &LanguageTag) -> bool {
        language.primary() == "en"
    }

    async fn recognise(&self, input: RecogniseInput, results: mpsc::Sender<Recognised>) -> Result<(), EngineError> {
        if !self.understands(&input.language) {
            return Err(EngineError::Rejected {
                code: "language-not-understood",
                message: "PocketSphinx understands English only; give a transcript with --transcript".to_owned(),
            });
        }
        if input.utterances.is_empty() {
            return Ok(());
        }
        let (speech, scratch, model) = (input.speech.clone(), input.scratch.clone(), self.config.model.clone());
        let prepare = move || model::require(&model).and_then(|()| recording::prepare(&speech, &scratch));
        let first_sample = blocking("prepare recognition", prepare).await?;
        let job = Job { input: &input, first_sample, results: &results };
        let spans = input.utterances.iter().map(|(_, span)| *span);
        let queue = Mutex::new(Queue::new(spans, self.config.processes));
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let worker = |_| async {
            loop {
                let batch = next();
                if batch.is_empty() || job.results.is_closed() {
                    return Ok(());
                }
                self.run(&job, &batch).await?;
            }
        };
        try_join_all((0..self.config.processes.max(1)).map(worker)).await.map(drop)
    }
}

/// Rows as words of the whole recording: those that sound within the stretch; the context around it is another's.
fn words(rows: Vec<Row>, span: Span) -> Vec<Word> {
    let begin_ms = first_frame(span) * FRAME_MS;
    let place = |row: Row| {
        let start_ms = begin_ms + row.first_frame * FRAME_MS;
        let end_ms = begin_ms + (row.last_frame + 1) * FRAME_MS;
        let middle_ms = start_ms.midpoint(end_ms);
        let inside = (span.start_ms()..span.end_ms()).contains(&middle_ms);
        let within = Span::try_new(start_ms.max(span.start_ms()), end_ms.min(span.end_ms())).ok()?;
        inside.then_some(Word { text: row.text, span: within, confidence: row.confidence })
    };
    rows.into_iter().filter_map(place).collect()
}

/// Runs file work on a thread for it.
async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    let stopped =
        |_| EngineError::Transient { operation, detail: "it stopped before its end".to_owned(), retry_after: None };
    tokio::task::spawn_blocking(work).await.map_err(stopped)?
}
