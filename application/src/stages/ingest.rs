//! Ingest: look at the source, refuse what cannot be dubbed, keep a copy by its digest.

use crate::ports::engine::{Engine, EngineError};
use async_trait::async_trait;
use domain::value::LanguageTag;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Looks into media files, in a process that a hostile file cannot leave.
#[async_trait]
pub trait MediaProber: Engine {
    /// Streams and duration of a file. [`EngineError::Rejected`] with `not-media`, `truncated`,
    /// `empty`, `unreadable` or `over-limit` when it cannot be used.
    async fn probe(&self, file: &Path) -> Result<MediaInfo, EngineError>;
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// MIME type of the container: `video/quicktime`, `video/x-matroska`, `audio/x-wav`.
    pub container: String,
    /// Duration in milliseconds, measured where the container does not tell.
    pub duration_ms: u64,
    /// Moving pictures; attached still pictures are left out.
    pub video: Vec<VideoStream>,
    /// Sound.
    pub audio: Vec<AudioStream>,
    /// Text.
    pub subtitles: Vec<SubtitleStream>,
}

/// One stream of moving pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoStream {
    /// Number among the video streams, from 0.
    pub index: u32,
    /// Caps name: `video/x-h264`.
    pub codec: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames in 1,000 seconds; 0 when variable or unknown.
    pub frames_per_1000_s: u64,
    /// Bits per second, 0 when unknown.
    pub bitrate: u32,
    /// Whether MP4 can hold it as it is.
    pub fits_mp4: bool,
}

/// One stream of sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioStream {
    /// Number among the audio streams, from 0: what `--audio-stream` takes.
    pub index: u32,
    /// Caps name: `audio/mpeg`.
    pub codec: String,
    /// Channels.
    pub channels: u32,
    /// Samples per second.
    pub rate_hz: u32,
    /// Bits per second, 0 when unknown.
    pub bitrate: u32,
    /// As tagged in the file.
    pub language: Option<LanguageTag>,
}

/// One stream of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitleStream {
    /// Number among the text streams, from 0.
    pub index: u32,
    /// Caps name: `text/x-raw`.
    pub codec: String,
    /// As tagged in the file.
    pub language: Option<LanguageTag>,
}
