//! A node of an installation: says that it is there, holds its share of what only one node may do at a time, and lets go
//! of it in time.
//!
//! Dubbings are spread over [`PARTITIONS`] by their ids, and each partition is driven by one node; so are duties, such as
//! the fold of read models. A node counts a term from before it asked for it, by a clock that nobody can set: it stops
//! before others may begin. What it had decided until then is refused by the log, by the number of its lease.

mod member;

pub use member::{Member, Share};

use crate::ports::cluster::Lease;
use domain::value::DubbingId;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::watch;

/// How many parts the dubbings of an installation are spread over: so many nodes can share in driving them.
pub const PARTITIONS: u16 = 16;

/// The name of the lease under which a dubbing is driven: that of its partition.
pub fn partition_of(id: DubbingId) -> String {
    partition(u16::try_from(id.0.as_u128() % u128::from(PARTITIONS)).unwrap_or_default())
}

/// The names of all partitions.
pub fn partitions() -> impl Iterator<Item = String> {
    (0..PARTITIONS).map(partition)
}

fn partition(number: u16) -> String {
    format!("flow/{number:02}")
}

/// What a node may do now. Clones look at the same.
#[derive(Clone, Debug)]
pub struct Holdings(Arc<watch::Sender<Held>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    /// There is no other node.
    Everything,
    /// By name.
    Leases(BTreeMap<String, Lease>),
}

/// Whether a node may do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Right {
    /// Another node does.
    None,
    /// Nobody else is there.
    Free,
    /// As long as it holds this.
    Under(Lease),
}

impl Right {
    /// What appends are to be written under; `Err` when it is not this node's to decide.
    pub fn lease(self) -> Result<Option<Lease>, NotHeld> {
        match self {
            Self::None => Err(NotHeld),
            Self::Free => Ok(None),
            Self::Under(lease) => Ok(Some(lease)),
        }
    }
}

/// Another node does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHeld;

impl Holdings {
    /// Of a node that is alone.
    pub fn everything() -> Self {
        Self(Arc::new(watch::Sender::new(Held::Everything)))
    }

    /// Of one among others, which holds nothing yet.
    pub fn nothing() -> Self {
        Self(Arc::new(watch::Sender::new(Held::Leases(BTreeMap::new()))))
    }

    /// Whether it may do this.
    pub fn right_to(&self, name: &str) -> Right {
        match &*self.0.borrow() {
            Held::Everything => Right::Free,
            Held::Leases(leases) => leases.get(name).cloned().map_or(Right::None, Right::Under),
        }
    }

    /// Whether it drives this dubbing.
    pub fn right_to_drive(&self, id: DubbingId) -> Right {
        self.right_to(&partition_of(id))
    }

    /// Changes whenever something is taken or lost.
    pub fn changes(&self) -> Changes {
        Changes(self.0.subscribe())
    }

    /// Returns as soon as it may do this.
    pub async fn gained(&self, name: &str) {
        self.until(|right| right != Right::None, name).await;
    }

    /// Returns as soon as it may not do this any more under the right that it has now.
    pub async fn lost(&self, name: &str) {
        let now = self.right_to(name);
        self.until(|right| right != now || now == Right::None, name).await;
    }

    async fn until(&self, is_so: impl Fn(Right) -> bool, name: &str) {
        let mut changes = self.0.subscribe();
        while !is_so(self.right_to(name)) {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn hold(&self, leases: &BTreeMap<String, Lease>) {
        self.0.send_if_modified(|held| {
            let now = Held::Leases(leases.clone());
            let is_news = *held != now;
            *held = now;
            is_news
        });
    }
}

/// Tells of what a node takes and loses.
#[derive(Debug)]
pub struct Changes(watch::Receiver<Held>);

impl Changes {
    /// Returns at the next change; never when there will be none.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
