//! Lanes: work of one class, stage and priority. Each has its own subjects, and a consumer that hands it out.
//!
//! Server 2.9 knows consumers with one filter only, so what is to be taken in an order of one's own, such as by urgency,
//! must lie in lanes of its own.

use application::ports::work_queue::WorkerClass;
use domain::{dubbing::Priority, flow::Stage};
use nats_connection::Prefix;
use std::fmt;
use uuid::Uuid;

/// Every priority, the least urgent first.
pub(crate) const PRIORITIES: [Priority; 3] = [Priority::Low, Priority::Normal, Priority::High];

/// Work of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Lane {
    pub class: WorkerClass,
    pub stage: Stage,
    pub priority: Priority,
}

impl Lane {
    /// The lane that a subject belongs to: its parts are those after `<prefix>.work.` or `<prefix>.wake.`.
    pub fn parse(parts: &str) -> Option<Self> {
        let mut parts = parts.split('.');
        let (class, stage, priority) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            class: WorkerClass::ALL.into_iter().find(|known| known.name() == class)?,
            stage: stage.parse().ok()?,
            priority: PRIORITIES.into_iter().find(|known| known.name() == priority)?,
        })
    }

    /// Its consumer of a stream that was made at this moment. A stream that is made anew has other ones: what was handed
    /// out by the old one cannot be acknowledged to the new one, where the same number means other work.
    pub fn consumer(self, made: &str) -> String {
        format!("{}-{}-{}-{made}", self.class.name(), self.stage, self.priority.name())
    }
}

impl fmt::Display for Lane {
    /// As in subjects.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class.name(), self.stage, self.priority.name())
    }
}

/// The subjects and names of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    prefix: Prefix,
}

impl Names {
    /// With this prefix.
    pub fn new(prefix: Prefix) -> Self {
        Self { prefix }
    }

    /// What all of them begin with.
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// The stream of all work.
    pub fn stream(&self) -> String {
        format!("{}-work", self.prefix.name())
    }

    /// The subject of one piece of work.
    pub fn work(&self, lane: Lane, work: Uuid) -> String {
        format!("{}.work.{lane}.{work}", self.prefix.as_str())
    }

    /// The subjects of all work of a lane.
    pub fn lane(&self, lane: Lane) -> String {
        format!("{}.work.{lane}.*", self.prefix.as_str())
    }

    /// The subject of a piece of work, whatever its lane.
    pub fn anywhere(&self, work: Uuid) -> String {
        format!("{}.work.*.*.*.{work}", self.prefix.as_str())
    }

    /// The subjects of all work.
    pub fn all_work(&self) -> String {
        format!("{}.work.>", self.prefix.as_str())
    }

    /// The subject that tells of work which was put into a lane.
    pub fn wake(&self, lane: Lane, work: Uuid) -> String {
        format!("{}.wake.{lane}.{work}", self.prefix.as_str())
    }

    /// The subjects that tell of work of a class and stage.
    pub fn wakes(&self, class: WorkerClass, stage: Stage) -> String {
        format!("{}.wake.{}.{stage}.>", self.prefix.as_str(), class.name())
    }

    /// The subjects that tell of any work.
    pub fn all_wake(&self) -> String {
        format!("{}.wake.>", self.prefix.as_str())
    }

    /// The lane that work of this subject lies in, or that a subject tells of.
    pub fn lane_of(&self, subject: &str) -> Option<Lane> {
        let parts = subject.strip_prefix(self.prefix.as_str())?;
        Lane::parse(parts.strip_prefix(".work.").or_else(|| parts.strip_prefix(".wake."))?)
    }
}
