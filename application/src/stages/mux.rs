//! Mux: picture, new sound and text in one file.

mod handler;

use crate::ports::engine::{Engine, EngineError};
use async_trait::async_trait;
use domain::value::{Decibel, LanguageTag, Span};
pub use handler::Mux;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Writes the finished container.
#[async_trait]
pub trait Muxer: Engine {
    /// Writes `input.output` (MP4 with the index first, or M4A without a video stream). Video packets
    /// are copied when MP4 can hold them, else encoded as H.264. The encoded sound is decoded again
    /// and attenuated until its true peak is within `true_peak_max`.
    async fn mux(&self, input: MuxInput) -> Result<Muxed, EngineError>;
}

/// What goes in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MuxInput {
    /// The source, for its video stream.
    pub source: PathBuf,
    /// Number among the source's video streams; `None` makes an audio-only file.
    pub video_stream: Option<u32>,
    /// The dub: WAV, signed 16 bit, 48 kHz.
    pub dub: PathBuf,
    /// Its language.
    pub language: LanguageTag,
    /// The original sound as a second track.
    pub original: Option<OriginalSound>,
    /// Timed text to embed.
    pub subtitles: Option<Vec<SubtitleCue>>,
    /// Highest true peak allowed after encoding, in dBTP.
    pub true_peak_max: Decibel,
    /// A folder for scratch files; exists; removed by the caller.
    pub scratch: PathBuf,
    /// The file to write.
    pub output: PathBuf,
}

/// The original sound, encoded anew as AAC beside the dub.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OriginalSound {
    /// WAV, signed 16 bit, 48 kHz.
    pub wav: PathBuf,
    /// Its language.
    pub language: LanguageTag,
}

/// One subtitle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitleCue {
    /// When it shows.
    pub span: Span,
    /// One or two lines, without markup.
    pub text: String,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muxed {
    /// Whether the video packets are the source's, bit for bit; `None` without video.
    pub video_copied: Option<bool>,
    /// Attenuation that the encoder's overshoot made necessary, in dB; 0 mostly.
    pub attenuation: Decibel,
}
