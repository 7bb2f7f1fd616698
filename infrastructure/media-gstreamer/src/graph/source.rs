//! From a file to its packets, whatever the container: `filesrc ! parsebin`.

use super::{Graph, Stream, pad};
use crate::fault::{Fault, Kind};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::path::Path;

/// Playlists name other files and servers: following them would read what the user did not name.
const PLAYLISTS: [&str; 5] = [
    "application/x-hls",
    "application/dash+xml",
    "application/vnd.ms-sstr+xml",
    "application/sdp",
    "application/smil+xml",
];

/// Adds `filesrc ! parsebin`. The location is a property, so any name is safe. Timed text is handed
/// out as the container holds it: parsers of text files would lose its times. So is everything of the
/// format of `untouched`: a parser would rewrite its packets.
pub(crate) fn parsed_source(graph: &Graph, file: &Path, untouched: Option<&Stream>) -> Result<gst::Element, Fault> {
    let source = graph.add("filesrc")?;
    source.set_property("location", file.to_str().ok_or(Fault::Unreadable)?);
    let parser = graph.add("parsebin")?;
    let format = |caps: &gst::CapsRef| caps.structure(0).map(|format| format.name().to_string());
    let untouched = untouched.and_then(|stream| format(&stream.caps));
    parser.connect("autoplug-continue", false, move |values| {
        let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let is_text = caps.as_deref().and_then(kind_of) == Some(Kind::Text);
        let is_untouched = untouched.is_some() && caps.as_deref().and_then(format) == untouched;
        let leads_away = caps.as_deref().and_then(format).is_some_and(|name| PLAYLISTS.contains(&name.as_str()));
        Some((!is_text && !is_untouched && !leads_away).to_value())
    });
    super::chain(&[&source, &parser])?;
    graph.start_last(&parser);
    graph.start_last(&source);
    Ok(parser)
}

/// Adds a source of `file` of which only `wanted` flows into `target`'s pad `sink`; other streams are
/// not linked, so that nothing decodes or holds them.
pub(crate) fn open_stream(graph: &Graph, file: &Path, wanted: &Stream, target: &gst::Element) -> Result<(), Fault> {
    let is_picture = wanted.kind == Kind::Video;
    let parser = parsed_source(graph, file, Some(wanted).filter(|_| is_picture))?;
    let sink = pad(target, "sink")?;
    let wanted = wanted.clone();
    parser.connect_pad_added(move |_, pad| match pad.stream_id() {
        Some(id) => link_wanted(pad, &id, &wanted, &sink),
        // A parser that pulls, as behind a tag block, names its stream only when it begins to push.
        None => {
            let (wanted, sink) = (wanted.clone(), sink.clone());
            pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |pad, info| {
                let Some(gst::PadProbeData::Event(event)) = &info.data else { return gst::PadProbeReturn::Ok };
                let gst::EventView::StreamStart(start) = event.view() else { return gst::PadProbeReturn::Ok };
                link_wanted(pad, start.stream_id(), &wanted, &sink);
                gst::PadProbeReturn::Remove
            });
        }
    });
    Ok(())
}

fn link_wanted(pad: &gst::Pad, id: &str, wanted: &Stream, sink: &gst::Pad) {
    if id == wanted.id && !sink.is_linked() {
        if wanted.is_stamped {
            use_stamps(pad);
        }
        super::link_or_stop(pad, sink);
    }
}

/// Makes time stamps the running time. Matroska's are media time, but its demuxer opens with a segment
/// that starts at the first packet it meets and corrects that for later packets only: the first packet
/// of the picture would be early.
fn use_stamps(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &mut info.data
            && event.type_() == gst::EventType::Segment
        {
            let from_zero = gst::FormattedSegment::<gst::ClockTime>::new();
            *event = gst::event::Segment::builder(&from_zero).seqnum(event.seqnum()).build();
        }
        gst::PadProbeReturn::Ok
    });
}

/// The kind of a stream with these caps. Still-picture formats count as video here: whether they move
/// is found by counting.
pub(super) fn kind_of(caps: &gst::CapsRef) -> Option<Kind> {
    let name = caps.structure(0)?.name().as_str();
    match name {
        // Matroska's WebVTT is "unknown" to GStreamer 1.22, but its packets come through.
        "application/x-ass" | "application/x-ssa" | "application/x-subtitle" | "application/x-subtitle-unknown" => {
            Some(Kind::Text)
        }
        _ if name.starts_with("text/") => Some(Kind::Text),
        _ if name.starts_with("audio/") => Some(Kind::Audio),
        _ if name.starts_with("video/") || name.starts_with("image/") => Some(Kind::Video),
        _ => None,
    }
}
