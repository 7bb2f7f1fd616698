//! What streams a file has, in one order that every graph shares, and how long it lasts.

use super::{Deadline, Graph, TICK, parsed_source, source::kind_of};
use crate::config::MediaLimits;
use crate::fault::{Fault, Kind, Measure};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Packets after which a stream that has not begun is no longer waited for: some minutes of a film.
const PACKETS_MAX: u64 = 20_000;

/// Kinds of streams: so many times those of one kind are opened at most.
const KINDS: usize = 3;

/// A duration below this is not believed but measured: live recorders write nothing, zero or a tick.
const TOLD_MIN: gst::ClockTime = gst::ClockTime::from_seconds(1);

/// What a file holds.
pub(crate) struct Survey {
    /// Caps name of the container, or of the sound where there is none.
    pub container: String,
    /// Measured where the container does not tell.
    pub duration: gst::ClockTime,
    /// Ordered by stream id, which demuxers build from the track's number. Attached pictures are left out.
    pub streams: Vec<Stream>,
}

/// One stream.
#[derive(Clone)]
pub(crate) struct Stream {
    /// The same each time the file is opened.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// Of its parsed packets.
    pub caps: gst::Caps,
    /// As far as known before the first packet.
    pub tags: gst::TagList,
    /// Whether time stamps are media time, without edits: so in Matroska and WebM.
    pub is_stamped: bool,
}

impl Survey {
    /// The streams of one kind: the place in this list is the `index` of the ports.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter(move |stream| stream.kind == kind)
    }

    /// The stream with that number.
    pub fn get(&self, kind: Kind, index: u32) -> Result<&Stream, Fault> {
        self.of(kind).nth(index as usize).ok_or(Fault::NoStream(kind))
    }
}

/// Counts what passes a pad.
struct Watched {
    pad: gst::Pad,
    packets: Arc<AtomicU64>,
    end_ns: Arc<AtomicU64>,
}

/// Opens `file` up to its first packets; reads on only where duration or motion is in doubt. Whoever asks, a file has
/// the same time for it, so that what was found once is found again.
pub(crate) fn survey(file: &Path, limits: &MediaLimits) -> Result<Survey, Fault> {
    let mut graph = Graph::new(Deadline::after(limits.look_wall_of(file)))?;
    let parser = parsed_source(&graph, file, None)?;
    let watched: Arc<Mutex<Vec<Watched>>> = Arc::default();
    watch_pads(&graph, &parser, &watched);
    let found = preroll(&mut graph);
    let type_found = type_of(&parser);
    found.map_err(|fault| name_fault(fault, type_found.as_deref()))?;

    let watched = || watched.lock().unwrap_or_else(PoisonError::into_inner);
    if watched().len() > limits.streams_max.saturating_mul(KINDS) {
        return Err(Fault::OverLimit(Measure::Streams));
    }
    let told = told_duration(&graph, type_found.as_deref());
    if told.is_none() || !is_settled(&watched()) {
        graph.set_state(gst::State::Playing)?;
        let news = [gst::MessageType::Eos, gst::MessageType::Application];
        while graph.next_message(TICK, &news)? != Some(gst::MessageType::Eos) {
            if told.is_some() && is_settled(&watched()) {
                break;
            }
        }
    }
    let measured = watched().iter().map(|it| it.end_ns.load(Ordering::Relaxed)).max().unwrap_or(0);
    let duration = told.unwrap_or(gst::ClockTime::from_nseconds(measured));
    if duration.mseconds() > limits.duration_ms_max {
        return Err(Fault::OverLimit(Measure::Duration));
    }
    let is_stamped = type_found.as_ref().is_some_and(|name| name.ends_with("matroska") || name.ends_with("webm"));
    let moving = |it: &&Watched| !it.may_be_still();
    let mut streams: Vec<_> = watched().iter().filter(moving).filter_map(|it| it.stream(is_stamped)).collect();
    streams.sort_by(|a, b| a.id.cmp(&b.id));
    let of = |kind| streams.iter().filter(|stream| stream.kind == kind).count();
    if [Kind::Video, Kind::Audio, Kind::Text].into_iter().any(|kind| of(kind) > limits.streams_max) {
        return Err(Fault::OverLimit(Measure::Streams));
    }
    let container = container_name(type_found, &streams);
    drop(graph);
    if !streams.iter().any(|stream| stream.kind != Kind::Text) {
        return Err(Fault::NotMedia);
    }
    Ok(Survey { container, duration, streams })
}

/// Whether nothing more is learnt by reading on: each stream has begun (some containers tell a stream's
/// tags only then) or will not soon, and each picture has moved.
fn is_settled(watched: &[Watched]) -> bool {
    let counts = || watched.iter().map(|it| it.packets.load(Ordering::Relaxed));
    let all_begun = counts().all(|count| count > 0) || counts().sum::<u64>() > PACKETS_MAX;
    all_begun && !watched.iter().any(Watched::may_be_still)
}

