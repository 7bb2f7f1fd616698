//! Memos on PostgreSQL, by all nodes of an installation.

use super::{Kept, open_kept, opened, seal_result};
use crate::{
    shared::SharedDatabase,
    sql::{Cells as _, ask, ask_made},
};
use application::ports::{
    key_vault::KeyVault,
    memo_store::{MemoError, MemoStore},
};
use async_trait::async_trait;
use domain::value::{DubbingId, Sha256};
use sqlx::PgConnection;
use std::sync::Arc;

/// Memos on PostgreSQL.
pub struct PostgresMemoStore {
    database: SharedDatabase,
    vault: Arc<dyn KeyVault>,
}

impl PostgresMemoStore {
    /// Those in this database.
    pub fn new(database: SharedDatabase, vault: Arc<dyn KeyVault>) -> Self {
        Self { database, vault }
    }
}

#[async_trait]
impl MemoStore for PostgresMemoStore {
    async fn recall(&self, key: &Sha256) -> Result<Option<Vec<u8>>, MemoError> {
        match self.database.read(key, |connection, key| Box::pin(find(connection, key, ""))).await? {
            Some(kept) => Ok(open_kept(&self.vault, *key, kept).await?),
            None => Ok(None),
        }
    }

    async fn remember(&self, key: &Sha256, owner: DubbingId, result: &[u8]) -> Result<(), MemoError> {
        let Some(sealed) = seal_result(&self.vault, *key, owner, result).await? else {
            return Ok(());
        };
        let memo = Memo { key: *key, owner, sealed, vault: Arc::clone(&self.vault) };
        Ok(self.database.change(memo, |connection, memo| Box::pin(memo.write(connection))).await?)
    }
}

/// A result that is to be kept.
struct Memo {
    key: Sha256,
    owner: DubbingId,
    sealed: Vec<u8>,
    vault: Arc<dyn KeyVault>,
}

impl Memo {
    /// Keeps it, unless an earlier one is there that can still be opened. It is made again if a crash of the server takes it
    /// back.
    async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::raw_sql("SET LOCAL synchronous_commit = off").execute(&mut *connection).await?;
        let kept = ask("INSERT INTO memos (key, owner, result) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
        let kept = kept.digest(&self.key).id(self.owner.0).bytes(self.sealed.clone());
        if kept.run(connection).await? > 0 {
            return Ok(());
        }
        let earlier = find(connection, &self.key, " FOR UPDATE").await?;
        if earlier.is_some_and(|earlier| matches!(opened(&*self.vault, &self.key, &earlier), Ok(None))) {
            let anew = ask("UPDATE memos SET owner = $2, result = $3 WHERE key = $1");
            anew.digest(&self.key).id(self.owner.0).bytes(self.sealed.clone()).run(connection).await?;
        }
        Ok(())
    }
}

async fn find(connection: &mut PgConnection, key: &Sha256, holding: &str) -> Result<Option<Kept>, sqlx::Error> {
    let found = ask_made(format!("SELECT owner, result FROM memos WHERE key = $1{holding}"));
    let row = found.digest(key).first(connection).await?;
    row.map(|row| Ok(Kept { owner: row.id("owner")?.to_string(), result: row.bytes("result")? })).transpose()
}
