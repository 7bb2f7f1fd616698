//! What read models tell about how much a tenant uses: what its quotas are held against.
//!
//! Answers hold as far as the read models have come: who needs them newer waits for that.

use super::{event_log::Tenant, read_store::ReadStoreError};
use crate::quotas::Charge;
use async_trait::async_trait;

/// Counts what a tenant uses. Months are those of the log's clock, in UTC: `2026-11`.
#[async_trait]
pub trait UsageIndex: Send + Sync {
    /// Dubbings that are not at their end.
    async fn running_jobs(&self, tenant: &Tenant) -> Result<u64, ReadStoreError>;

    /// What was ordered within a month, whether it was made yet or not. What was called off before its source was taken
    /// in does not count.
    async fn ordered(&self, tenant: &Tenant, month: &str) -> Result<Charge, ReadStoreError>;

    /// Bytes of the files that became assets within a month.
    async fn handed_in(&self, tenant: &Tenant, month: &str) -> Result<u64, ReadStoreError>;
}
