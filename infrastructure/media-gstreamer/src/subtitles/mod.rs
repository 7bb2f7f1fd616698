//! Subtitles: the cues of a text stream inside a container. Text files beside it are not read here.

mod text;

use crate::config::MediaLimits;
use crate::decode::pump;
use crate::fault::{Fault, Kind, Measure};
use crate::graph::{Deadline, Graph, Stream, chain, make, open_stream, survey};
use application::stages::mux::SubtitleCue;
use domain::value::Span;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use std::path::Path;
use text::Markup;

/// More cues than any film has; beyond it the file is refused.
const CUES_MAX: usize = 100_000;

/// How long a cue shows when neither it nor its successor tells, in milliseconds.
const SHOWN_MS: u64 = 4_000;

/// A cue as read: some containers give no duration.
struct RawCue {
    start_ms: u64,
    end_ms: Option<u64>,
    text: String,
}

/// Reads the cues of text stream `index`.
pub(crate) fn read(file: &Path, index: u32, limits: &MediaLimits) -> Result<Vec<SubtitleCue>, Fault> {
    let survey = survey(file, limits)?;
    let stream = survey.get(Kind::Text, index)?;
    let markup = markup_of(stream).ok_or_else(|| Fault::UnknownFormat(name_of(stream)))?;
    let deadline = Deadline::after(limits.work_wall + std::time::Duration::from(survey.duration));
    let mut graph = Graph::new(deadline)?;
    let queue = graph.add("queue")?;
    let sink = make("appsink")?.downcast::<AppSink>().map_err(|_| Fault::broken("make an appsink"))?;
    sink.set_sync(false);
    sink.set_max_buffers(64);
    graph.adopt(&sink)?;
    chain(&[&queue, sink.upcast_ref()])?;
    open_stream(&graph, file, stream, &queue)?;
    graph.set_state(gst::State::Playing)?;
    let mut cues = Vec::new();
    pump(&mut graph, &sink, &mut |sample| {
        cues.extend(raw_cue(sample, markup));
        if cues.len() > CUES_MAX { Err(Fault::OverLimit(Measure::Streams)) } else { Ok(()) }
    })?;
    Ok(close(cues))
}

fn name_of(stream: &Stream) -> String {
    stream.caps.structure(0).map_or_else(String::new, |format| format.name().to_string())
}

fn markup_of(stream: &Stream) -> Option<Markup> {
    match name_of(stream).as_str() {
        "text/x-raw" => {
            let format = stream.caps.structure(0).and_then(|it| it.get::<String>("format").ok());
            Some(if format.as_deref() == Some("pango-markup") { Markup::Tags } else { Markup::Plain })
        }
        "application/x-subtitle-unknown" => Some(Markup::WebVtt),
        "application/x-ass" | "application/x-ssa" => Some(Markup::Ass),
        _ => None,
    }
}

/// One packet as a cue; `None` for the empty ones that fill gaps in MP4, and for what is no text.
fn raw_cue(sample: &gst::Sample, markup: Markup) -> Option<RawCue> {
    let buffer = sample.buffer()?;
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    let start = segment.to_running_time(buffer.pts()?)?;
    let bytes = buffer.map_readable().ok()?;
    let text = text::clean(std::str::from_utf8(&bytes).ok()?, markup)?;
    let end_ms = buffer.duration().filter(|length| !length.is_zero()).map(|length| (start + length).mseconds());
    Some(RawCue { start_ms: start.mseconds(), end_ms, text })
}

/// Orders the cues and gives each an end: its own, else the start of the next, else a few seconds.
fn close(mut cues: Vec<RawCue>) -> Vec<SubtitleCue> {
    cues.sort_by_key(|cue| cue.start_ms);
    let next: Vec<_> = cues.iter().skip(1).map(|cue| Some(cue.start_ms)).chain([None]).collect();
    let closed = cues.into_iter().zip(next).map(|(cue, next)| {
        let longest = cue.start_ms + SHOWN_MS;
        let end_ms = cue.end_ms.unwrap_or_else(|| next.map_or(longest, |next| next.min(longest)));
        SubtitleCue { span: Span::lasting(cue.start_ms, end_ms.saturating_sub(cue.start_ms)), text: cue.text }
    });
    closed.collect()
}
