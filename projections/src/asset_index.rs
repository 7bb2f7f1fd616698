//! What the rows tell about assets: the port of those who look at assets and delete their files.

use crate::{assets, glossaries, jobs, row::text, tracks};
use application::ports::{
    asset_index::{AssetIndex, AssetStanding},
    event_log::Tenant,
    read_store::{Condition, Order, PageQuery, ReadStore, ReadStoreError, Table},
};
use async_trait::async_trait;
use domain::value::{AssetId, Sha256};
use serde_json::{Value, json};
use std::sync::Arc;

/// The projections that the answers come from.
const NAMES: [&str; 4] = ["assets", "jobs", "tracks", "glossaries"];
/// Columns of a track that name files which its users can have downloaded, and so can hand in.
const RESULTS: [&str; 4] = ["media_sha256", "srt_sha256", "vtt_sha256", "report_sha256"];

/// Finds assets and the users of their files in the read models.
#[derive(Clone)]
pub struct AssetRows {
    store: Arc<dyn ReadStore>,
}

impl AssetRows {
    /// Over these read models.
    pub fn new(store: Arc<dyn ReadStore>) -> Self {
        Self { store }
    }

    async fn is_any(&self, table: &'static Table, conditions: &[Condition]) -> Result<bool, ReadStoreError> {
        Ok(self.store.count(table, conditions).await? > 0)
    }
}

#[async_trait]
impl AssetIndex for AssetRows {
    async fn position(&self) -> Result<u64, ReadStoreError> {
        let mut position = u64::MAX;
        for name in NAMES {
            position = position.min(self.store.checkpoint(name).await?);
        }
        Ok(position)
    }

    async fn standing(
        &self,
        standing: AssetStanding,
        after: Option<AssetId>,
        limit: usize,
    ) -> Result<Vec<(AssetId, Tenant)>, ReadStoreError> {
        let states = match standing {
            AssetStanding::Waiting => vec![json!("uploaded")],
            AssetStanding::Gone => vec![json!("quarantined"), json!("erased")],
        };
        let query = PageQuery {
            conditions: vec![Condition::OneOf("state", states)],
            order: Order { column: "asset_id", descending: false },
            after: after.map(|id| vec![json!(id.to_string()), json!(id.to_string())]),
            limit,
        };
        let rows = self.store.page(&assets::TABLE, &query).await?;
        let whose = |row| Some((text(row, "asset_id").parse().ok()?, Tenant(text(row, "tenant").to_owned())));
        Ok(rows.iter().filter_map(whose).collect())
    }

    async fn is_being_dubbed(&self, asset: AssetId) -> Result<bool, ReadStoreError> {
        let live = ["queued", "preparing", "processing"].map(Value::from).to_vec();
        let of_asset = Condition::Equals("asset_id", json!(asset.to_string()));
        self.is_any(&jobs::TABLE, &[of_asset, Condition::OneOf("phase", live)]).await
    }

    async fn is_needed(&self, file: &Sha256, apart_from: AssetId) -> Result<bool, ReadStoreError> {
        let file = json!(file.to_string());
        let named = |column| vec![Condition::Equals(column, file.clone())];
        let live = vec![json!("uploaded"), json!("ready")];
        let mut assets = named("sha256");
        assets.push(Condition::OneOf("state", live));
        let other = |row: &_| text(row, "asset_id") != apart_from.to_string();
        let query = PageQuery {
            conditions: assets,
            order: Order { column: "asset_id", descending: false },
            after: None,
            // One of them may be the asset itself.
            limit: 2,
        };
        if self.store.page(&assets::TABLE, &query).await?.iter().any(other) {
            return Ok(true);
        }
        if self.is_any(&jobs::TABLE, &named("source_sha256")).await?
            || self.is_any(&glossaries::TABLE, &named("sha256")).await?
        {
            return Ok(true);
        }
        for column in RESULTS {
            if self.is_any(&tracks::TABLE, &named(column)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
