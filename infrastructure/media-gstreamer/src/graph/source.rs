//! From a file to its packets, whatever the container: `filesrc ! parsebin`.

use super::{Graph, Stream, pad};
use crate::fault::{Fault, Kind};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::path::Path;

/// Adds `filesrc ! parsebin`. The location is a property, so any name is safe. Timed text is handed
/// out as the container holds it: parsers of text files would lose its times.
pub(crate) fn parsed_source(graph: &Graph, file: &Path) -> Result<gst::Element, Fault> {
    let source = graph.add("filesrc")?;
    source.set_property("location", file.to_str().ok_or(Fault::Unreadable)?);
    let parser = graph.add("parsebin")?;
    parser.connect("autoplug-continue", false, |values| {
        let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let is_text = caps.as_deref().and_then(kind_of).is_some_and(|kind| kind == Kind::Text);
        Some((!is_text).to_value())
    });
    super::chain(&[&source, &parser])?;
    Ok(parser)
}

/// Adds a source of `file` of which only `wanted` flows into `target`'s pad `sink`; other streams are
/// not linked, so that nothing decodes or holds them.
pub(crate) fn open_stream(graph: &Graph, file: &Path, wanted: &Stream, target: &gst::Element) -> Result<(), Fault> {
    let parser = parsed_source(graph, file)?;
    let sink = pad(target, "sink")?;
    let id = wanted.id.clone();
    parser.connect_pad_added(move |_, pad| {
        if pad.stream_id().is_some_and(|its| its == id) && !sink.is_linked() {
            // A refused link stops the stream with an error on the bus.
            let _ = pad.link(&sink);
        }
    });
    Ok(())
}

/// The kind of a stream with these caps. Still-picture formats count as video here: whether they move
/// is found by counting.
pub(super) fn kind_of(caps: &gst::CapsRef) -> Option<Kind> {
    let name = caps.structure(0)?.name().as_str();
    match name {
        "application/x-ass" | "application/x-ssa" | "application/x-subtitle-vtt" | "application/x-subtitle" => {
            Some(Kind::Text)
        }
        _ if name.starts_with("text/") => Some(Kind::Text),
        _ if name.starts_with("audio/") => Some(Kind::Audio),
        _ if name.starts_with("video/") || name.starts_with("image/") => Some(Kind::Video),
        _ => None,
    }
}
