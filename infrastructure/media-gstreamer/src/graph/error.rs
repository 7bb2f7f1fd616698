//! From what GStreamer posts to what the product says.

use crate::fault::Fault;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::path::Path;

/// Below this many free bytes a failed write is blamed on the disk.
const ROOM_BYTES_MIN: u64 = 1 << 20;

/// The fault behind an error message. Its text is not taken over: it may hold file names.
pub(super) fn fault_of(posted: &gst::message::Error, writes_to: Option<&Path>) -> Fault {
    let error = posted.error();
    if let Some(kind) = error.kind::<gst::ResourceError>() {
        return match kind {
            gst::ResourceError::NoSpaceLeft => Fault::DiskFull,
            gst::ResourceError::Write | gst::ResourceError::Sync | gst::ResourceError::Close if is_full(writes_to) => {
                Fault::DiskFull
            }
            gst::ResourceError::NotFound | gst::ResourceError::OpenRead | gst::ResourceError::NotAuthorized => {
                Fault::Unreadable
            }
            gst::ResourceError::Read => Fault::Truncated,
            other => Fault::broken(format!("{} ({other:?})", origin(posted))),
        };
    }
    if let Some(kind) = error.kind::<gst::StreamError>() {
        return match kind {
            gst::StreamError::TypeNotFound | gst::StreamError::WrongType => Fault::NotMedia,
            gst::StreamError::Demux => Fault::Truncated,
            gst::StreamError::Mux if is_full(writes_to) => Fault::DiskFull,
            gst::StreamError::Encode | gst::StreamError::Mux => Fault::broken(format!("{} ({kind:?})", origin(posted))),
            _ => Fault::Undecodable,
        };
    }
    if error.kind::<gst::CoreError>() == Some(gst::CoreError::MissingPlugin) {
        return Fault::UnknownFormat("of this file".to_owned());
    }
    Fault::broken(origin(posted))
}

/// The kind of element that posted a message: `qtdemux`.
fn origin(posted: &gst::message::Error) -> String {
    let element = posted.src().and_then(|source| source.downcast_ref::<gst::Element>()).and_then(|it| it.factory());
    element.map_or_else(|| "the graph".to_owned(), |factory| factory.name().to_string())
}

/// Whether the file system of `folder` is (as good as) full.
fn is_full(folder: Option<&Path>) -> bool {
    let Some(Ok(room)) = folder.map(nix::sys::statvfs::statvfs) else { return false };
    room.blocks_available().saturating_mul(room.fragment_size()) < ROOM_BYTES_MIN
}

/// The fault behind a "missing plug-in" message: either the plug-in that decodes most formats is not
/// installed, or nothing known decodes this one.
pub(super) fn missing_plugin(posted: &gst::message::Element) -> Option<Fault> {
    let about = posted.structure().filter(|structure| structure.name() == "missing-plugin")?;
    if let Ok(element) = about.get::<&str>("detail").map(str::to_owned)
        && about.get::<&str>("type") == Ok("element")
    {
        return Some(missing_element(&element));
    }
    let name = about.get::<gst::Caps>("detail").ok().and_then(|caps| caps.structure(0).map(|it| it.name().to_string()));
    let plugins = gst::Registry::get();
    for (plugin, package) in [
        ("libav", "gstreamer1.0-libav"),
        ("isomp4", "gstreamer1.0-plugins-good"),
        ("videoparsersbad", "gstreamer1.0-plugins-bad"),
        ("x264", "gstreamer1.0-plugins-ugly"),
    ] {
        if plugins.find_plugin(plugin).is_none() {
            return Some(Fault::Missing {
                element: format!("GStreamer plug-in {plugin}"),
                package: package.to_owned(),
            });
        }
    }
    Some(Fault::UnknownFormat(name.unwrap_or_else(|| "of this file".to_owned())))
}

/// The fault of an element that cannot be made.
pub(super) fn missing_element(factory: &str) -> Fault {
    let package = match factory {
        "filesrc" | "filesink" | "queue" | "tee" | "capsfilter" | "fakesink" => "libgstreamer1.0-0",
        "qtdemux" | "mp4mux" | "matroskademux" | "avidemux" | "wavparse" | "flacparse" | "taginject" | "capssetter" => {
            "gstreamer1.0-plugins-good"
        }
        "h264parse" | "h265parse" | "mpeg4videoparse" | "av1parse" | "vp9parse" | "h264timestamper"
        | "h265timestamper" => "gstreamer1.0-plugins-bad",
        "x264enc" => "gstreamer1.0-plugins-ugly",
        name if name.starts_with("av") => "gstreamer1.0-libav",
        _ => "gstreamer1.0-plugins-base",
    };
    Fault::Missing { element: format!("GStreamer element {factory}"), package: package.to_owned() }
}
