//! Nodes say that they are alive, so that what a dead one had in hand is taken up by others.
//!
//! By the server's clock alone: nodes' own may differ. A node that stood still for longer than its lease is taken for dead
//! while it is not; what it had in hand may then be done twice, under the same ids.

use super::error::SharedStoreError;
use crate::sql::{Sql as _, ask};
use sqlx::{PgPool, postgres::types::PgInterval};
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// Nodes forgotten with one sign of life at most.
const FORGOTTEN_MAX: i64 = 16;

/// For how long a node is believed to be alive, and how often it says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    /// For how long it is believed.
    pub held: Duration,
    /// How often it says so: often enough that one that fails does no harm.
    pub renewed: Duration,
}

impl Default for Lease {
    fn default() -> Self {
        Self { held: Duration::from_secs(30), renewed: Duration::from_secs(5) }
    }
}

/// Says that a node is alive, once. Forgets some that have not been for a day.
pub(crate) async fn say(pool: &PgPool, node: Uuid, lease: Lease) -> Result<(), SharedStoreError> {
    let interval = PgInterval::try_from(lease.held).unwrap_or_default();
    let mut connection = pool.acquire().await?;
    sqlx::query(
        "INSERT INTO nodes (id, lease) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()",
    )
    .bind(node)
    .bind(interval)
    .execute(&mut *connection)
    .await?;
    let gone = ask("DELETE FROM nodes WHERE id IN (SELECT id FROM nodes \
         WHERE seen_at < clock_timestamp() - interval '1 day' LIMIT $1 FOR UPDATE SKIP LOCKED)");
    connection.done(gone.number(FORGOTTEN_MAX)).await?;
    Ok(())
}

/// Says so again and again, until it is dropped.
pub(super) async fn say_on(pool: PgPool, node: Uuid, lease: Lease) {
    let mut said = true;
    loop {
        sleep(lease.renewed).await;
        match say(&pool, node, lease).await {
            Ok(()) => said = true,
            Err(error) if said => {
                said = false;
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "this node cannot say that it is alive: the database does not answer");
            }
            Err(_) => {}
        }
    }
}

/// Says that a node is no more: what it had in hand is free at once.
pub(super) async fn leave(pool: &PgPool, node: Uuid) -> Result<(), SharedStoreError> {
    ask("DELETE FROM nodes WHERE id = $1").id(node).run(&mut *pool.acquire().await?).await?;
    Ok(())
}
