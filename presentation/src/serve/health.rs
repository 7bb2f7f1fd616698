//! How each part of the server is: what `/health` and `/readyz` ask.

use crate::{config::NodeRole, wiring::Engines};
use application::{
    admission::Admission,
    commands::asset_desk::{DeskState, DeskStatus},
    ports::{
        cluster::{Cluster, Node},
        event_log::EventLog,
        read_store::ReadStore,
        work_queue::WorkQueue,
    },
};
use async_trait::async_trait;
use http_api::health::{Health, HealthCheck};
use nix::sys::statvfs::statvfs;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, watch},
    time::Instant,
};

/// Free bytes below which the disk is low: a few films' worth.
const LOW_BYTES: u64 = 2 << 30;
/// Free bytes below which nothing can be taken in any more.
const FULL_BYTES: u64 = 64 << 20;
/// Positions that read models may be behind before that is worth a word.
const LAG_MAX: u64 = 10_000;
/// Engines are programs: they are asked so often at most.
const ENGINES_EVERY: Duration = Duration::from_secs(60);

/// The event log.
pub struct LogHealth(pub Arc<dyn EventLog>);

#[async_trait]
impl HealthCheck for LogHealth {
    fn name(&self) -> &'static str {
        "event-log"
    }

    async fn check(&self) -> Health {
        self.0.head().await.map_or_else(|_| Health::down("it cannot be read"), |_| Health::up())
    }
}

/// The read models, and how far they are.
pub struct ReadStoreHealth {
    /// Where they are.
    pub store: Arc<dyn ReadStore>,
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// How far they are.
    pub applied: watch::Receiver<u64>,
}

#[async_trait]
impl HealthCheck for ReadStoreHealth {
    fn name(&self) -> &'static str {
        "read-store"
    }

    async fn check(&self) -> Health {
        let (Ok(_), Ok(head)) = (self.store.checkpoint("jobs").await, self.log.head().await) else {
            return Health::down("it cannot be read");
        };
        let behind = head.saturating_sub(*self.applied.borrow());
        if behind > LAG_MAX { Health::degraded(format!("it is {behind} events behind")) } else { Health::up() }
    }
}

/// What waits.
pub struct QueueHealth {
    /// Who decides what is driven.
    pub admission: Arc<Admission>,
    /// Where work waits.
    pub queue: Arc<dyn WorkQueue>,
}

#[async_trait]
impl HealthCheck for QueueHealth {
    fn name(&self) -> &'static str {
        "work-queue"
    }

    async fn check(&self) -> Health {
        if self.queue.depth().await.is_err() {
            return self.when_silent();
        }
        match self.admission.depth().backing_off {
            0 => Health::up(),
            some => Health::degraded(format!("{some} dubbings cannot be driven and are tried again")),
        }
    }

    fn when_silent(&self) -> Health {
        Health::degraded("it cannot be reached: work waits")
    }
}

/// Whether there is a node for everything that one node or another does.
pub struct NodesHealth(pub Arc<dyn Cluster>);

#[async_trait]
impl HealthCheck for NodesHealth {
    fn name(&self) -> &'static str {
        "nodes"
    }

    async fn check(&self) -> Health {
        let Ok(nodes) = self.0.nodes().await else { return self.when_silent() };
        match missing_roles(&nodes).as_slice() {
            [] => Health::up(),
            missing => Health::degraded(format!("no node does {}: start one, or undrain one", missing.join(" and "))),
        }
    }

    fn when_silent(&self) -> Health {
        Health::degraded("it cannot be told who is there")
    }
}

/// The roles of which there is no node that is not drained.
fn missing_roles(nodes: &[Node]) -> Vec<&'static str> {
    let has = |node: &Node, role: &NodeRole| node.card.roles.iter().any(|name| name == role.name());
    let is_done = |role: &NodeRole| nodes.iter().any(|node| !node.is_draining && has(node, role));
    NodeRole::ALL.iter().filter(|role| !is_done(role)).map(|role| role.name()).collect()
}

/// Whether there is somebody among the nodes for all work that waits.
pub struct WorkersHealth {
    /// The nodes, and what work each takes.
    pub cluster: Arc<dyn Cluster>,
    /// Where work waits.
    pub queue: Arc<dyn WorkQueue>,
}

#[async_trait]
impl HealthCheck for WorkersHealth {
    fn name(&self) -> &'static str {
        "workers"
    }

    async fn check(&self) -> Health {
        let (Ok(nodes), Ok(depths)) = (self.cluster.nodes().await, self.queue.depth().await) else {
            return self.when_silent();
        };
        let waiting = depths.iter().filter(|(_, depth)| depth.ready > 0).map(|(stage, _)| stage.name());
        let missing: Vec<&str> = waiting.filter(|stage| !is_taken(stage, &nodes)).collect();
        match missing.as_slice() {
            [] => Health::up(),
            missing => Health::degraded(format!("work waits that nobody takes: {}", missing.join(", "))),
        }
    }

    fn when_silent(&self) -> Health {
        Health::degraded("it cannot be told who takes which work")
    }
}

