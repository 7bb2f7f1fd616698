//! Requests by their idempotency keys, in an SQLite file or, for several nodes, on PostgreSQL ([`in_database`]).
//!
//! What may be lost in a power cut decides how it is written. A beginning may not: without its row, a
//! repetition would draw other ids, the log would not know the command again, and the same thing would be
//! made twice. So a group with a beginning in it is on the disk before anyone is answered
//! (`synchronous=FULL`), one sync for all that gathered meanwhile. An answer or a giving up may be lost:
//! the row then reads as running under a process that is dead, it begins again with its ids, and the log
//! answers the command, known by (tenant, command id, stream), with its first outcome. So groups of ends
//! wait for no disk (`synchronous=NORMAL`); a write-ahead log loses its end only, never a part
//! before what was synced later.
//!
//! Answers may name persons: their bodies are sealed under a key of the installation, bound to tenant and
//! idempotency key. An answer that does not open any more is none: its request begins again, with its ids.

mod in_database;
mod judge;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use in_database::PostgresRequestStore;

use crate::{
    error::StoreError,
    file::{File, Schema},
};
use application::{
    aggregates::sha256,
    ports::{
        clock::{Clock, Ids},
        event_log::Tenant,
        key_vault::Key,
        request_store::{Answer, Begun, RequestStore, RequestStoreError},
    },
};
use async_trait::async_trait;
use domain::value::Sha256;
use std::{path::Path, sync::Arc};
use table::Name;
use tokio::sync::{mpsc, oneshot};
use writer::{Ask, Order, Told, WAITING_MAX, What, Writer};

const SCHEMA: Schema = Schema {
    what: WHAT,
    // "Dreq" in ASCII.
    application_id: 0x4472_6571,
    migrations: &[include_str!("../../../migrations/sqlite/0005_requests.sql")],
};

/// What the file holds, for messages.
const WHAT: &str = "requests";

/// Requests in an SQLite file.
pub struct SqliteRequestStore {
    file: File,
    orders: mpsc::Sender<Order>,
}

impl SqliteRequestStore {
    /// Opens the requests in this file, makes it if there is none, and brings its schema up to date. To be
    /// called in a Tokio runtime, which then runs the writer, by the owner of the data folder: what an
    /// earlier process left running may begin again from now on. Answers are sealed under `seal`. Refuses a file of a newer program, and
    /// one that holds something else.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, seal: Key) -> Result<Self, StoreError> {
        let file = File::open(path, &SCHEMA).await?;
        let opening = table::next_opening(file.writer()?).await.map_err(|error| file.failed(error))?;
        let (orders, gathered) = mpsc::channel(WAITING_MAX);
        tokio::spawn(Writer { file: file.clone(), opening, clock, ids, seal }.run(gathered));
        Ok(Self { file, orders })
    }

    /// Closes the file once everything asked before is done. Dropping the store without this is safe.
    pub async fn close(&self) {
        let (done, told) = oneshot::channel();
        if self.orders.send(Order::Close(done)).await.is_ok() {
            // An error means that the writer has ended already.
            let _ended = told.await;
        }
        self.file.close().await;
    }

    /// The file beneath.
    #[cfg(test)]
    pub(crate) fn file_for_tests(&self) -> &File {
        &self.file
    }

    async fn ask(&self, tenant: &Tenant, key: &str, what: What) -> Told {
        let interrupted = || RequestStoreError::from(StoreError::Interrupted { what: WHAT });
        let ask = Ask { name: name(tenant, key), what };
        let (tell, told) = oneshot::channel();
        self.orders.send(Order::Ask(ask, tell)).await.map_err(|_| interrupted())?;
        told.await.map_err(|_| interrupted())?
    }
}

/// What a key is known by.
fn name(tenant: &Tenant, key: &str) -> Name {
    (tenant.0.clone(), sha256(key.as_bytes()))
}

#[async_trait]
impl RequestStore for SqliteRequestStore {
    async fn begin(&self, tenant: &Tenant, key: &str, fingerprint: &Sha256) -> Result<Begun, RequestStoreError> {
        let begun = self.ask(tenant, key, What::Begin(*fingerprint)).await?;
        begun.ok_or_else(|| StoreError::Interrupted { what: WHAT }.into())
    }

    async fn finish(&self, tenant: &Tenant, key: &str, answer: &Answer) -> Result<(), RequestStoreError> {
        self.ask(tenant, key, What::Finish(answer.clone())).await.map(drop)
    }

    async fn abandon(&self, tenant: &Tenant, key: &str) -> Result<(), RequestStoreError> {
        self.ask(tenant, key, What::Abandon).await.map(drop)
    }
}
