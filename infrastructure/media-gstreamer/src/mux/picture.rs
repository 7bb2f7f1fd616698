//! The picture's leg: its packets copied, or decoded and encoded as H.264.

use super::{boxes, vop};
use crate::fault::Fault;
use crate::graph::{Graph, Stream, chain, link_later, open_stream, pad};
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
        let is_mpeg4 = matches!(format_of(picture.stream).as_str(), "video/mpeg" | "video/x-divx");
        require_times(graph, &pad(&last, "src")?, is_mpeg4);
    }
    pad(&last, "src")?.link(&sink).map_err(|_| Fault::broken("link the picture"))?;
    Ok(())
}

/// The parser brings packets into MP4's form where they come as a byte stream, and passes them on
/// untouched otherwise. Matroska keeps no decoding times: a time stamper restores them.
fn copy(graph: &Graph, picture: Picture<'_>, queue: &gst::Element) -> Result<gst::Element, Fault> {
    let format = format_of(picture.stream);
    let (parser, stamper) = match format.as_str() {
        "video/x-h264" => ("h264parse", Some("h264timestamper")),
        "video/x-h265" => ("h265parse", Some("h265timestamper")),
        "video/x-av1" => ("av1parse", None),
        "video/x-vp9" => ("vp9parse", None),
        _ => ("mpeg4videoparse", None),
    };
    let parser = graph.add(parser)?;
    if format == "video/x-divx" {
        // DivX is MPEG-4 part 2 under another name, which `mp4mux` takes in one version only.
        let rename = graph.add("capssetter")?;
        let caps = gst::Caps::builder("video/mpeg").field("mpegversion", 4).field("systemstream", false);
        rename.set_property("caps", caps.build());
        rename.set_property("join", false);
        chain(&[queue, &rename, &parser])?;
    } else {
        chain(&[queue, &parser])?;
    }
    match stamper.filter(|_| picture.container.contains("matroska") || picture.container.contains("webm")) {
        None => Ok(parser),
        Some(stamper) => {
            let stamper = graph.add(stamper)?;
            chain(&[&parser, &stamper])?;
            Ok(stamper)
        }
    }
}

fn format_of(stream: &Stream) -> String {
    stream.caps.structure(0).map_or_else(String::new, |format| format.name().to_string())
}

/// Constant quality (CRF 20, visually close to the source), `veryfast`; few threads and a short look-ahead bound the memory.
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
    link_later(&decoder, pad(&convert, "sink")?);
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

/// AVI gives decoding times only. For MPEG-4 part 2 they are the presentation times as well, as long as
/// no picture is predicted from a later one. Any other packet without a presentation time cannot be
/// copied: an error on the bus ends the attempt, and the picture is encoded instead.
fn require_times(graph: &Graph, pad: &gst::Pad, is_mpeg4: bool) {
    let pipeline = graph.pipeline().downgrade();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data else { return gst::PadProbeReturn::Ok };
        if buffer.pts().is_some() {
            return gst::PadProbeReturn::Ok;
        }
        let is_in_order = is_mpeg4 && buffer.map_readable().is_ok_and(|bytes| vop::is_in_order(&bytes));
        let dts = buffer.dts().filter(|_| is_in_order);
        if dts.is_some() {
            buffer.make_mut().set_pts(dts);
            return gst::PadProbeReturn::Ok;
        }
        if let Some(pipeline) = pipeline.upgrade() {
            gst::element_error!(pipeline, gst::StreamError::Mux, ["a packet has no time stamp"]);
        }
        gst::PadProbeReturn::Drop
    });
}

/// The time scale of the source's track, where it is an ISO file (the stream id ends with the track's
/// number there): so that copied time stamps stay exact.
fn timescale(picture: Picture<'_>) -> Option<u32> {
    let track = picture.stream.id.rsplit('/').next()?.parse().ok()?;
    let mut file = std::fs::File::open(picture.source).ok()?;
    boxes::timescale_of(&mut file, track).ok().flatten()
}
