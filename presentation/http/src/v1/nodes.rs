//! `/v1/nodes`: the processes of the installation, and whether they are to do anything new.

use crate::{
    answer::Done,
    api::Api,
    extract::{Nothing, Path, Query},
    problem::{Code, Problem},
};
use application::ports::cluster::{Cluster, Node, WorkCard};
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Nodes.
#[derive(Serialize, ToSchema)]
pub(crate) struct Nodes {
    /// In the order of their ids. Empty where the installation is one process that shares nothing.
    items: Vec<NodeDocument>,
}

/// A process of the installation.
#[derive(Serialize, ToSchema)]
pub(crate) struct NodeDocument {
    /// Its id, which it keeps over a restart.
    id: Uuid,
    /// What operators call it; `-` unless configured.
    name: String,
    /// What it does: `api`, `flow`, `project`, `worker`.
    roles: Vec<String>,
    /// The program's version.
    version: String,
    /// It was told to do nothing new.
    draining: bool,
    /// What only it does now: partitions of the flow, and duties.
    holds: Vec<String>,
    /// What work it takes; none that it tells of, when it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    work: Option<WorkDocument>,
}

/// The work that a process takes from the queue.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkDocument {
    /// The stages.
    stages: Vec<String>,
    /// How much at a time.
    slots: u32,
    /// The classes of machines that it takes work for: `cpu`, `gpu`.
    classes: Vec<String>,
}

impl From<Node> for NodeDocument {
    fn from(node: Node) -> Self {
        let holds = node.holds.into_iter().map(|lease| lease.name).collect();
        let card = node.card;
        let work = |WorkCard { stages, slots, classes }| WorkDocument { stages, slots, classes };
        Self {
            id: card.id,
            name: card.name,
            roles: card.roles,
            version: card.version,
            draining: node.is_draining,
            holds,
            work: card.work.map(work),
        }
    }
}

/// All nodes
#[utoipa::path(get, path = "/v1/nodes", tag = "operations", operation_id = "list_nodes",
    responses((status = 200, description = "Nodes", body = Nodes)))]
pub(crate) async fn list(State(api): State<Api>, Query(Nothing {}): Query<Nothing>) -> Result<Done<Nodes>, Problem> {
    let nodes = match &api.cluster {
        Some(cluster) => cluster.nodes().await?,
        None => vec![],
    };
    Ok(Done::ok(Nodes { items: nodes.into_iter().map(NodeDocument::from).collect() }))
}

/// Let a node do nothing new
///
/// It gives away what only it does, within seconds, takes no new work and ends what it has, and answers requests as before.
/// Stop it then, at any time.
#[utoipa::path(post, path = "/v1/nodes/{id}/drain", tag = "operations", operation_id = "drain_node",
    params(("id" = Uuid, Path, description = "The node")), responses((status = 204, description = "It is told")))]
pub(crate) async fn drain(
    State(api): State<Api>,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<()>, Problem> {
    tell(api.cluster.as_deref(), id, true).await
}

/// Let a node take part again
#[utoipa::path(post, path = "/v1/nodes/{id}/undrain", tag = "operations", operation_id = "undrain_node",
    params(("id" = Uuid, Path, description = "The node")), responses((status = 204, description = "It is told")))]
pub(crate) async fn undrain(
    State(api): State<Api>,
    Path(id): Path<Uuid>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Done<()>, Problem> {
    tell(api.cluster.as_deref(), id, false).await
}

async fn tell(cluster: Option<&dyn Cluster>, id: Uuid, is_wanted: bool) -> Result<Done<()>, Problem> {
    let is_there = match cluster {
        Some(cluster) => cluster.drain(id, is_wanted).await?,
        None => false,
    };
    if is_there { Ok(Done::nothing()) } else { Err(Problem::new(Code::NotFound)) }
}
