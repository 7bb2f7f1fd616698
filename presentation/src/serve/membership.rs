//! This process among the nodes of its installation: what it may do, and what others do.

use crate::{
    config::{Config, Node, NodeRole},
    exit::Failure,
    home::Home,
    wiring::App,
};
use application::{
    cluster::{Holdings, Member, Share},
    ports::cluster::{NodeCard, WorkCard},
    stop::{Stopper, Stopping},
};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Folds read models.
pub const PROJECTIONS: &str = "projections";
/// Tells webhooks.
pub const WEBHOOKS: &str = "webhooks";
/// Writes to those whose jobs are finished.
pub const LETTERS: &str = "letters";
/// Tells on NATS what happens.
pub const RELAY: &str = "relay";
/// Looks at what was handed in.
pub const ASSETS: &str = "assets";

/// Removes what nothing refers to.
pub const BLOBS: &str = "blobs";

/// How long leaving may take.
const LEAVING: Duration = Duration::from_secs(5);

/// As what a process joins the others.
pub struct Joining {
    roles: Vec<String>,
    share: Share,
    work: Option<WorkCard>,
}

impl Joining {
    /// As a server of these roles, which takes this work itself.
    pub fn of_server(roles: &[NodeRole], work: Option<WorkCard>) -> Self {
        let share = Share { partitions: roles.contains(&NodeRole::Flow), duties: duties(roles) };
        Self { roles: roles.iter().map(|role| role.name().to_owned()).collect(), share, work }
    }

    /// As a worker, which holds nothing.
    pub fn of_worker(work: Option<WorkCard>) -> Self {
        Self { roles: vec!["worker".to_owned()], share: Share::default(), work }
    }
}

/// A membership, which ends with the process, or in good order before.
pub struct Membership {
    holdings: Holdings,
    joined: Option<(Stopper, JoinHandle<()>)>,
}

impl Membership {
    /// Joins the other nodes, where there may be any. The caller owns the data folder: what a process before it held there is
    /// free at once. While it is to do nothing new, it takes no work.
    pub async fn join(app: &App, home: &Home, config: &Node, joining: Joining) -> Result<Self, Failure> {
        let Some(cluster) = app.cluster.clone() else {
            return Ok(Self { holdings: Holdings::everything(), joined: None });
        };
        let id = home.node()?;
        cluster.leave(id).await.map_err(|error| Failure::internal(&error))?;
        let card = NodeCard {
            id,
            name: config.name.clone().unwrap_or_else(|| "-".to_owned()),
            roles: joining.roles,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            work: joining.work,
        };
        let member = Member::new(cluster, card, joining.share, config.lease);
        let (holdings, mut draining, stopper) = (member.holdings(), member.draining(), Stopper::new());
        let (stop, room) = (stopper.signal(), app.worker.room.clone());
        tokio::spawn(async move {
            while draining.changed().await.is_ok() {
                room.close(*draining.borrow_and_update());
            }
        });
        let task = tokio::spawn(async move { member.run(&stop).await });
        Ok(Self { holdings, joined: Some((stopper, task)) })
    }

    /// What it may do, as that changes.
    pub fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// Leaves: others may take over at once what this one did.
    pub async fn leave(self) {
        if let Some((stopper, task)) = self.joined {
            stopper.ask(Stopping::AtSafePoint);
            // Where it cannot be said, others wait until the leases run out.
            let _left = tokio::time::timeout(LEAVING, task).await;
        }
    }
}

/// Refuses to answer requests beside another node without an address that both have: each would refuse the access tokens
/// of the other.
pub async fn check_address(app: &App, home: &Home, config: &Config) -> Result<(), Failure> {
    let is_alone = config.http.public_url.is_some() || !config.node.roles.contains(&NodeRole::Api);
    let Some(cluster) = app.cluster.as_ref().filter(|_| !is_alone) else { return Ok(()) };
    let id = home.node()?;
    let nodes = cluster.nodes().await.map_err(|error| Failure::internal(&error))?;
    let answers = |card: &NodeCard| card.roles.iter().any(|role| role == NodeRole::Api.name());
    match nodes.into_iter().map(|node| node.card).find(|card| card.id != id && answers(card)) {
        Some(card) => Err(Failure::usage(format!(
            "the node {} ({}) answers requests, too: set http.public_url, the same for all that do, since each refuses \
             access tokens that another address made out; a node that was killed counts for node.lease",
            card.name, card.id
        ))),
        None => Ok(()),
    }
}

/// What one node of these roles does for all.
fn duties(roles: &[NodeRole]) -> Vec<String> {
    let of = |role: &NodeRole| match role {
        NodeRole::Api => &[ASSETS][..],
        NodeRole::Flow => &[BLOBS],
        NodeRole::Project => &[PROJECTIONS, WEBHOOKS, LETTERS, RELAY],
    };
    roles.iter().flat_map(of).map(|duty| (*duty).to_owned()).collect()
}
