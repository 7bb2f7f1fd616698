//! Which accounts there are, as far as the read models know.

use crate::accounts::TABLE;
use application::ports::{
    account_index::AccountIndex,
    event_log::Tenant,
    read_store::{ReadStore, ReadStoreError},
};
use async_trait::async_trait;
use domain::value::AccountId;
use serde_json::json;
use std::sync::Arc;

/// The rows of `accounts`.
pub struct AccountRows(Arc<dyn ReadStore>);

impl AccountRows {
    /// In this store.
    pub fn new(store: Arc<dyn ReadStore>) -> Self {
        Self(store)
    }
}

#[async_trait]
impl AccountIndex for AccountRows {
    async fn admins(&self, tenant: &Tenant) -> Result<Vec<AccountId>, ReadStoreError> {
        let filter = [("tenant", json!(tenant.0)), ("role", json!("admin")), ("state", json!("active"))];
        let rows = self.0.query(&TABLE, &filter).await?;
        Ok(rows.iter().filter_map(|row| row.get("account_id")?.as_str()?.parse().ok()).collect())
    }
}
