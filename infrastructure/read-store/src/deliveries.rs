//! Deliveries to webhooks, in an SQLite file or, for several nodes, on PostgreSQL ([`in_database`]).
//!
//! A power cut may take back the last transactions, each of them whole (`synchronous=NORMAL`): what was delivered is
//! then sent once more, under its id, and what was taken from the log is taken again. Every change is one transaction
//! that comes to its end even if whoever asked has gone. Nothing in the file is personal or secret.

mod change;
mod in_database;
mod row;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use in_database::DUE as DUE_IN_DATABASE;
pub use in_database::PostgresDeliveryStore;

use crate::{
    error::StoreError,
    file::{File, Schema},
};
use application::ports::{
    delivery_store::{
        Attempt, Delivery, DeliveryBatch, DeliveryQuery, DeliveryStore, DeliveryStoreError, Next, Replay,
    },
    event_log::Tenant,
};
use async_trait::async_trait;
use domain::value::{Timestamp, WebhookId};
use row::{bounded, count, delivery, millis, replay};
use sqlx::{SqlitePool, sqlite::SqliteRow};
use std::path::Path;
use uuid::Uuid;

/// The file.
pub(crate) const SCHEMA: Schema = Schema {
    what: WHAT,
    // "Dweb" in ASCII.
    application_id: 0x4477_6562,
    migrations: &[
        include_str!("../../../migrations/sqlite/0009_webhook_deliveries.sql"),
        include_str!("../../../migrations/sqlite/0014_origin.sql"),
    ],
};

/// What the file holds, for messages.
const WHAT: &str = "deliveries to webhooks";

/// The heads of lines whose time has come, unless a replay is still to bring what comes before them; ranked within
/// their webhooks.
const DUE: &str = "\
    SELECT deliveries.* FROM ( \
        SELECT head.id AS id, \
            row_number() OVER (PARTITION BY head.webhook ORDER BY head.next_ms, head.position) AS place \
        FROM deliveries AS head WHERE head.is_head = 1 AND head.next_ms <= ?1 AND NOT EXISTS ( \
            SELECT 1 FROM replays WHERE replays.webhook = head.webhook AND head.position > replays.scanned_to) \
    ) AS ranked CROSS JOIN deliveries ON deliveries.id = ranked.id WHERE ranked.place <= ?2 \
    ORDER BY ranked.place, deliveries.next_ms, deliveries.position LIMIT ?3";

/// A delivery, if it is due.
const CLAIMED: &str = "SELECT * FROM deliveries AS head WHERE id = ?1 AND is_head = 1 AND next_ms <= ?2 \
    AND NOT EXISTS (SELECT 1 FROM replays WHERE replays.webhook = head.webhook AND head.position > replays.scanned_to)";

/// Deliveries in an SQLite file.
pub struct SqliteDeliveryStore {
    file: File,
}

impl SqliteDeliveryStore {
    /// Opens the deliveries in this file, makes it if there is none, and brings its schema up to date. Refuses a file
    /// of a newer program, and one that holds something else.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path, &SCHEMA).await?;
        file.take_in_use().await?;
        Ok(Self { file })
    }

    /// Closes the file. Dropping the store without this is safe.
    pub async fn close(&self) {
        self.file.close().await;
    }

    /// The file beneath.
    #[cfg(test)]
    pub(crate) fn file_for_tests(&self) -> &File {
        &self.file
    }

    fn failed(&self, error: sqlx::Error) -> DeliveryStoreError {
        self.file.failed(error).into()
    }

    /// Deliveries as rows tell them.
    fn deliveries(&self, found: Result<Vec<SqliteRow>, sqlx::Error>) -> Result<Vec<Delivery>, DeliveryStoreError> {
        let read = |rows: Vec<SqliteRow>| rows.iter().map(delivery).collect();
        found.and_then(read).map_err(|error| self.failed(error))
    }

    /// Makes a change, to its end.
    async fn change<T: Send + 'static, Work: Future<Output = Result<T, sqlx::Error>> + Send + 'static>(
        &self,
        work: impl FnOnce(SqlitePool) -> Work,
    ) -> Result<T, DeliveryStoreError> {
        let (file, work) = (self.file.clone(), work(self.file.writer()?.clone()));
        Ok(self.file.to_the_end(async move { work.await.map_err(|error| file.failed(error)) }).await?)
    }
}

