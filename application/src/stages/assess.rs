//! Assess: open the finished file again and measure it.

use super::ingest::MediaInfo;
use crate::ports::engine::{Engine, EngineError};
use async_trait::async_trait;
use domain::value::{Decibel, Span};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Measures finished files.
#[async_trait]
pub trait Inspector: Engine {
    /// Decodes the first audio stream of `file` as a stream and measures it.
    /// `silences` of at least 2 s below −60 dBFS are reported as dead air.
    async fn inspect(&self, file: &Path) -> Result<Inspection, EngineError>;
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// Streams and duration.
    pub media: MediaInfo,
    /// Length of the decoded sound in milliseconds.
    pub sound_ms: u64,
    /// Programme loudness in LUFS.
    pub loudness: Decibel,
    /// True peak in dBTP.
    pub true_peak: Decibel,
    /// Silences of at least 2 s.
    pub silences: Vec<Span>,
}
