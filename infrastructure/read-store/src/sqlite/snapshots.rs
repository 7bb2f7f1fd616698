//! Snapshots in an SQLite file of their own.

use crate::{
    error::StoreError,
    file::{File, Schema},
    snapshots::{Columns, Kept},
};
use application::ports::{
    event_log::StreamId,
    key_vault::KeyVault,
    snapshots::{Snapshot, SnapshotError, Snapshots},
};
use async_trait::async_trait;
use std::{path::Path, sync::Arc};

const SCHEMA: Schema = Schema {
    what: "snapshots",
    // "Dsnp" in ASCII.
    application_id: 0x4473_6e70,
    migrations: &[include_str!("../../../../migrations/sqlite/0013_snapshots.sql")],
};

/// Snapshots in an SQLite file.
pub struct SqliteSnapshots {
    file: File,
    vault: Arc<dyn KeyVault>,
}

impl SqliteSnapshots {
    /// Opens the snapshots in this file, makes it if there is none, and brings its schema up to date. Refuses a file of
    /// a newer program, and one that holds something else.
    pub async fn open(path: &Path, vault: Arc<dyn KeyVault>) -> Result<Self, StoreError> {
        Ok(Self { file: File::open(path, &SCHEMA).await?, vault })
    }

    /// Closes the file. Dropping them without this is safe.
    pub async fn close(&self) {
        self.file.close().await;
    }

    async fn find(&self, stream: &StreamId, version: u32) -> Result<Option<Kept>, StoreError> {
        let query = "SELECT stream, version, revision, hash, tenant, traceparent, state \
             FROM snapshots WHERE stream = ?1 AND version = ?2";
        let row: Option<Columns> = sqlx::query_as(query)
            .bind(stream.to_string())
            .bind(i64::from(version))
            .fetch_optional(self.file.readers())
            .await
            .map_err(|error| self.file.failed(error))?;
        Ok(row.map(Kept::from))
    }
}

impl From<StoreError> for SnapshotError {
    fn from(error: StoreError) -> Self {
        Self(Box::new(error))
    }
}

#[async_trait]
impl Snapshots for SqliteSnapshots {
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
        let (file, writer) = (self.file.clone(), self.file.writer()?.clone());
        let work = async move {
            let put = sqlx::query(
                "INSERT OR REPLACE INTO snapshots (stream, version, revision, hash, tenant, traceparent, state) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            );
            let put = put.bind(kept.stream).bind(kept.version).bind(kept.revision).bind(kept.hash);
            let put = put.bind(kept.tenant).bind(kept.traceparent).bind(kept.state).execute(&writer).await;
            put.map(|_| ()).map_err(|error| file.failed(error))
        };
        Ok(self.file.to_the_end(work).await?)
    }
}
