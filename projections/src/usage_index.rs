//! What the rows tell about how much a tenant uses: the port of its quotas.

use crate::{charges, jobs, usage};
use application::{
    ports::{
        event_log::Tenant,
        read_store::{Condition, ReadStore, ReadStoreError},
        usage_index::UsageIndex,
    },
    quotas::Charge,
};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::Arc;

/// States of dubbings that are not at their end.
const LIVE: [&str; 5] = ["queued", "preparing", "processing", "parked", "paused"];

/// Counts what tenants use in the read models.
#[derive(Clone)]
pub struct UsageRows {
    store: Arc<dyn ReadStore>,
}

impl UsageRows {
    /// Over these read models.
    pub fn new(store: Arc<dyn ReadStore>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl UsageIndex for UsageRows {
    async fn running_jobs(&self, tenant: &Tenant) -> Result<u64, ReadStoreError> {
        let live = LIVE.map(Value::from).to_vec();
        let conditions = [Condition::Equals("tenant", json!(tenant.0)), Condition::OneOf("state", live)];
        self.store.count(&jobs::TABLE, &conditions).await
    }

    async fn ordered(&self, tenant: &Tenant, month: &str) -> Result<Charge, ReadStoreError> {
        let conditions = [Condition::Equals("tenant", json!(tenant.0)), Condition::Equals("month", json!(month))];
        let sums = self.store.sums(&charges::TABLE, &charges::CHARGED, &conditions).await?;
        let sum = |place: usize| sums.get(place).and_then(|sum| u64::try_from(*sum).ok()).unwrap_or(0);
        Ok(Charge {
            source_ms: sum(0),
            transcribe_ms: sum(1),
            translate_ms: sum(2),
            synthesise_ms: sum(3),
            finish_ms: sum(4),
        })
    }

    async fn handed_in(&self, tenant: &Tenant, month: &str) -> Result<u64, ReadStoreError> {
        let found = self.store.load(&usage::TABLE, &[vec![json!(tenant.0), json!(month)]]).await?;
        let row = found.into_iter().flatten().next();
        Ok(row.and_then(|row| row.get("bytes_uploaded")?.as_u64()).unwrap_or(0))
    }
}
