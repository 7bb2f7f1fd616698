//! The nodes of an installation within one process, and their leases, which fence the log's appends.

use crate::MemoryEventLog;
use application::ports::cluster::{Cluster, ClusterError, HeldTurn, Lease, Node, NodeCard, Turn};
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

#[derive(Default)]
pub(crate) struct Nodes {
    cards: BTreeMap<Uuid, Present>,
    leases: BTreeMap<String, Held>,
}

struct Present {
    card: NodeCard,
    is_draining: bool,
    until: Instant,
}

struct Held {
    number: u64,
    /// Who has it and until when; `None` when they let go of it.
    by: Option<(Uuid, Instant)>,
}

impl Nodes {
    /// Whether somebody else has taken this, or nobody ever has.
    pub(crate) fn is_fenced(&self, under: Option<&Lease>) -> bool {
        under.is_some_and(|lease| self.leases.get(&lease.name).is_none_or(|held| held.number != lease.number))
    }

    fn held_by(&mut self, node: Uuid, lease: &Lease) -> Option<&mut Held> {
        let is_own =
            |held: &&mut Held| held.number == lease.number && held.by.is_some_and(|(holder, _)| holder == node);
        self.leases.get_mut(&lease.name).filter(is_own)
    }
}

fn after(term: Duration) -> Instant {
    Instant::now() + term
}

#[async_trait]
impl Cluster for MemoryEventLog {
    async fn announce(&self, node: &NodeCard, term: Duration) -> Result<bool, ClusterError> {
        let mut store = self.store();
        let new = || Present { card: node.clone(), is_draining: false, until: after(term) };
        let present = store.nodes.cards.entry(node.id).or_insert_with(new);
        present.until = after(term);
        Ok(present.is_draining)
    }

    async fn leave(&self, node: Uuid) -> Result<(), ClusterError> {
        let mut store = self.store();
        store.nodes.cards.remove(&node);
        for held in store.nodes.leases.values_mut() {
            held.by = held.by.filter(|(holder, _)| *holder != node);
        }
        Ok(())
    }

    async fn drain(&self, node: Uuid, is_wanted: bool) -> Result<bool, ClusterError> {
        let mut store = self.store();
        let present = store.nodes.cards.get_mut(&node).filter(|present| present.until > Instant::now());
        Ok(present.map(|present| present.is_draining = is_wanted).is_some())
    }

    async fn nodes(&self) -> Result<Vec<Node>, ClusterError> {
        let (store, now) = (self.store(), Instant::now());
        let present = store.nodes.cards.values().filter(|present| present.until > now);
        let node = |present: &Present| {
            let own =
                store.nodes.leases.iter().filter(|(_, held)| {
                    held.by.is_some_and(|(holder, until)| holder == present.card.id && until > now)
                });
            let holds = own.map(|(name, held)| Lease { name: name.clone(), number: held.number }).collect();
            Node { card: present.card.clone(), is_draining: present.is_draining, holds }
        };
        Ok(present.map(node).collect())
    }

    async fn take(
        &self,
        node: Uuid,
        names: &[String],
        at_most: usize,
        term: Duration,
    ) -> Result<Vec<Lease>, ClusterError> {
        let (mut store, now) = (self.store(), Instant::now());
        let leases = &mut store.nodes.leases;
        let is_free = |name: &&String| leases.get(*name).and_then(|held| held.by).is_none_or(|(_, until)| until <= now);
        let free: Vec<String> = names.iter().filter(is_free).take(at_most).cloned().collect();
        let take = |name: String| {
            let held = leases.entry(name.clone()).or_insert(Held { number: 0, by: None });
            (held.number, held.by) = (held.number + 1, Some((node, now + term)));
            Lease { name, number: held.number }
        };
        Ok(free.into_iter().map(take).collect())
    }

    async fn renew(&self, node: Uuid, leases: &[Lease], term: Duration) -> Result<Vec<Lease>, ClusterError> {
        let mut store = self.store();
        let mut renew = |lease: &&Lease| {
            let held = store.nodes.held_by(node, lease);
            held.map(|held| held.by = Some((node, after(term)))).is_some()
        };
        Ok(leases.iter().filter(|lease| renew(lease)).cloned().collect())
    }

    async fn release(&self, node: Uuid, leases: &[Lease]) -> Result<(), ClusterError> {
        let mut store = self.store();
        for lease in leases {
            if let Some(held) = store.nodes.held_by(node, lease) {
                held.by = None;
            }
        }
        Ok(())
    }

    async fn turn(&self, turn: Turn) -> Result<HeldTurn, ClusterError> {
        let (files, blobs) = (Arc::clone(&self.files), Arc::clone(&self.blobs));
        Ok(match turn {
            Turn::UseFiles => HeldTurn::new(files.read_owned().await),
            Turn::DeleteFiles => HeldTurn::new(files.write_owned().await),
            Turn::HoldBlobs => HeldTurn::new(blobs.read_owned().await),
            Turn::CollectBlobs => HeldTurn::new(blobs.write_owned().await),
            Turn::SetUp => HeldTurn::new(Arc::clone(&self.set_up).lock_owned().await),
        })
    }
}
