//! The work queue: hands each piece of work to one worker at a time.
//!
//! Promises, proven by `application::testing::work_queue_kit`: what is more urgent is handed out first,
//! tenants take turns, and within a tenant what came first goes first; nobody starves (the rules and the bound are
//! those of [`crate::fair_line`]). Some of that only where [`QueueCapabilities`] say so. Work is deduplicated by its id while it is in the queue; a lease that is not extended runs out and the work is handed out again; what
//! was completed is not handed out again. The queue is never the truth: the log is.

use super::event_log::{StreamId, Tenant};
use async_trait::async_trait;
use domain::{
    dubbing::Priority,
    flow::{Fence, Stage, WorkId},
};
use std::{collections::BTreeMap, time::Duration};
use thiserror::Error;
use tokio::sync::watch;

/// Hands out work.
#[async_trait]
pub trait WorkQueue: Send + Sync {
    /// Puts work in, unless it is there already.
    async fn publish(&self, work: Work) -> Result<(), QueueError>;

    /// Waits for work and takes a lease on it.
    async fn pull(&self, lease: Duration) -> Result<Delivery, QueueError> {
        Ok(self.pull_through(&Open, lease).await?.0)
    }

    /// The same, of stages that the door lets in only: it is asked before something is taken, and what it refuses stays for
    /// others. Gives its pass as well.
    async fn pull_through(&self, door: &dyn Door, lease: Duration) -> Result<(Delivery, Pass), QueueError>;

    /// Extends the lease from now on; `false` when it has run out.
    async fn heartbeat(&self, receipt: Receipt, lease: Duration) -> Result<bool, QueueError>;

    /// The work is done, or no longer wanted.
    async fn complete(&self, receipt: Receipt) -> Result<(), QueueError>;

    /// Gives the work back, to be handed out again after a delay.
    async fn release(&self, receipt: Receipt, delay: Duration) -> Result<(), QueueError>;

    /// Takes out work that nobody wants any more, whether it waits or is leased: who has it finds out at the next
    /// heartbeat. Published again, it is new work.
    async fn discard(&self, work: WorkId) -> Result<(), QueueError>;

    /// Whether work is in the queue, no matter whether it waits or a worker has it. What was begun and is in no queue went
    /// with a queue, or with the process that had it.
    async fn holds(&self, work: WorkId) -> Result<bool, QueueError>;

    /// What is in the queue, by stage; stages without work do not stand in it.
    async fn depth(&self) -> Result<BTreeMap<Stage, Depth>, QueueError>;

    /// What it promises beyond what every queue does.
    fn capabilities(&self) -> QueueCapabilities {
        QueueCapabilities::ALL
    }
}

/// Says what somebody who takes work may begin now.
pub trait Door: Send + Sync {
    /// Lets in one thing of this stage, and holds what it needs until the pass is dropped; `None` while there is no room.
    fn admit(&self, stage: Stage) -> Option<Pass>;

    /// Tells, from now on, when what was refused may be let in.
    fn changes(&self) -> DoorChanges;
}

/// The right to begin one thing, until it is dropped.
pub struct Pass(#[expect(dead_code, reason = "it is held, and nothing else")] Option<Box<dyn Send + Sync>>);

impl Pass {
    /// One that holds nothing.
    pub fn free() -> Self {
        Self(None)
    }

    /// One that ends when this is dropped.
    pub fn held(held: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(held)))
    }
}

/// Tells when a door may let in what it has refused.
#[derive(Debug)]
pub struct DoorChanges(Option<watch::Receiver<()>>);

impl DoorChanges {
    /// Whenever something is sent here.
    pub fn of(changes: watch::Receiver<()>) -> Self {
        Self(Some(changes))
    }

    /// Returns at the next change; never when there will be none.
    pub async fn next(&mut self) {
        let Some(changes) = &mut self.0 else { return std::future::pending().await };
        if changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Lets in everything.
struct Open;

impl Door for Open {
    fn admit(&self, _stage: Stage) -> Option<Pass> {
        Some(Pass::free())
    }

    fn changes(&self) -> DoorChanges {
        DoorChanges(None)
    }
}

/// What kind of machine does work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkerClass {
    /// Any.
    Cpu,
    /// One with a graphics processor.
    Gpu,
}

impl WorkerClass {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Cpu, Self::Gpu];

    /// Its name, in subjects and for operators.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
        }
    }
}

/// What a queue may promise beyond what every queue does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueCapabilities {
    /// Tenants take turns; without it, of work that is equally urgent what came first goes first.
    pub fair_tenants: bool,
    /// The depth tells apart what was given back and what a worker has, and sees at once that a lease or a delay has run
    /// out; without it, all that was handed out and is not done counts as leased.
    pub exact_depth: bool,
    /// A lease is as long as is asked for; without it, each is the queue's own, whatever is asked for.
    pub any_lease: bool,
}

impl QueueCapabilities {
    /// Everything that a queue can promise.
    pub const ALL: Self = Self { fair_tenants: true, exact_depth: true, any_lease: true };
}

/// How much work of one stage is in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Waits for a worker.
    pub ready: usize,
    /// Was given back, and waits for its time.
    pub delayed: usize,
    /// A worker has it.
    pub leased: usize,
}

/// For whom work is done, and how urgently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Whose it is.
    pub tenant: Tenant,
    /// How urgent it is.
    pub priority: Priority,
    /// The trace that it belongs to, as W3C `traceparent` writes it.
    pub traceparent: Option<String>,
}

/// One attempt at one stage of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Its name.
    pub id: WorkId,
    /// Whose stage.
    pub stream: StreamId,
    /// Which attempt.
    pub fence: Fence,
    /// For whom, and how urgently.
    pub claim: Claim,
}

/// Work, handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The work.
    pub work: Work,
    /// Names this handing-out.
    pub receipt: Receipt,
    /// How often it was handed out, this time included. More than once: an earlier lease ran out.
    pub deliveries: u32,
}

/// Names one handing-out of work: a worker whose lease ran out holds a stale one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Receipt {
    /// The work.
    pub work: WorkId,
    /// Which handing-out.
    pub delivery: u64,
}

/// Why the queue could not be used.
#[derive(Debug, Error)]
#[error("the work queue could not be used")]
pub struct QueueError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
