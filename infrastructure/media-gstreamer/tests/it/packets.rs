//! Packets of a file's first or nth picture stream, as a demuxer gives them: the measure of a copy.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use std::path::Path;

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Presentation time in microseconds of running time.
    pub pts_us: u64,
    pub bytes: Vec<u8>,
}

/// The packets of stream `pad` (`video_0`) in decoding order, without a parser in between.
pub fn packets(file: &Path, demuxer: &str, pad: &str) -> Vec<Packet> {
    gst::init().unwrap();
    let text = format!("filesrc name=s ! {demuxer} name=d d.{pad} ! queue ! appsink name=a sync=false");
    let pipeline = gst::parse::launch(&text).unwrap().downcast::<gst::Pipeline>().unwrap();
    pipeline.by_name("s").unwrap().set_property("location", file.to_str().unwrap());
    let sink = pipeline.by_name("a").unwrap().downcast::<AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut packets = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        let segment = sample.segment().unwrap().downcast_ref::<gst::ClockTime>().unwrap();
        let buffer = sample.buffer().unwrap();
        // Matroska's time stamps are media time; its demuxer's first segment is not to be trusted.
        let stamp = buffer.pts().or(buffer.dts());
        let pts = if demuxer == "matroskademux" { stamp } else { segment.to_running_time(stamp) }.unwrap();
        packets.push(Packet { pts_us: (pts.nseconds() + 500) / 1000, bytes: buffer.map_readable().unwrap().to_vec() });
    }
    pipeline.set_state(gst::State::Null).unwrap();
    packets
}
