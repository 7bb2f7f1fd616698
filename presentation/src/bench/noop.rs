//! Stages that do nothing, or wait, and jobs for them.

use crate::exit::Failure;
use application::{
    stages::handler::{Done, DubbingJob, DubbingStage, StageError, TrackJob, TrackStage},
    worker::Handlers,
};
use async_trait::async_trait;
use domain::{
    dubbing::{DubbingEvent, Order, Start, TrackRequest, Transcript},
    flow::{Scope, TABLE},
    track::{Background, TrackEvent, TrackSettings},
    value::{Artefact, LanguageTag, Personal, Sha256},
};
use std::{collections::BTreeMap, time::Duration};

/// The stages of such a job, which has one language: each row of the flow.
pub const NOOP_STAGES: u64 = TABLE.len() as u64;

/// A stage that takes so long and brings nothing about.
#[derive(Clone, Copy)]
struct Noop(Duration);

impl Noop {
    async fn done<E>(self) -> Result<Done<E>, StageError> {
        if !self.0.is_zero() {
            tokio::time::sleep(self.0).await;
        }
        Ok(Done::made(vec![], vec![]))
    }
}

#[async_trait]
impl DubbingStage for Noop {
    async fn run(&self, _job: &DubbingJob) -> Result<Done<DubbingEvent>, StageError> {
        self.done().await
    }
}

#[async_trait]
impl TrackStage for Noop {
    async fn run(&self, _job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        self.done().await
    }
}

/// Such a stage for each row of the flow.
pub fn handlers(each_takes: Duration) -> Handlers {
    let noop = Noop(each_takes);
    TABLE.iter().fold(Handlers::default(), |handlers, row| match row.scope {
        Scope::Dubbing => handlers.dubbing(row.stage, noop),
        Scope::Track => handlers.track(row.stage, noop),
    })
}

/// A job with one language, of which no file is ever looked at.
pub fn start() -> Result<Start, Failure> {
    let tag = |text: &str| text.parse::<LanguageTag>().map_err(|error| Failure::internal(&error));
    let settings = TrackSettings {
        glossary: None,
        keep_phrases: Personal::new(vec![]),
        voices: Personal::new(BTreeMap::new()),
        background: Background::Duck,
        keep_original: false,
        embed_subtitles: false,
    };
    Ok(Start {
        identity: Sha256::new([1; 32]),
        source: Artefact { sha256: Sha256::new([2; 32]), media_type: "video/mp4".to_owned(), bytes: 1 },
        name: Personal::new("bench.mp4".to_owned()),
        audio_stream: None,
        source_language: tag("en")?,
        language_assumed: false,
        transcript: Transcript::Recognised,
        order: Order::default(),
        delivery: None,
        tracks: vec![TrackRequest { language: tag("es")?, settings }],
    })
}
