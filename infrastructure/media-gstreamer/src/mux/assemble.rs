//! The last graph: picture, sounds and text into `mp4mux`, index first.

use super::packets::PacketReader;
use super::picture::{self, Picture};
use crate::decode::RATE_HZ;
use crate::fault::Fault;
use crate::graph::{Deadline, Graph, chain, make};
use application::stages::mux::{MuxInput, SubtitleCue};
use domain::value::LanguageTag;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSrc;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

/// Frames in an AAC packet (ISO/IEC 14496-3, AAC-LC).
const PACKET_FRAMES: u64 = 1024;

/// Frames that `avenc_aac` puts before the sound (its `initial_padding`): the first packet decodes to
/// nothing but the encoder's run-up. An edit list tells players to skip it, so that the sound is not late.
pub(super) const PRIMING_FRAMES: u64 = 1024;

/// An encoded sound that waits in a scratch file.
pub(super) struct Sound {
    /// Its packets.
    pub packets: PathBuf,
    /// How many there are.
    pub count: u64,
    /// Frames of the sound itself.
    pub frames: u64,
    /// Its format, with the decoder's configuration.
    pub caps: gst::Caps,
    /// What is spoken.
    pub language: LanguageTag,
}

impl Sound {
    /// How long it lasts.
    pub fn duration(&self) -> Duration {
        Duration::from(time_of(self.frames))
    }
}

/// Writes the file; sounds become tracks in the order given.
pub(super) fn assemble(
    input: &MuxInput,
    picture: Option<Picture<'_>>,
    sounds: &[Sound],
    deadline: Deadline,
) -> Result<(), Fault> {
    let folder = input.output.parent().unwrap_or(Path::new("."));
    let mut graph = Graph::new(deadline)?.writing_to(folder);
    let muxer = graph.add("mp4mux")?;
    muxer.set_property("faststart", true);
    // So that edit lists can tell the length of the sounds to the frame.
    muxer.set_property("movie-timescale", RATE_HZ);
    let scratch = input.scratch.join("faststart");
    muxer.set_property("faststart-file", scratch.to_str().ok_or(Fault::Unreadable)?);
    let sink = graph.add("filesink")?;
    sink.set_property("location", input.output.to_str().ok_or(Fault::Unreadable)?);
    chain(&[&muxer, &sink])?;
    if let Some(picture) = picture {
        picture::add(&graph, picture, &muxer)?;
    }
    let mut feeders = Vec::new();
    for sound in sounds {
        let source = source(&graph, &muxer, "audio_%u", &sound.caps, &sound.language)?;
        feeders.push(feed_sound(source, sound)?);
    }
    if let Some(cues) = input.subtitles.as_ref().filter(|cues| !cues.is_empty()) {
        let caps = gst::Caps::builder("text/x-raw").field("format", "utf8").build();
        let source = source(&graph, &muxer, "subtitle_%u", &caps, &input.language)?;
        feeders.push(feed_text(source, cues.clone()));
    }
    graph.set_state(gst::State::Playing)?;
    graph.wait_for_end()?;
    drop(graph);
    for feeder in feeders {
        feeder.join().map_err(|_| Fault::broken("feed the muxer"))??;
    }
    Ok(())
}

/// `appsrc ! queue` in front of a new pad of the muxer, bounded, with the track's language.
fn source(
    graph: &Graph,
    muxer: &gst::Element,
    pad: &str,
    caps: &gst::Caps,
    language: &LanguageTag,
) -> Result<AppSrc, Fault> {
    let source = make("appsrc")?.downcast::<AppSrc>().map_err(|_| Fault::broken("make an appsrc"))?;
    source.set_caps(Some(caps));
    source.set_format(gst::Format::Time);
    source.set_block(true);
    source.set_max_bytes(1 << 18);
    source.set_property("handle-segment-change", true);
    graph.adopt(&source)?;
    let tags = graph.add("taginject")?;
    tags.set_property_from_str("tags", &format!("language-code={}", language.primary()));
    let queue = graph.add("queue")?;
    chain(&[source.upcast_ref(), &tags, &queue])?;
    queue.link_pads(None, muxer, Some(pad)).map_err(|_| Fault::broken("open a track"))?;
    Ok(source)
}

/// Pushes packets from a thread of its own: the muxer may wait for any leg at any time.
fn feed_sound(source: AppSrc, sound: &Sound) -> Result<JoinHandle<Result<(), Fault>>, Fault> {
    let mut reader = PacketReader::open(&sound.packets)?;
    let (count, frames, caps) = (sound.count, sound.frames + PRIMING_FRAMES, sound.caps.clone());
    Ok(std::thread::spawn(move || {
        let fed = (0..count).try_for_each(|packet| {
            let start = packet * PACKET_FRAMES;
            let end = (start + PACKET_FRAMES).min(frames);
            if start >= end {
                return Ok(());
            }
            let buffer = timed(reader.next()?, time_of(start), time_of(end));
            // A muxer that has stopped tells why on the bus.
            let _ = source.push_sample(&in_segment(&caps, &buffer));
            Ok(())
        });
        let _ = source.end_of_stream();
        fed
    }))
}

/// The segment begins after the run-up: the first packet's decoding time lies before it, which `mp4mux`
/// writes as an edit list that starts there. Its presentation time must lie inside, else it is dropped.
fn in_segment(caps: &gst::Caps, buffer: &gst::Buffer) -> gst::Sample {
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_start(time_of(PRIMING_FRAMES));
    gst::Sample::builder().caps(caps).segment(&segment).buffer(buffer).build()
}

fn timed(bytes: Vec<u8>, start: gst::ClockTime, end: gst::ClockTime) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(bytes);
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_dts(start);
        buffer.set_pts(start.max(time_of(PRIMING_FRAMES)));
        buffer.set_duration(end.saturating_sub(start));
    }
    buffer
}

/// The time of a frame, rounded to the nearest nanosecond.
fn time_of(frames: u64) -> gst::ClockTime {
    let ns = (u128::from(frames) * 1_000_000_000 + u128::from(RATE_HZ / 2)) / u128::from(RATE_HZ);
    gst::ClockTime::from_nseconds(u64::try_from(ns).unwrap_or(u64::MAX - 1))
}

/// Pushes the cues; `mp4mux` fills the gaps between them with empty samples.
fn feed_text(source: AppSrc, cues: Vec<SubtitleCue>) -> JoinHandle<Result<(), Fault>> {
    std::thread::spawn(move || {
        for cue in cues {
            let mut buffer = gst::Buffer::from_mut_slice(cue.text.into_bytes());
            if let Some(buffer) = buffer.get_mut() {
                buffer.set_pts(gst::ClockTime::from_mseconds(cue.span.start_ms()));
                buffer.set_duration(gst::ClockTime::from_mseconds(cue.span.len_ms()));
            }
            if source.push_buffer(buffer).is_err() {
                break;
            }
        }
        // A muxer that has stopped tells why on the bus.
        let _ = source.end_of_stream();
        Ok(())
    })
}