/// Whether some node that is not drained takes work of this stage.
fn is_taken(stage: &str, nodes: &[Node]) -> bool {
    let takes = |node: &Node| node.card.work.as_ref().is_some_and(|work| work.stages.iter().any(|one| one == stage));
    nodes.iter().any(|node| !node.is_draining && takes(node))
}

/// The desk that looks at what was handed in.
pub struct AssetDeskHealth(pub DeskStatus);

#[async_trait]
impl HealthCheck for AssetDeskHealth {
    fn name(&self) -> &'static str {
        "asset-desk"
    }

    async fn check(&self) -> Health {
        health_of_desk(self.0.now())
    }
}

fn health_of_desk(desk: DeskState) -> Health {
    desk.trouble.map_or_else(Health::up, |trouble| Health::degraded(format!("what was handed in waits: {trouble}")))
}

/// The disk with data folder and blobs.
pub struct DiskHealth {
    /// `blobs` or `disk`.
    pub name: &'static str,
    /// A folder on it.
    pub folder: PathBuf,
}

#[async_trait]
impl HealthCheck for DiskHealth {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn check(&self) -> Health {
        let folder = self.folder.clone();
        let free = tokio::task::spawn_blocking(move || free_bytes(&folder)).await.ok().flatten();
        match free {
            None => Health::down("it cannot be reached"),
            Some(free) if free < FULL_BYTES => Health::down("it is full"),
            Some(free) if free < LOW_BYTES => Health::degraded(format!("{} MiB are left", free >> 20)),
            Some(_) => Health::up(),
        }
    }
}

fn free_bytes(folder: &std::path::Path) -> Option<u64> {
    let found = statvfs(folder).ok()?;
    Some(found.blocks_available().saturating_mul(found.fragment_size()))
}

/// The engines: what is not installed is missed only by those who need it.
pub struct EnginesHealth {
    engines: Engines,
    known: Mutex<Option<(Instant, Health)>>,
}

impl EnginesHealth {
    /// Of these.
    pub fn new(engines: Engines) -> Self {
        Self { engines, known: Mutex::default() }
    }
}

#[async_trait]
impl HealthCheck for EnginesHealth {
    fn name(&self) -> &'static str {
        "engines"
    }

    async fn check(&self) -> Health {
        let mut known = self.known.lock().await;
        if let Some((asked, health)) = known.as_ref()
            && asked.elapsed() < ENGINES_EVERY
        {
            return health.clone();
        }
        let mut missing = Vec::new();
        for (stage, engine) in self.engines.all() {
            if engine.describe().await.is_err() {
                missing.push(stage);
            }
        }
        let health = match missing.as_slice() {
            [] => Health::up(),
            missing => Health::degraded(format!("no engine for {}; `dragoman doctor` says more", missing.join(", "))),
        };
        *known = Some((Instant::now(), health.clone()));
        health
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::ports::cluster::{NodeCard, WorkCard};
    use http_api::health::HealthState;
    use uuid::Uuid;

    #[test]
    fn work_is_taken_by_nodes_that_say_so_and_are_not_drained() {
        let node = |stages: Option<&[&str]>, is_draining| {
            let work = stages.map(|stages| WorkCard {
                stages: stages.iter().map(|stage| (*stage).to_owned()).collect(),
                slots: 1,
                classes: vec!["cpu".to_owned()],
            });
            let (name, roles, version) = (String::new(), vec![], String::new());
            let card = NodeCard { id: Uuid::nil(), name, roles, version, work };
            Node { card, is_draining, holds: vec![] }
        };
        let nodes = [node(None, false), node(Some(&["mix", "fit"]), false), node(Some(&["transcribe"]), true)];
        assert_eq!(
            ["mix", "fit", "transcribe", "mux"].map(|stage| is_taken(stage, &nodes)),
            [true, true, false, false]
        );
    }

    #[test]
    fn every_role_needs_a_node() {
        let node = |roles: &[&str]| {
            let roles = roles.iter().map(|role| (*role).to_owned()).collect();
            let (name, version) = (String::new(), String::new());
            Node {
                card: NodeCard { id: Uuid::nil(), name, roles, version, work: None },
                is_draining: false,
                holds: vec![],
            }
        };
        assert_eq!(missing_roles(&[node(&["api"]), node(&["worker"])]), ["flow", "project"]);
        let mut project = node(&["project"]);
        assert_eq!(missing_roles(&[node(&["api", "flow"]), project.clone()]), [""; 0]);
        project.is_draining = true;
        assert_eq!(missing_roles(&[node(&["api", "flow"]), project]), ["project"], "it is drained");
    }

    #[test]
    fn the_desk_is_well_until_assets_wait_for_what_is_missing() {
        let busy = DeskState { waiting: 3, running: 1, trouble: None };
        assert_eq!(health_of_desk(busy.clone()), Health::up());
        let stuck = health_of_desk(DeskState { trouble: Some("there is no scanner".to_owned()), ..busy });
        assert_eq!(stuck.state, HealthState::Degraded);
        assert_eq!(stuck.reason.as_deref(), Some("what was handed in waits: there is no scanner"));
    }
}
