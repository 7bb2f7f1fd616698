//! Deliveries on PostgreSQL, sent by all nodes of an installation.
//!
//! Whoever changes which deliveries of a webhook wait holds the webhook's row in `lanes` meanwhile; one to be sent is taken in
//! hand by a statement of its own. A node has it in hand for as long as it lives. Commits do not wait for the disk, but for
//! that one: a crash of the server may take back the last ones, each whole; what was delivered is then sent once more, under its
//! id, and what was taken from the log is taken again.

mod change;

use super::row::{delivery, position, replay};
use crate::{
    shared::SharedDatabase,
    sql::{Cells as _, ask},
};
use application::ports::{
    delivery_store::{
        Attempt, Delivery, DeliveryBatch, DeliveryQuery, DeliveryStore, DeliveryStoreError, Next, Replay,
    },
    event_log::Tenant,
};
use async_trait::async_trait;
use change::{Begin, GiveUp, Outcome, Redeliver};
use domain::value::{Timestamp, WebhookId};
use uuid::Uuid;

/// The heads of lines whose time has come, unless another node has them in hand, or a replay is still to bring what comes
/// before them; ranked within their webhooks.
pub(crate) const DUE: &str = "\
    SELECT deliveries.* FROM ( \
        SELECT head.id, row_number() OVER (PARTITION BY head.webhook ORDER BY head.next_ms, head.position) AS place \
        FROM deliveries AS head WHERE head.is_head AND head.next_ms <= $1 \
        AND (head.claimed_by IS NULL OR head.claimed_by = $4 OR NOT is_alive(head.claimed_by)) AND NOT EXISTS ( \
            SELECT FROM replays WHERE replays.webhook = head.webhook AND head.position > replays.scanned_to) \
    ) AS ranked JOIN deliveries ON deliveries.id = ranked.id WHERE ranked.place <= $2 \
    ORDER BY ranked.place, deliveries.next_ms, deliveries.position LIMIT $3";

/// Takes one in hand. Of several that do so at once, the later ones look at what the first has made of it.
const CLAIM: &str = "UPDATE deliveries AS head SET claimed_by = $3 WHERE head.id = $1 AND head.is_head \
    AND head.next_ms <= $2 AND (head.claimed_by IS NULL OR head.claimed_by = $3 OR NOT is_alive(head.claimed_by)) \
    AND NOT EXISTS (SELECT FROM replays WHERE replays.webhook = head.webhook AND head.position > replays.scanned_to) \
    RETURNING head.*";

/// Deliveries on PostgreSQL.
pub struct PostgresDeliveryStore {
    database: SharedDatabase,
}

impl PostgresDeliveryStore {
    /// Those in this database.
    pub fn new(database: SharedDatabase) -> Self {
        Self { database }
    }
}

#[async_trait]
impl DeliveryStore for PostgresDeliveryStore {
    async fn checkpoint(&self) -> Result<u64, DeliveryStoreError> {
        let found = self.database.read(&(), |connection, ()| {
            Box::pin(async {
                let row = ask("SELECT position FROM delivery_checkpoint").first(connection).await?;
                row.map_or(Ok(0), |row| row.count("position"))
            })
        });
        Ok(found.await?)
    }

    async fn enqueue(&self, batch: DeliveryBatch) -> Result<(), DeliveryStoreError> {
        let kept =
            self.database.change(batch, |connection, batch| Box::pin(change::enqueue(connection, batch))).await?;
        if kept { Ok(()) } else { Err(DeliveryStoreError::Moved) }
    }

    async fn replay(
        &self,
        tenant: &Tenant,
        webhook: WebhookId,
        from_position: u64,
        asked_at: u64,
    ) -> Result<(), DeliveryStoreError> {
        let scanned_to = from_position.saturating_sub(1);
        let begin = Begin { tenant: tenant.clone(), webhook, scanned_to, asked_at };
        Ok(self.database.change(begin, |connection, begin| Box::pin(change::begin(connection, begin))).await?)
    }

