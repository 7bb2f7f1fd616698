//! What all graphs share: a pipeline with a deadline, whose errors come back as faults.

mod error;
mod source;
mod survey;

pub(crate) use source::{open_stream, parsed_source};
pub(crate) use survey::{Stream, Survey, survey};

use crate::fault::Fault;
use gstreamer as gst;
use gstreamer::prelude::*;
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
    writes_to: Option<std::path::PathBuf>,
    hung: bool,
}

impl Graph {
    /// An empty graph.
    pub fn new(deadline: Deadline) -> Result<Self, Fault> {
        let pipeline = gst::Pipeline::new();
        let bus = pipeline.bus().ok_or_else(|| Fault::broken("open the bus"))?;
        Ok(Self { pipeline, bus, deadline, writes_to: None, hung: false })
    }

    /// Names the folder whose file system the graph fills.
    pub fn writing_to(mut self, folder: &std::path::Path) -> Self {
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
        if self.pipeline.set_state(state).is_err() {
            self.poll()?;
            return Err(Fault::broken("start the graph"));
        }
        Ok(())
    }

    /// Looks at what was posted, without waiting. True at the end of all streams.
    pub fn poll(&mut self) -> Result<bool, Fault> {
        self.next_message(gst::ClockTime::ZERO, gst::MessageType::Eos).map(|message| message.is_some())
    }

    /// Runs to the end of all streams.
    pub fn wait_for_end(&mut self) -> Result<(), Fault> {
        while self.next_message(TICK, gst::MessageType::Eos)?.is_none() {}
        Ok(())
    }

    /// Waits one tick for a message of a wanted kind; errors and the deadline come first.
    pub fn next_message(
        &mut self,
        wait: gst::ClockTime,
        wanted: gst::MessageType,
    ) -> Result<Option<gst::Message>, Fault> {
        if let Err(fault) = self.deadline.check() {
            self.hung = true;
            return Err(fault);
        }
        let kinds = [wanted, gst::MessageType::Error, gst::MessageType::Element];
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
                _ => return Ok(Some(message)),
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

/// The static pad of that name.
pub(crate) fn pad(element: &impl IsA<gst::Element>, name: &str) -> Result<gst::Pad, Fault> {
    element.static_pad(name).ok_or_else(|| Fault::broken("find a pad"))
}
