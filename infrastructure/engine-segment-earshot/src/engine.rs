//! The engine itself: opens the recording and runs the detector over it on a thread for blocking work.

use crate::{config::EarshotConfig, listen::detect};
use application::{
    ports::{
        engine::{Engine, EngineError, EngineInfo},
        meter::EngineMeter,
    },
    stages::transcribe::SpeechDetector,
};
use async_trait::async_trait;
use domain::value::Span;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The version of the linked `earshot` crate; a test compares it with the lock file.
pub(crate) const EARSHOT_VERSION: &str = "1.2.2";

/// Speech detection with `earshot`.
pub struct EarshotEngine {
    config: EarshotConfig,
    meter: Arc<EngineMeter>,
}

impl EarshotEngine {
    /// A detector with these thresholds, whose work is counted by `meter`.
    pub fn new(config: EarshotConfig, meter: Arc<EngineMeter>) -> Self {
        Self { config, meter }
    }
}

#[async_trait]
impl Engine for EarshotEngine {
    async fn describe(&self) -> Result<EngineInfo, EngineError> {
        Ok(EngineInfo {
            name: "earshot".to_owned(),
            purpose: "speech detection".to_owned(),
            version: EARSHOT_VERSION.to_owned(),
            languages: Vec::new(),
            licence: "MIT OR Apache-2.0".to_owned(),
            model_digest: None,
        })
    }
}

#[async_trait]
impl SpeechDetector for EarshotEngine {
    async fn detect(&self, speech: &Path) -> Result<Vec<Span>, EngineError> {
        let (config, meter, path): (_, _, PathBuf) = (self.config, Arc::clone(&self.meter), speech.to_owned());
        let work = tokio::task::spawn_blocking(move || {
            let _running = meter.enter();
            detect(&path, &config)
        });
        work.await.unwrap_or_else(|_| {
            Err(EngineError::Transient {
                operation: "detect speech",
                detail: "the detector stopped before its end".to_owned(),
                retry_after: None,
            })
        })
    }
}

/// What went wrong with the recording, without its name.
pub(crate) fn unreadable(error: hound::Error) -> EngineError {
    match error {
        // A file that ends too soon is reported by hound as an error of its own, without a number of the system's.
        hound::Error::IoError(error) if error.raw_os_error().is_some() => EngineError::from_io("detect speech", &error),
        _ => wrong_format(),
    }
}

/// The recording is not what the port asks for.
pub(crate) fn wrong_format() -> EngineError {
    EngineError::Rejected {
        code: "not-speech-wav",
        message: "the sound to listen to is not a whole WAV of 16 bit, 16 kHz, mono; decode the source again"
            .to_owned(),
    }
}