/// Gives every stream a sink and a counter.
fn watch_pads(graph: &Graph, parser: &gst::Element, watched: &Arc<Mutex<Vec<Watched>>>) {
    let pipeline = graph.pipeline().downgrade();
    let watched = Arc::clone(watched);
    parser.connect_pad_added(move |_, pad| {
        let sink = gst::ElementFactory::make("fakesink").property("sync", false).property("async", false).build();
        let (Some(pipeline), Ok(sink)) = (pipeline.upgrade(), sink) else { return };
        let Some(target) = sink.static_pad("sink") else { return };
        let it = Watched { pad: pad.clone(), packets: Arc::default(), end_ns: Arc::default() };
        it.count(&pipeline);
        watched.lock().unwrap_or_else(PoisonError::into_inner).push(it);
        // A pad that stays unlinked is counted nevertheless; the demuxer goes on with the others.
        if pipeline.add(&sink).is_ok() && sink.sync_state_with_parent().is_ok() {
            let _ = pad.link(&target);
        }
    });
}

/// Waits until all streams are known: `parsebin` shows them all before the first packet leaves it.
fn preroll(graph: &mut Graph) -> Result<(), Fault> {
    graph.set_state(gst::State::Paused)?;
    while graph.next_message(TICK, &[gst::MessageType::Application])?.is_none() {}
    Ok(())
}

/// What the container says, unless it says nothing, zero, or only guesses from the bit rate.
fn told_duration(graph: &Graph, container: Option<&str>) -> Option<gst::ClockTime> {
    let guesses =
        matches!(container, Some("audio/mpeg" | "audio/x-ac3" | "application/x-id3" | "application/x-apetag"));
    let told = graph.pipeline().query_duration::<gst::ClockTime>();
    told.filter(|duration| !guesses && *duration >= TOLD_MIN)
}

/// What `parsebin` took the file for.
fn type_of(parser: &gst::Element) -> Option<String> {
    let finder = parser.downcast_ref::<gst::Bin>()?.by_name("typefind")?;
    let caps = finder.property::<Option<gst::Caps>>("caps")?;
    caps.structure(0).map(|it| it.name().to_string())
}

/// A tag block in front of the sound is not a container: the sound names the file then.
fn container_name(found: Option<String>, streams: &[Stream]) -> String {
    let tagged = matches!(found.as_deref(), None | Some("application/x-id3" | "application/x-apetag"));
    let first = streams.first().and_then(|stream| stream.caps.structure(0)).map(|it| it.name().to_string());
    if tagged { first } else { found }.unwrap_or_else(|| "application/octet-stream".to_owned())
}

/// A container that was recognised and then gave nothing is damaged; anything else is no media at all.
fn name_fault(fault: Fault, container: Option<&str>) -> Fault {
    let is_container = container.is_some_and(|name| {
        ["video/", "audio/", "application/ogg", "application/x-id3"].iter().any(|known| name.starts_with(known))
    });
    match fault {
        Fault::Truncated | Fault::NotMedia | Fault::Undecodable if is_container => Fault::Truncated,
        Fault::Truncated | Fault::Undecodable | Fault::UnknownFormat(_) if !is_container => Fault::NotMedia,
        other => other,
    }
}

impl Watched {
    /// Counts packets and remembers where the last of them ends, in running time. The first two packets,
    /// or the end, are told on the bus.
    fn count(&self, pipeline: &gst::Pipeline) {
        let (packets, end_ns, pipeline) = (Arc::clone(&self.packets), Arc::clone(&self.end_ns), pipeline.downgrade());
        let tell = move || {
            if let Some(pipeline) = pipeline.upgrade() {
                let flowing = gst::Structure::new_empty("packets-flow");
                // Refused when nobody waits any more.
                let _ = pipeline.post_message(gst::message::Application::new(flowing));
            }
        };
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
        self.pad.add_probe(kinds, move |pad, info| {
            match &info.data {
                Some(gst::PadProbeData::Buffer(buffer)) => {
                    if packets.fetch_add(1, Ordering::Relaxed) < 2 {
                        tell();
                    }
                    if let Some(end) = end_of(pad, buffer) {
                        end_ns.fetch_max(end.nseconds(), Ordering::Relaxed);
                    }
                }
                Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::Eos => tell(),
                _ => {}
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// A picture format of which no second picture has been seen: cover art.
    fn may_be_still(&self) -> bool {
        let caps = self.pad.current_caps();
        let is_image = caps.is_some_and(|caps| caps.structure(0).is_some_and(|it| it.name().starts_with("image/")));
        is_image && self.packets.load(Ordering::Relaxed) < 2
    }

    /// `None` for what is neither picture, sound nor text.
    fn stream(&self, is_stamped: bool) -> Option<Stream> {
        let caps = self.pad.current_caps()?;
        let kind = kind_of(&caps)?;
        let mut tags = gst::TagList::new();
        self.pad.sticky_events_foreach(|event| {
            if let gst::EventView::Tag(event) = event.view() {
                tags.make_mut().insert(event.tag(), gst::TagMergeMode::Keep);
            }
            std::ops::ControlFlow::Continue(gst::EventForeachAction::Keep)
        });
        Some(Stream { id: self.pad.stream_id()?.to_string(), kind, caps, tags, is_stamped })
    }
}

/// Where a packet ends in running time.
fn end_of(pad: &gst::Pad, buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
    let segment = pad.sticky_event::<gst::event::Segment>(0)?;
    let segment = segment.segment().downcast_ref::<gst::ClockTime>()?;
    let start = segment.to_running_time(buffer.pts().or(buffer.dts())?)?;
    Some(start + buffer.duration().unwrap_or(gst::ClockTime::ZERO))
}
