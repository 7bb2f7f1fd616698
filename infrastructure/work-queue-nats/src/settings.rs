//! What a queue is told: how it is kept, and what of the work this process takes.

use application::ports::work_queue::WorkerClass;
use domain::flow::Stage;
use nats_connection::Storage;
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

/// The queue, and this process's part in it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What all subjects begin with, and names of streams; each installation on an account has its own.
    pub prefix: String,
    /// Which installation this is: another one under the same prefix is refused.
    pub installation: Uuid,
    /// How long a worker may be silent before its work is handed to another. The same on every node.
    pub lease: Duration,
    /// Servers that keep a copy of the queue.
    pub replicas: u8,
    /// How large the queue may become, in bytes.
    pub bytes_max: u64,
    /// Where it is kept.
    pub storage: Storage,
    /// The stages that need a machine with a graphics processor. The same on every node.
    pub gpu_stages: BTreeSet<Stage>,
    /// The stages that this process takes work of; none where it only publishes.
    pub stages: BTreeSet<Stage>,
    /// The classes that this process takes work of.
    pub classes: BTreeSet<WorkerClass>,
}

impl Settings {
    /// The class that work of a stage is put up for.
    pub(crate) fn class_of(&self, stage: Stage) -> WorkerClass {
        if self.gpu_stages.contains(&stage) { WorkerClass::Gpu } else { WorkerClass::Cpu }
    }
}
