//! Membership: the loop that keeps a node's leases.

use super::{Holdings, partitions};
use crate::{
    ports::cluster::{Cluster, ClusterError, Lease, NodeCard},
    stop::{StopSignal, Stopping},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// The role whose nodes share the partitions.
const FLOW: &str = "flow";
/// Rounds in a term: two may fail before what is held is lost.
const ROUNDS: u32 = 3;

/// What a node wants of all that can be held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Its part of the partitions.
    pub partitions: bool,
    /// Duties, each of which one node has.
    pub duties: Vec<String>,
}

/// A node among others.
pub struct Member {
    cluster: Arc<dyn Cluster>,
    card: NodeCard,
    share: Share,
    term: Duration,
    holdings: Holdings,
    draining: watch::Sender<bool>,
    held: BTreeMap<String, Lease>,
    /// Until when what is held is surely nobody else's.
    until: Instant,
}

impl Member {
    /// Holds nothing yet.
    pub fn new(cluster: Arc<dyn Cluster>, card: NodeCard, share: Share, term: Duration) -> Self {
        let holdings = Holdings::nothing();
        let draining = watch::Sender::new(false);
        Self { cluster, card, share, term, holdings, draining, held: BTreeMap::new(), until: Instant::now() }
    }

    /// What it holds, as it changes.
    pub fn holdings(&self) -> Holdings {
        self.holdings.clone()
    }

    /// Whether it is to do nothing new, as somebody asks for that or takes it back.
    pub fn draining(&self) -> watch::Receiver<bool> {
        self.draining.subscribe()
    }

    /// Keeps what it holds until it is told to stop, and then lets go of it.
    pub async fn run(mut self, stop: &StopSignal) {
        loop {
            let began = Instant::now();
            let next = match self.round(began).await {
                Ok(()) => began + self.term / ROUNDS,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, node = %self.card.id, "this node's leases could not be renewed");
                    Instant::now() + self.term / ROUNDS / 4
                }
            };
            if !self.wait(next, stop).await {
                break;
            }
        }
        self.hold(BTreeMap::new());
        if let Err(error) = self.cluster.leave(self.card.id).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the other nodes take over what this one held once its leases have run out");
        }
    }

    /// Waits for the next round, and lets go of everything when its term ends before. `false` when it is to stop.
    async fn wait(&mut self, next: Instant, stop: &StopSignal) -> bool {
        loop {
            let is_over = Instant::now() >= self.until;
            if is_over && !self.held.is_empty() {
                tracing::warn!(node = %self.card.id, "this node's leases have run out: others may take over");
                self.hold(BTreeMap::new());
            }
            let until = if self.held.is_empty() { next } else { next.min(self.until) };
            tokio::select! {
                () = stop.reached(Stopping::AtSafePoint) => return false,
                () = sleep_until(until) => if Instant::now() >= next { return true },
            }
        }
    }

    /// Renews what it holds, lets go of what is too much, and takes what it may.
    async fn round(&mut self, began: Instant) -> Result<(), ClusterError> {
        let is_draining = self.cluster.announce(&self.card, self.term).await?;
        self.tell_draining(is_draining);
        let known: Vec<Lease> = self.held.values().cloned().collect();
        let renewed = self.cluster.renew(self.card.id, &known, self.term).await?;
        self.until = began + self.term;
        self.hold(renewed.into_iter().map(|lease| (lease.name.clone(), lease)).collect());
        if is_draining {
            return self.let_go(|_| true).await;
        }
        let duties = self.share.duties.clone();
        if duties.iter().any(|name| !self.held.contains_key(name)) {
            self.take(&duties, usize::MAX).await?;
        }
        if self.share.partitions {
            self.take_partitions().await?;
        }
        Ok(())
    }

    fn tell_draining(&self, is_draining: bool) {
        let is_news = self.draining.send_if_modified(|known| std::mem::replace(known, is_draining) != is_draining);
        if is_news {
            let said =
                if is_draining { "this node does nothing new from now on" } else { "this node takes part again" };
            tracing::info!(node = %self.card.id, "{said}");
        }
    }

    /// Comes to its fair part of the partitions: as many as others have, or one more.
    async fn take_partitions(&mut self) -> Result<(), ClusterError> {
        let all: Vec<String> = partitions().collect();
        let nodes = self.cluster.nodes().await?;
        let sharing = nodes.iter().filter(|node| !node.is_draining && node.card.roles.iter().any(|role| role == FLOW));
        let part = all.len().div_ceil(sharing.count().max(1));
        let own: Vec<String> = all.iter().filter(|name| self.held.contains_key(*name)).cloned().collect();
        if own.len() > part {
            let surplus = own.get(part..).unwrap_or_default().to_vec();
            return self.let_go(|name| surplus.contains(name)).await;
        }
        if own.len() < part { self.take(&all, part - own.len()).await } else { Ok(()) }
    }

    async fn take(&mut self, names: &[String], at_most: usize) -> Result<(), ClusterError> {
        let wanted: Vec<String> = names.iter().filter(|name| !self.held.contains_key(*name)).cloned().collect();
        let taken = self.cluster.take(self.card.id, &wanted, at_most, self.term).await?;
        let taken = taken.into_iter().map(|lease| (lease.name.clone(), lease));
        self.hold(self.held.clone().into_iter().chain(taken).collect());
        Ok(())
    }

    /// Stops doing these things first, and lets others have them then.
    async fn let_go(&mut self, is_meant: impl Fn(&String) -> bool) -> Result<(), ClusterError> {
        let (gone, kept): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.held.clone().into_iter().partition(|(name, _)| is_meant(name));
        if gone.is_empty() {
            return Ok(());
        }
        self.hold(kept);
        self.cluster.release(self.card.id, &gone.into_values().collect::<Vec<_>>()).await
    }

    fn hold(&mut self, leases: BTreeMap<String, Lease>) {
        if leases != self.held {
            let names = leases.keys().map(String::as_str).collect::<Vec<_>>().join(" ");
            tracing::info!(node = %self.card.id, holds = names, "this node's leases have changed");
        }
        self.held = leases;
        self.holdings.hold(&self.held);
    }
}
