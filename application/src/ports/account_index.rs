//! Which accounts there are: what only all of them together can tell.

use super::{event_log::Tenant, read_store::ReadStoreError};
use async_trait::async_trait;
use domain::value::AccountId;

/// Finds accounts. It may not know yet of what has just been written.
#[async_trait]
pub trait AccountIndex: Send + Sync {
    /// The admins of a tenant that may be used.
    async fn admins(&self, tenant: &Tenant) -> Result<Vec<AccountId>, ReadStoreError>;
}
