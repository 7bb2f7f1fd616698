//! Snapshots beside the read models on PostgreSQL.

use super::{error::PostgresStoreError, server::Server, store::PostgresReadStore};
use crate::snapshots::{Columns, Kept};
use application::ports::{
    event_log::StreamId,
    key_vault::KeyVault,
    snapshots::{Snapshot, SnapshotError, Snapshots},
};
use async_trait::async_trait;
use std::sync::Arc;

/// Snapshots on PostgreSQL.
pub struct PostgresSnapshots {
    server: Server,
    vault: Arc<dyn KeyVault>,
}

impl PostgresSnapshots {
    /// Those beside these read models, over the same connections.
    pub fn beside(read_models: &PostgresReadStore, vault: Arc<dyn KeyVault>) -> Self {
        Self { server: read_models.server.clone(), vault }
    }

    async fn find(&self, stream: &StreamId, version: u32) -> Result<Option<Kept>, PostgresStoreError> {
        let query = "SELECT stream, version, revision, hash, tenant, traceparent, state \
             FROM dragoman_read.snapshots WHERE stream = $1 AND version = $2";
        let row: Option<Columns> = sqlx::query_as(query)
            .bind(stream.to_string())
            .bind(i64::from(version))
            .fetch_optional(self.server.pool())
            .await?;
        Ok(row.map(Kept::from))
    }
}

impl From<PostgresStoreError> for SnapshotError {
    fn from(error: PostgresStoreError) -> Self {
        Self(Box::new(error))
    }
}

#[async_trait]
impl Snapshots for PostgresSnapshots {
    async fn load(&self, stream: &StreamId, version: u32) -> Result<Option<Snapshot>, SnapshotError> {
        match self.find(stream, version).await? {
            Some(kept) => kept.opened(&self.vault, stream).await,
            None => Ok(None),
        }
    }

    async fn save(&self, stream: &StreamId, version: u32, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let Some(kept) = Kept::of(&self.vault, stream, version, snapshot).await? else {
            return Ok(());
        };
        let put = sqlx::query(
            "INSERT INTO dragoman_read.snapshots (stream, version, revision, hash, tenant, traceparent, state) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (stream) DO UPDATE SET version = excluded.version, \
             revision = excluded.revision, hash = excluded.hash, tenant = excluded.tenant, \
             traceparent = excluded.traceparent, state = excluded.state",
        );
        let put = put.bind(kept.stream).bind(kept.version).bind(kept.revision).bind(kept.hash);
        let put = put.bind(kept.tenant).bind(kept.traceparent).bind(kept.state).execute(self.server.pool()).await;
        put.map_err(PostgresStoreError::from)?;
        Ok(())
    }
}
