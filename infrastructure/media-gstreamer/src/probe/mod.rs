//! Probe: a survey as the ports tell it.

mod language;

use crate::config::MediaLimits;
use crate::fault::{Fault, Kind, Measure};
use crate::graph::{Stream, Survey, survey};
use application::stages::ingest::{AudioStream, MediaInfo, SubtitleStream, VideoStream};
use domain::value::LanguageTag;
use gstreamer as gst;
use std::path::Path;

/// Streams and duration of `file`.
pub(crate) fn probe(file: &Path, limits: &MediaLimits) -> Result<MediaInfo, Fault> {
    check_boxes(file)?;
    media_info(&survey(file, limits)?, limits)
}

/// The survey in the ports' words; refuses pictures that are too large.
pub(crate) fn media_info(survey: &Survey, limits: &MediaLimits) -> Result<MediaInfo, Fault> {
    let numbered = |kind| (0..).zip(survey.of(kind));
    let video: Vec<_> = numbered(Kind::Video).map(|(index, stream)| video(index, stream)).collect();
    if video.iter().any(|it| u64::from(it.width) * u64::from(it.height) > limits.pixels_max) {
        return Err(Fault::OverLimit(Measure::Pixels));
    }
    Ok(MediaInfo {
        container: survey.container.clone(),
        duration_ms: survey.duration.nseconds().div_ceil(1_000_000),
        video,
        audio: numbered(Kind::Audio).map(|(index, stream)| audio(index, stream)).collect(),
        subtitles: numbered(Kind::Text).map(|(index, stream)| text(index, stream)).collect(),
    })
}

fn video(index: u32, stream: &Stream) -> VideoStream {
    VideoStream {
        index,
        codec: codec(stream),
        width: number(stream, "width"),
        height: number(stream, "height"),
        frames_per_1000_s: frames_per_1000_s(stream),
        bitrate: bitrate(stream),
        fits_mp4: fits_mp4(&stream.caps),
    }
}

fn audio(index: u32, stream: &Stream) -> AudioStream {
    AudioStream {
        index,
        codec: codec(stream),
        channels: number(stream, "channels"),
        rate_hz: number(stream, "rate"),
        bitrate: bitrate(stream),
        language: language(stream),
    }
}

fn text(index: u32, stream: &Stream) -> SubtitleStream {
    SubtitleStream { index, codec: codec(stream), language: language(stream) }
}

/// Whether `mp4mux` takes these packets as they are: H.264, H.265, MPEG-4 part 2, AV1 and VP9.
pub(crate) fn fits_mp4(caps: &gst::CapsRef) -> bool {
    let Some(format) = caps.structure(0) else { return false };
    match format.name().as_str() {
        "video/x-h264" | "video/x-h265" | "video/x-av1" | "video/x-vp9" => true,
        "video/mpeg" => format.get::<i32>("mpegversion") == Ok(4),
        "video/x-divx" => format.get::<i32>("divxversion").is_ok_and(|version| version >= 4),
        _ => false,
    }
}

fn codec(stream: &Stream) -> String {
    stream.caps.structure(0).map_or_else(String::new, |format| format.name().to_string())
}

fn number(stream: &Stream, field: &str) -> u32 {
    let value = stream.caps.structure(0).and_then(|format| format.get::<i32>(field).ok());
    value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
}

fn frames_per_1000_s(stream: &Stream) -> u64 {
    let rate = stream.caps.structure(0).and_then(|format| format.get::<gst::Fraction>("framerate").ok());
    let rate = rate.filter(|rate| rate.numer() > 0 && rate.denom() > 0);
    rate.map_or(0, |rate| (rate.numer().unsigned_abs() as u64 * 1000).div_euclid(rate.denom().unsigned_abs() as u64))
}

fn bitrate(stream: &Stream) -> u32 {
    let tags = &stream.tags;
    let told = tags.get::<gst::tags::Bitrate>().map(|tag| tag.get());
    told.or_else(|| tags.get::<gst::tags::NominalBitrate>().map(|tag| tag.get())).unwrap_or(0)
}

fn language(stream: &Stream) -> Option<LanguageTag> {
    stream.tags.get::<gst::tags::LanguageCode>().and_then(|tag| language::language_of(tag.get()))
}

/// An MP4 or MOV names the length of each of its parts: parts that lie past the end of the file mean
/// that it was cut off, which a demuxer would take for its regular end.
fn check_boxes(file: &Path) -> Result<(), Fault> {
    let mut file = std::fs::File::open(file).map_err(|_| Fault::Unreadable)?;
    match crate::mux::boxes::top_level(&mut file) {
        Ok(Some(boxes)) if boxes.is_complete() => Ok(()),
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(Fault::Truncated),
        Err(_) => Err(Fault::Unreadable),
    }
}
