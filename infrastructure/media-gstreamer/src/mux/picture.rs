//! The picture's leg: its packets copied, or decoded and encoded as H.264.

use super::boxes;
use crate::fault::Fault;
use crate::graph::{Graph, Stream, chain, open_stream, pad};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::path::Path;

/// Which picture, and what becomes of it.
#[derive(Clone, Copy)]
pub(super) struct Picture<'a> {
    /// The file it is in.
    pub source: &'a Path,
    /// Which of its streams.
    pub stream: &'a Stream,
    /// Caps name of that file's container.
    pub container: &'a str,
    /// Copied or encoded.
    pub handling: Handling,
}

/// What becomes of the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    /// Bit for bit.
    Copy,
    /// Decoded and encoded as H.264.
    Encode,
}

/// Adds the leg in front of `muxer`.
pub(super) fn add(graph: &Graph, picture: Picture<'_>, muxer: &gst::Element) -> Result<(), Fault> {
    let queue = graph.add("queue")?;
    open_stream(graph, picture.source, picture.stream, &queue)?;
    let last = match picture.handling {
        Handling::Copy => copy(graph, picture, &queue)?,
        Handling::Encode => encode(graph, picture.stream, &queue)?,
    };
    let sink = muxer.request_pad_simple("video_%u").ok_or_else(|| Fault::broken("open a video track"))?;
    if picture.handling == Handling::Copy {
        if let Some(timescale) = timescale(picture) {
            sink.set_property("trak-timescale", timescale);
        }
        refuse_untimed(graph, &pad(&last, "src")?);
    }
    pad(&last, "src")?.link(&sink).map_err(|_| Fault::broken("link the picture"))?;
    Ok(())
}

/// The parser brings packets into MP4's form where they come as a byte stream, and passes them on
/// untouched otherwise. Matroska keeps no decoding times: a time stamper restores them.
fn copy(graph: &Graph, picture: Picture<'_>, queue: &gst::Element) -> Result<gst::Element, Fault> {
    let format = picture.stream.caps.structure(0).map_or_else(String::new, |format| format.name().to_string());
    let (parser, stamper) = match format.as_str() {
        "video/x-h264" => ("h264parse", Some("h264timestamper")),
        "video/x-h265" => ("h265parse", Some("h265timestamper")),
        "video/x-av1" => ("av1parse", None),
        "video/x-vp9" => ("vp9parse", None),
        _ => ("mpeg4videoparse", None),
    };
    let parser = graph.add(parser)?;
    chain(&[queue, &parser])?;
    match stamper.filter(|_| picture.container.contains("matroska") || picture.container.contains("webm")) {
        None => Ok(parser),
        Some(stamper) => {
            let stamper = graph.add(stamper)?;
            chain(&[&parser, &stamper])?;
            Ok(stamper)
        }
    }
}

/// Constant quality (CRF 20, visually close to the source), one reference of speed: `veryfast`; few
/// threads and a short look-ahead bound the memory.
fn encode(graph: &Graph, stream: &Stream, queue: &gst::Element) -> Result<gst::Element, Fault> {
    let decoder = graph.add("decodebin")?;
    chain(&[queue, &decoder])?;
    let (convert, scale, format) = (graph.add("videoconvert")?, graph.add("videoscale")?, graph.add("capsfilter")?);
    format.set_property("caps", encodable(stream));
    let (encoder, parser) = (graph.add("x264enc")?, graph.add("h264parse")?);
    for (name, value) in [("pass", "qual"), ("quantizer", "20"), ("speed-preset", "veryfast"), ("threads", "2")] {
        encoder.set_property_from_str(name, value);
    }
    encoder.set_property_from_str("rc-lookahead", "10");
    encoder.set_property_from_str("key-int-max", "250");
    let room = graph.add("queue")?;
    chain(&[&convert, &scale, &format, &encoder, &parser, &room])?;
    let target = pad(&convert, "sink")?;
    decoder.connect_pad_added(move |_, pad| {
        if !target.is_linked() {
            // A refused link stops the stream with an error on the bus.
            let _ = pad.link(&target);
        }
    });
    Ok(room)
}

/// 4:2:0 with 8 bits, which every player knows; it needs even sides.
fn encodable(stream: &Stream) -> gst::Caps {
    let mut caps = gst::Caps::builder("video/x-raw").field("format", "I420");
    for side in ["width", "height"] {
        if let Some(length) = stream.caps.structure(0).and_then(|format| format.get::<i32>(side).ok()) {
            caps = caps.field(side, (length & !1).max(16));
        }
    }
    caps.build()
}

/// Packets without a presentation time (AVI with B-frames) cannot be copied: an error on the bus ends
/// the attempt, and the picture is encoded instead.
fn refuse_untimed(graph: &Graph, pad: &gst::Pad) {
    let pipeline = graph.pipeline().downgrade();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let is_timed = info.buffer().is_none_or(|buffer| buffer.pts().is_some());
        if !is_timed && let Some(pipeline) = pipeline.upgrade() {
            gst::element_error!(pipeline, gst::StreamError::Mux, ["a packet has no time stamp"]);
            return gst::PadProbeReturn::Drop;
        }
        gst::PadProbeReturn::Ok
    });
}

/// The time scale of the source's track, where it is an ISO file (the stream id ends with the track's
/// number there): so that copied time stamps stay exact.
fn timescale(picture: Picture<'_>) -> Option<u32> {
    let track = picture.stream.id.rsplit('/').next()?.parse().ok()?;
    let mut file = std::fs::File::open(picture.source).ok()?;
    boxes::timescale_of(&mut file, track).ok().flatten()
}