#[async_trait]
impl DeliveryStore for SqliteDeliveryStore {
    async fn checkpoint(&self) -> Result<u64, DeliveryStoreError> {
        let found = sqlx::query_scalar("SELECT position FROM checkpoint").fetch_one(self.file.readers()).await;
        Ok(count(found.map_err(|error| self.failed(error))?))
    }

    async fn enqueue(&self, batch: DeliveryBatch) -> Result<(), DeliveryStoreError> {
        let is_kept = self.change(|writer| change::enqueue(writer, batch)).await?;
        if is_kept { Ok(()) } else { Err(DeliveryStoreError::Moved) }
    }

    async fn replay(
        &self,
        tenant: &Tenant,
        webhook: WebhookId,
        from_position: u64,
        asked_at: u64,
    ) -> Result<(), DeliveryStoreError> {
        let (tenant, scanned_to) = (tenant.0.clone(), from_position.saturating_sub(1));
        self.change(move |writer| change::replay(writer, tenant, webhook, scanned_to, asked_at)).await
    }

    async fn replays(&self) -> Result<Vec<Replay>, DeliveryStoreError> {
        let found = sqlx::query("SELECT * FROM replays ORDER BY webhook").fetch_all(self.file.readers()).await;
        let replays = found.and_then(|rows| rows.iter().map(replay).collect());
        replays.map_err(|error| self.failed(error))
    }

    async fn due(
        &self,
        now: Timestamp,
        per_webhook_max: usize,
        limit: usize,
    ) -> Result<Vec<Delivery>, DeliveryStoreError> {
        let due = sqlx::query(DUE).bind(millis(now)).bind(bounded(per_webhook_max)).bind(bounded(limit));
        self.deliveries(due.fetch_all(self.file.readers()).await)
    }

    async fn claim(&self, id: Uuid, now: Timestamp) -> Result<Option<Delivery>, DeliveryStoreError> {
        // There is no other process.
        let found = sqlx::query(CLAIMED).bind(id.to_string()).bind(millis(now)).fetch_all(self.file.readers()).await;
        Ok(self.deliveries(found)?.pop())
    }

    async fn outcome(&self, id: Uuid, attempt: &Attempt, next: Next) -> Result<(), DeliveryStoreError> {
        let attempt = attempt.clone();
        self.change(|writer| change::outcome(writer, id, attempt, next)).await
    }

    async fn give_up(&self, webhook: WebhookId, why: &Attempt) -> Result<u64, DeliveryStoreError> {
        let why = why.clone();
        self.change(|writer| change::give_up(writer, webhook, why)).await
    }

    async fn delivery(&self, webhook: WebhookId, id: Uuid) -> Result<Option<Delivery>, DeliveryStoreError> {
        let found = sqlx::query("SELECT * FROM deliveries WHERE id = ?1 AND webhook = ?2")
            .bind(id.to_string())
            .bind(webhook.to_string())
            .fetch_all(self.file.readers())
            .await;
        Ok(self.deliveries(found)?.pop())
    }

    async fn list(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, DeliveryStoreError> {
        let text = match query.state {
            Some(_) => {
                "SELECT * FROM deliveries WHERE webhook = ?1 AND position < ?2 AND state = ?4 \
                 ORDER BY position DESC LIMIT ?3"
            }
            None => "SELECT * FROM deliveries WHERE webhook = ?1 AND position < ?2 ORDER BY position DESC LIMIT ?3",
        };
        let page = sqlx::query(text)
            .bind(query.webhook.to_string())
            .bind(query.before.map_or(i64::MAX, row::position))
            .bind(bounded(query.limit));
        let page = match query.state {
            Some(state) => page.bind(state.name()),
            None => page,
        };
        self.deliveries(page.fetch_all(self.file.readers()).await)
    }

    async fn redeliver(&self, webhook: WebhookId, id: Uuid, now: Timestamp) -> Result<bool, DeliveryStoreError> {
        self.change(|writer| change::redeliver(writer, webhook, id, now)).await
    }

    async fn remove(&self, webhook: WebhookId) -> Result<u64, DeliveryStoreError> {
        self.change(|writer| change::remove(writer, webhook)).await
    }
}
