//! Ingest: look at the source, refuse what cannot be dubbed, keep a copy by its digest.

use super::handler::{Done, DubbingJob, DubbingStage, StageError, producer};
use crate::ports::{
    engine::{Engine, EngineError},
    provenance::ProvenanceSigner,
};
use async_trait::async_trait;
use domain::{
    dubbing::{DubbingEvent, IngestedSource, Picture, TextTrack},
    value::{Artefact, LanguageTag},
};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, path::Path, sync::Arc};

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

/// What is refused, so that no upload can use up the machine.
#[derive(Clone, Copy, Debug)]
pub struct SourceLimits {
    /// Longest source in milliseconds: 6 hours.
    pub duration_ms_max: u64,
    /// Largest picture in pixels: 8K.
    pub pixels_max: u64,
    /// Most streams of one kind.
    pub streams_max: usize,
}

impl Default for SourceLimits {
    fn default() -> Self {
        Self { duration_ms_max: 6 * 3_600_000, pixels_max: 7_680 * 4_320, streams_max: 64 }
    }
}

/// The handler.
pub struct Ingest {
    /// Looks into the source.
    pub prober: Arc<dyn MediaProber>,
    /// Signs it at intake.
    pub signer: Arc<dyn ProvenanceSigner>,
    /// What is refused.
    pub limits: SourceLimits,
}

#[async_trait]
impl DubbingStage for Ingest {
    async fn run(&self, job: &DubbingJob) -> Result<Done<DubbingEvent>, StageError> {
        let request = job.dubbing.request.as_ref().ok_or(StageError::Absent("the request"))?;
        let source = job.attempt.file(&request.source).await?;
        let info = self.prober.probe(&source).await?;
        self.limits.check(&info)?;
        let sound = choose_sound(&info, request.audio_stream, &request.source_language)?;
        let signed_file = job.attempt.scratch.folder().await?.join("signed");
        let signed = self.signer.sign_source(&source, &signed_file).await?;
        let media = if signed {
            job.attempt.keep(&signed_file, &info.container).await?
        } else {
            Artefact { media_type: info.container.clone(), ..request.source.clone() }
        };
        let producers = vec![producer(&*self.prober).await?, producer(&*self.signer).await?];
        let ingested = IngestedSource {
            media,
            signed,
            duration_ms: info.duration_ms,
            picture: choose_picture(&info),
            audio_stream: sound.index,
            audio_codec: sound.codec.clone(),
            audio_channels: sound.channels,
            subtitles: info
                .subtitles
                .iter()
                .map(|text| TextTrack { stream: text.index, language: text.language.clone() })
                .collect(),
            container: info.container,
        };
        Ok(Done::made(vec![DubbingEvent::SourceIngested(ingested)], producers))
    }
}

impl SourceLimits {
    /// Refuses what lasts no time, has no sound, or is beyond a bound.
    pub fn check(&self, info: &MediaInfo) -> Result<(), EngineError> {
        let limits = self;
        let over = |what: String| EngineError::Rejected { code: "over-limit", message: what };
        if info.duration_ms == 0 {
            let message = "the source lasts no time: it is a still picture, or only the headers of a recording; name a film or sound";
            return Err(EngineError::Rejected { code: "empty", message: message.to_owned() });
        }
        if info.audio.is_empty() {
            return Err(silent());
        }
        if info.duration_ms > limits.duration_ms_max {
            let most = in_words(limits.duration_ms_max);
            return Err(over(format!("the source lasts over {most}; cut it into parts of at most {most}")));
        }
        if info.video.iter().any(|video| u64::from(video.width) * u64::from(video.height) > limits.pixels_max) {
            return Err(over(format!("the picture has more than {} pixels; scale it down first", limits.pixels_max)));
        }
        if [info.video.len(), info.audio.len(), info.subtitles.len()].iter().any(|n| *n > limits.streams_max) {
            return Err(over(format!(
                "the source has more than {} streams of one kind; leave out those you do not need",
                limits.streams_max
            )));
        }
        Ok(())
    }
}

/// The sound asked for by number; else, of those tagged with the spoken language (or of all), the one
/// with the highest sampling rate, then bit rate.
fn choose_sound<'a>(
    info: &'a MediaInfo,
    asked: Option<u32>,
    language: &LanguageTag,
) -> Result<&'a AudioStream, EngineError> {
    if let (Some(number), Some(last)) = (asked, info.audio.len().checked_sub(1)) {
        return info.audio.iter().find(|sound| sound.index == number).ok_or_else(|| EngineError::Rejected {
            code: "no-such-stream",
            message: match last {
                0 => format!("the source has no audio stream {number}; it has only one: leave --audio-stream out"),
                last => format!("the source has no audio stream {number}; choose one from 0 to {last}"),
            },
        });
    }
    let spoken = |sound: &&AudioStream| sound.language.as_ref().is_some_and(|tag| tag.primary() == language.primary());
    let best = |sound: &&AudioStream| (spoken(sound), sound.rate_hz, sound.bitrate, Reverse(sound.index));
    info.audio.iter().max_by_key(best).ok_or_else(silent)
}

/// A limit in the largest unit that tells it exactly: whole hours, minutes, or seconds.
fn in_words(limit_ms: u64) -> String {
    let (amount, unit) = match limit_ms / 1_000 {
        seconds if seconds % 3_600 == 0 => (seconds / 3_600, "hour"),
        seconds if seconds % 60 == 0 => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    format!("{amount} {unit}{}", if amount == 1 { "" } else { "s" })
}

fn silent() -> EngineError {
    let message = "the source has no sound; there is nothing to dub".to_owned();
    EngineError::Rejected { code: "no-audio", message }
}

/// The picture with the most pixels, then the highest bit rate.
fn choose_picture(info: &MediaInfo) -> Option<Picture> {
    let best =
        |video: &&VideoStream| (u64::from(video.width) * u64::from(video.height), video.bitrate, Reverse(video.index));
    info.video.iter().max_by_key(best).map(|video| Picture {
        stream: video.index,
        codec: video.codec.clone(),
        width: video.width,
        height: video.height,
    })
}

#[cfg(test)]
mod tests;