    async fn replays(&self) -> Result<Vec<Replay>, DeliveryStoreError> {
        let found = self.database.read(&(), |connection, ()| {
            Box::pin(async {
                let rows = ask("SELECT * FROM replays ORDER BY webhook").all(connection).await?;
                rows.iter().map(replay).collect()
            })
        });
        Ok(found.await?)
    }

    async fn due(
        &self,
        now: Timestamp,
        per_webhook_max: usize,
        limit: usize,
    ) -> Result<Vec<Delivery>, DeliveryStoreError> {
        let asked = (now, per_webhook_max as u64, limit as u64, self.database.node());
        let due = self.database.read(&asked, |connection, (now, each, all, node)| {
            Box::pin(async {
                let due = ask(DUE).time(*now).count(*each).count(*all).id(*node);
                due.all(connection).await?.iter().map(delivery).collect()
            })
        });
        Ok(due.await?)
    }

    async fn claim(&self, id: Uuid, now: Timestamp) -> Result<Option<Delivery>, DeliveryStoreError> {
        let asked = (id, now, self.database.node());
        let claimed = self.database.change(asked, |connection, (id, now, node)| {
            Box::pin(async {
                let claimed = ask(CLAIM).id(*id).time(*now).id(*node).first(connection).await?;
                claimed.map(|row| delivery(&row)).transpose()
            })
        });
        Ok(claimed.await?)
    }

    async fn outcome(&self, id: Uuid, attempt: &Attempt, next: Next) -> Result<(), DeliveryStoreError> {
        let outcome = Outcome { id, attempt: attempt.clone(), next, node: self.database.node() };
        let kept =
            self.database.change_once(outcome, |connection, outcome| Box::pin(change::outcome(connection, outcome)));
        Ok(kept.await?)
    }

    async fn give_up(&self, webhook: WebhookId, why: &Attempt) -> Result<u64, DeliveryStoreError> {
        let all = GiveUp { webhook, why: why.clone() };
        Ok(self.database.change_once(all, |connection, all| Box::pin(change::give_up(connection, all))).await?)
    }

    async fn delivery(&self, webhook: WebhookId, id: Uuid) -> Result<Option<Delivery>, DeliveryStoreError> {
        let asked = (webhook, id);
        let found = self.database.read(&asked, |connection, (webhook, id)| {
            Box::pin(async {
                let found = ask("SELECT * FROM deliveries WHERE id = $1 AND webhook = $2").id(*id).id(webhook.0);
                found.first(connection).await?.map(|row| delivery(&row)).transpose()
            })
        });
        Ok(found.await?)
    }

    async fn list(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, DeliveryStoreError> {
        let page = self.database.read(query, |connection, query| {
            Box::pin(async {
                let page = match query.state {
                    Some(state) => ask("SELECT * FROM deliveries WHERE webhook = $3 AND position < $1 AND state = $4 \
                         ORDER BY position DESC LIMIT $2")
                    .number(query.before.map_or(i64::MAX, position))
                    .count(query.limit as u64)
                    .id(query.webhook.0)
                    .text(state.name()),
                    None => ask("SELECT * FROM deliveries WHERE webhook = $3 AND position < $1 \
                         ORDER BY position DESC LIMIT $2")
                    .number(query.before.map_or(i64::MAX, position))
                    .count(query.limit as u64)
                    .id(query.webhook.0),
                };
                page.all(connection).await?.iter().map(delivery).collect()
            })
        });
        Ok(page.await?)
    }

    async fn redeliver(&self, webhook: WebhookId, id: Uuid, now: Timestamp) -> Result<bool, DeliveryStoreError> {
        let again = Redeliver { webhook, id, now };
        Ok(self.database.change(again, |connection, again| Box::pin(change::redeliver(connection, again))).await?)
    }

    async fn remove(&self, webhook: WebhookId) -> Result<u64, DeliveryStoreError> {
        let removed =
            self.database.change(webhook, |connection, webhook| Box::pin(change::remove(connection, *webhook)));
        Ok(removed.await?)
    }
}
