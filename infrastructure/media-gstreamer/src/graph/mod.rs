//! What all graphs share: a pipeline with a deadline, whose errors come back as faults.

mod error;
mod source;
mod survey;

pub(crate) use source::{open_stream, parsed_source};
pub(crate) use survey::{Stream, Survey, survey};

use crate::fault::Fault;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a waiting loop looks up, so that errors and deadlines are seen.
pub(crate) const TICK: gst::ClockTime = gst::ClockTime::from_mseconds(50);

/// When a graph has had its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// That long from now.
    pub fn after(wall: Duration) -> Self {
        Self(Instant::now() + wall)
    }

    fn check(self) -> Result<(), Fault> {
        if Instant::now() < self.0 { Ok(()) } else { Err(Fault::Undecodable) }
    }
}

/// A pipeline under way. Dropping it stops it, unless it hung: then it is left to the end of the process.
pub(crate) struct Graph {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    deadline: Deadline,
    /// The file system on which the graph writes, to tell a full disk from other failures.
    writes_to: Option<PathBuf>,
    /// Sources that start after all else: see [`Graph::start_last`].
    held: RefCell<Vec<gst::Element>>,
    hung: bool,
}

impl Graph {
    /// An empty graph.
    pub fn new(deadline: Deadline) -> Result<Self, Fault> {
        let pipeline = gst::Pipeline::new();
        let bus = pipeline.bus().ok_or_else(|| Fault::broken("open the bus"))?;
        Ok(Self { pipeline, bus, deadline, writes_to: None, held: RefCell::default(), hung: false })
    }

    /// Names the folder whose file system the graph fills.
    pub fn writing_to(mut self, folder: &Path) -> Self {
        self.writes_to = Some(folder.to_owned());
        self
    }

    /// Makes an element and adds it.
    pub fn add(&self, factory: &str) -> Result<gst::Element, Fault> {
        let element = make(factory)?;
        self.adopt(&element)?;
        Ok(element)
    }

    /// Adds an element that was made elsewhere.
    pub fn adopt(&self, element: &impl IsA<gst::Element>) -> Result<(), Fault> {
        self.pipeline.add(element).map_err(|_| Fault::broken("add an element"))
    }

    /// The pipeline, for callbacks that add elements later.
    pub fn pipeline(&self) -> &gst::Pipeline {
        &self.pipeline
    }

    /// Starts or pauses; an error on the way is found by the next [`Graph::poll`].
    pub fn set_state(&mut self, state: gst::State) -> Result<(), Fault> {
        let mut started = self.pipeline.set_state(state).is_ok();
        for element in self.held.take() {
            element.set_locked_state(false);
            started &= element.sync_state_with_parent().is_ok();
        }
        if !started {
            self.next_message(TICK, &[gst::MessageType::Eos])?;
            return Err(Fault::broken("start the graph"));
        }
        Ok(())
    }

    /// Holds an element back until all others run. A source whose pads are linked later would else push
    /// into elements that do not accept data yet, and stop for good.
    pub fn start_last(&self, element: &gst::Element) {
        element.set_locked_state(true);
        self.held.borrow_mut().push(element.clone());
    }

    /// Looks at what was posted, without waiting. True at the end of all streams.
    pub fn poll(&mut self) -> Result<bool, Fault> {
        self.next_message(gst::ClockTime::ZERO, &[gst::MessageType::Eos]).map(|kind| kind.is_some())
    }

    /// Runs to the end of all streams.
    pub fn wait_for_end(&mut self) -> Result<(), Fault> {
        while self.next_message(TICK, &[gst::MessageType::Eos])?.is_none() {}
        Ok(())
    }

    /// Waits for a message of a wanted kind; errors and the deadline come first.
    pub fn next_message(
        &mut self,
        wait: gst::ClockTime,
        wanted: &[gst::MessageType],
    ) -> Result<Option<gst::MessageType>, Fault> {
        if let Err(fault) = self.deadline.check() {
            self.hung = true;
            return Err(fault);
        }
        let kinds = [wanted, &[gst::MessageType::Error, gst::MessageType::Element]].concat();
        let mut missing = None;
        let mut wait = wait;
        while let Some(message) = self.bus.timed_pop_filtered(wait, &kinds) {
            wait = gst::ClockTime::ZERO;
            match message.view() {
                gst::MessageView::Error(posted) => {
                    // What is missing explains the error that follows it.
                    return Err(missing.unwrap_or_else(|| error::fault_of(posted, self.writes_to.as_deref())));
                }
                gst::MessageView::Element(posted) => missing = missing.or_else(|| error::missing_plugin(posted)),
                _ => return Ok(Some(message.type_())),
            }
        }
        Ok(None)
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if self.hung {
            // Stopping would wait for the hung thread, and freeing a running pipeline crashes.
            std::mem::forget(self.pipeline.clone());
        } else {
            // Nothing depends on how the stop went: the results were taken before.
            let _ = self.pipeline.set_state(gst::State::Null);
        }
    }
}

/// Makes an element; a missing one names its package.
pub(crate) fn make(factory: &str) -> Result<gst::Element, Fault> {
    gst::ElementFactory::make(factory).build().map_err(|_| error::missing_element(factory))
}

/// Links elements in a row.
pub(crate) fn chain(elements: &[&gst::Element]) -> Result<(), Fault> {
    gst::Element::link_many(elements).map_err(|_| Fault::broken("link the graph"))
}

/// Links the first pad that `source` shows later to `sink`.
pub(crate) fn link_later(source: &gst::Element, sink: gst::Pad) {
    source.connect_pad_added(move |_, pad| {
        if !sink.is_linked() {
            link_or_stop(pad, &sink);
        }
    });
}

/// Links pads in a callback, where no error can be returned: a refusal is told on the bus. Without that
/// the demuxer stops silently, since `parsebin` keeps such errors to itself.
fn link_or_stop(pad: &gst::Pad, sink: &gst::Pad) {
    if pad.link(sink).is_err()
        && let Some(element) = sink.parent_element()
    {
        gst::element_error!(element, gst::CoreError::Negotiation, ["pads do not fit"]);
    }
}

/// The static pad of that name.
pub(crate) fn pad(element: &impl IsA<gst::Element>, name: &str) -> Result<gst::Pad, Fault> {
    element.static_pad(name).ok_or_else(|| Fault::broken("find a pad"))
}

#[cfg(test)]
mod tests;
