//! Decode: one sound stream to 48 kHz, on the file's timeline, handed on in pieces.
//!
//! Also the separator `none`: writes what was decoded once as both stems. Nothing is taken out of the sound.

mod decimate;
mod meter;
mod place;
mod stems;
mod wav;

pub(crate) use meter::Meter;
pub(crate) use stems::separate;

use crate::config::MediaLimits;
use crate::fault::{Fault, Kind, Measure};
use crate::graph::{Deadline, Graph, Stream, Survey, chain, link_later, make, open_stream, pad};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use place::Placer;
use std::path::Path;

/// Samples per second of everything decoded here.
pub(crate) const RATE_HZ: u32 = 48_000;

/// One sound stream, about to be decoded.
pub(crate) struct Decoding<'a> {
    file: &'a Path,
    stream: Stream,
    /// Channels it will have: 1 or 2; more are mixed down.
    pub channels: u16,
    deadline: Deadline,
    frames_max: u64,
}

impl<'a> Decoding<'a> {
    /// The audio stream with that number.
    pub fn new(file: &'a Path, survey: &Survey, index: u32, limits: &MediaLimits) -> Result<Self, Fault> {
        let stream = survey.get(Kind::Audio, index)?.clone();
        let channels = stream.caps.structure(0).and_then(|format| format.get::<i32>("channels").ok());
        let wall = limits.work_wall + std::time::Duration::from(survey.duration);
        Ok(Self {
            file,
            stream,
            channels: if channels == Some(1) { 1 } else { 2 },
            deadline: Deadline::after(wall),
            frames_max: limits.duration_ms_max.saturating_mul(u64::from(RATE_HZ) / 1000),
        })
    }

    /// Decodes to the end. `consume` gets interleaved frames, gapless from media time 0.
    pub fn run(&self, consume: &mut dyn FnMut(&[f32]) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut graph = Graph::new(self.deadline)?;
        let sink = self.build(&graph)?;
        graph.set_state(gst::State::Playing)?;
        let mut placer = Placer::new(self.channels, self.frames_max);
        pump(&mut graph, &sink, &mut |sample| placer.place(sample, consume))
    }

    fn build(&self, graph: &Graph) -> Result<AppSink, Fault> {
        let queue = graph.add("queue")?;
        let decoder = graph.add("decodebin")?;
        open_stream(graph, self.file, &self.stream, &queue)?;
        chain(&[&queue, &decoder])?;
        let (head, sink) = pcm_sink(graph, self.channels)?;
        link_later(&decoder, pad(&head, "sink")?);
        Ok(sink)
    }
}

/// Adds `audioconvert ! audioresample ! appsink` for 48 kHz float frames; returns both ends. Without
/// dither, so that the same input always gives the same samples.
pub(crate) fn pcm_sink(graph: &Graph, channels: u16) -> Result<(gst::Element, AppSink), Fault> {
    let convert = graph.add("audioconvert")?;
    convert.set_property_from_str("dithering", "none");
    let resample = graph.add("audioresample")?;
    let format = gst::Caps::builder("audio/x-raw")
        .field("format", if cfg!(target_endian = "big") { "F32BE" } else { "F32LE" })
        .field("layout", "interleaved")
        .field("rate", RATE_HZ.cast_signed())
        .field("channels", i32::from(channels))
        .build();
    let sink = make("appsink")?.downcast::<AppSink>().map_err(|_| Fault::broken("make an appsink"))?;
    sink.set_caps(Some(&format));
    sink.set_sync(false);
    sink.set_max_buffers(8);
    graph.adopt(&sink)?;
    chain(&[&convert, &resample, sink.upcast_ref()])?;
    Ok((convert, sink))
}

/// Pulls from `sink` until its end of stream.
pub(crate) fn pump(
    graph: &mut Graph,
    sink: &AppSink,
    take: &mut dyn FnMut(&gst::Sample) -> Result<(), Fault>,
) -> Result<(), Fault> {
    loop {
        graph.poll()?;
        match sink.try_pull_sample(crate::graph::TICK) {
            Some(sample) => take(&sample)?,
            None if sink.is_eos() => return Ok(()),
            None => {}
        }
    }
}

impl From<place::TooLong> for Fault {
    fn from(_: place::TooLong) -> Self {
        Self::OverLimit(Measure::Duration)
    }
}
