//! The cluster: which nodes an installation has, and which of them may do what only one may do at a time.
//!
//! Promises, proven for every adapter by `application::testing::cluster_kit`: a lease is held by one node at a time; each
//! time one is taken it gets a greater number than ever before; a lease that is not renewed within its term can be taken
//! by others, by the adapter's clock alone, so that no node's clock matters; once it was taken, appends under an older
//! number are refused ([`super::event_log::AppendError::Fenced`]), whenever they were decided.

use async_trait::async_trait;
use std::time::Duration;
use thiserror::Error;
use uuid::Uuid;

/// The right to do something that only one node may do at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease {
    /// What: `flow/03`, `projections`.
    pub name: String,
    /// The fencing number: how often it was taken.
    pub number: u64,
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeCard {
    /// The same after a restart. There is one process of it at a time.
    pub id: Uuid,
    /// What operators call it: where it runs, never a person's name.
    pub name: String,
    /// What it does: `api`, `flow`, `project`, `worker`.
    pub roles: Vec<String>,
    /// The program's version.
    pub version: String,
    /// What work it takes from the queue; `None` when it takes none.
    pub work: Option<WorkCard>,
}

/// What a node says of the work that it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkCard {
    /// The names of the stages.
    pub stages: Vec<String>,
    /// How much at a time.
    pub slots: u32,
    /// The classes of machines that it takes work for: `cpu`, `gpu`.
    pub classes: Vec<String>,
}

/// A node that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it said of itself.
    pub card: NodeCard,
    /// Somebody wants it to do nothing new.
    pub is_draining: bool,
    /// What it holds.
    pub holds: Vec<Lease>,
}

/// Says who is there, and gives leases.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// A node is there, for so long unless it says so again. Whether it is to be drained.
    async fn announce(&self, node: &NodeCard, term: Duration) -> Result<bool, ClusterError>;

    /// It leaves, and lets go of all that it holds.
    async fn leave(&self, node: Uuid) -> Result<(), ClusterError>;

    /// Asks a node to do nothing new, or not so any more; whether it is there.
    async fn drain(&self, node: Uuid, is_wanted: bool) -> Result<bool, ClusterError>;

    /// The nodes that are there, in the order of their ids, with what each holds.
    async fn nodes(&self) -> Result<Vec<Node>, ClusterError>;

    /// Takes those of these leases that nobody holds, at most so many, for so long.
    async fn take(
        &self,
        node: Uuid,
        names: &[String],
        at_most: usize,
        term: Duration,
    ) -> Result<Vec<Lease>, ClusterError>;

    /// Holds leases for so long from now; gives those that nobody else has taken.
    async fn renew(&self, node: Uuid, leases: &[Lease], term: Duration) -> Result<Vec<Lease>, ClusterError>;

    /// Lets go of leases: others may take them at once.
    async fn release(&self, node: Uuid, leases: &[Lease]) -> Result<(), ClusterError>;

    /// Waits for a turn at what the installation has in common, and has it until it is dropped. A node that dies loses it.
    async fn turn(&self, turn: Turn) -> Result<HeldTurn, ClusterError>;
}

/// What a turn is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// To begin to use files: many may at the same time.
    UseFiles,
    /// To delete files: one alone may.
    DeleteFiles,
    /// To rely on a blob that is kept already: many may at the same time.
    HoldBlobs,
    /// To collect blobs that nobody refers to: one alone may.
    CollectBlobs,
    /// To make what the first start makes: one alone may.
    SetUp,
}

/// A turn, until it is dropped.
pub struct HeldTurn(#[expect(dead_code, reason = "it is held, and nothing else")] Box<dyn Send>);

impl HeldTurn {
    /// One that ends when this is dropped.
    pub fn new(held: impl Send + 'static) -> Self {
        Self(Box::new(held))
    }
}

/// The cluster could not be asked.
#[derive(Debug, Error)]
#[error("the nodes of this installation could not be asked about")]
pub struct ClusterError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
