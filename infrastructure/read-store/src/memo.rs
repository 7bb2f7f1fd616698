//! The store of memos, in an SQLite file or, for several nodes, on PostgreSQL ([`in_database`]). Results are sealed under their owner's key and bound to key and owner.

mod in_database;

pub use in_database::PostgresMemoStore;

use crate::{
    error::StoreError,
    file::{File, Schema},
    sealing::{self, SealingError, blocking},
};
use application::ports::{
    key_vault::KeyVault,
    memo_store::{MemoError, MemoStore},
};
use async_trait::async_trait;
use domain::value::{DubbingId, Sha256};
use sqlx::{Row as _, SqliteConnection, SqlitePool};
use std::{path::Path, sync::Arc};

const SCHEMA: Schema = Schema {
    what: "memos",
    // "Dmem" in ASCII.
    application_id: 0x446d_656d,
    migrations: &[include_str!("../../../migrations/sqlite/0003_memos.sql")],
};

/// Memos in an SQLite file.
pub struct SqliteMemoStore {
    file: File,
    vault: Arc<dyn KeyVault>,
}

impl From<SealingError> for MemoError {
    fn from(error: SealingError) -> Self {
        Self(Box::new(error))
    }
}

/// A memo as it is kept.
struct Kept {
    owner: String,
    result: Vec<u8>,
}

impl SqliteMemoStore {
    /// Opens the memos in this file, makes it if there is none, and brings its schema up to date. Refuses
    /// a file of a newer program, and one that holds something else.
    pub async fn open(path: &Path, vault: Arc<dyn KeyVault>) -> Result<Self, StoreError> {
        Ok(Self { file: File::open(path, &SCHEMA).await?, vault })
    }

    /// Closes the file. Dropping the store without this is safe.
    pub async fn close(&self) {
        self.file.close().await;
    }
}

/// What was kept, opened.
async fn open_kept(vault: &Arc<dyn KeyVault>, key: Sha256, kept: Kept) -> Result<Option<Vec<u8>>, SealingError> {
    let vault = Arc::clone(vault);
    blocking(move || opened(&*vault, &key, &kept)).await
}

/// A result as it is to be kept; `None` when its dubbing's key was destroyed: nothing new is kept about it.
async fn seal_result(
    vault: &Arc<dyn KeyVault>,
    key: Sha256,
    owner: DubbingId,
    result: &[u8],
) -> Result<Option<Vec<u8>>, SealingError> {
    let (vault, result) = (Arc::clone(vault), result.to_owned());
    blocking(move || sealed(&*vault, &key, owner, &result)).await
}

#[async_trait]
impl MemoStore for SqliteMemoStore {
    async fn recall(&self, key: &Sha256) -> Result<Option<Vec<u8>>, MemoError> {
        let mut reader = self.file.readers().acquire().await.map_err(|error| self.file.failed(error))?;
        let kept = find(&mut reader, key).await.map_err(|error| self.file.failed(error))?;
        drop(reader);
        match kept {
            Some(kept) => Ok(open_kept(&self.vault, *key, kept).await?),
            None => Ok(None),
        }
    }

    async fn remember(&self, key: &Sha256, owner: DubbingId, result: &[u8]) -> Result<(), MemoError> {
        let (file, writer, vault) = (self.file.clone(), self.file.writer()?.clone(), Arc::clone(&self.vault));
        let key = *key;
        let Some(sealed) = seal_result(&vault, key, owner, result).await? else {
            return Ok(());
        };
        let work = async move {
            let kept = write(&writer, &*vault, &key, owner, sealed).await;
            kept.map_err(|error| file.failed(error))
        };
        Ok(self.file.to_the_end(work).await?)
    }
}

/// Keeps a result, unless an earlier one is there that can still be opened.
async fn write(
    writer: &SqlitePool,
    vault: &dyn KeyVault,
    key: &Sha256,
    owner: DubbingId,
    sealed: Vec<u8>,
) -> Result<(), sqlx::Error> {
    let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
    let inserted = sqlx::query("INSERT INTO memos (key, owner, result) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
        .bind(key.to_string())
        .bind(owner.to_string())
        .bind(sealed.clone())
        .execute(&mut *change)
        .await?;
    let earlier = if inserted.rows_affected() == 0 { find(&mut change, key).await? } else { None };
    if earlier.is_some_and(|earlier| matches!(opened(vault, key, &earlier), Ok(None))) {
        sqlx::query("UPDATE memos SET owner = ?2, result = ?3 WHERE key = ?1")
            .bind(key.to_string())
            .bind(owner.to_string())
            .bind(sealed)
            .execute(&mut *change)
            .await?;
    }
    change.commit().await
}

async fn find(connection: &mut SqliteConnection, key: &Sha256) -> Result<Option<Kept>, sqlx::Error> {
    let row = sqlx::query("SELECT owner, result FROM memos WHERE key = ?1")
        .bind(key.to_string())
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok(Kept { owner: row.try_get("owner")?, result: row.try_get("result")? })).transpose()
}

fn sealed(
    vault: &dyn KeyVault,
    key: &Sha256,
    owner: DubbingId,
    result: &[u8],
) -> Result<Option<Vec<u8>>, SealingError> {
    sealing::sealed(vault, owner.0, &context(key, owner), result)
}

fn opened(vault: &dyn KeyVault, key: &Sha256, kept: &Kept) -> Result<Option<Vec<u8>>, SealingError> {
    let Ok(owner) = kept.owner.parse::<DubbingId>() else {
        return Ok(None);
    };
    sealing::opened(vault, owner.0, &context(key, owner), &kept.result)
}

/// What a sealed result is bound to, so that it cannot be moved to another key or owner.
fn context(key: &Sha256, owner: DubbingId) -> Vec<u8> {
    [b"memo".as_slice(), key.as_bytes(), owner.0.as_bytes()].concat()
}
