//! What read models tell about assets: which of them wait, which are gone, and who else needs a file.
//!
//! Answers hold up to [`AssetIndex::position`]: who needs them newer waits for that.

use super::{event_log::Tenant, read_store::ReadStoreError};
use async_trait::async_trait;
use domain::value::{AssetId, Sha256};

/// Finds assets, and those who need their files.
#[async_trait]
pub trait AssetIndex: Send + Sync {
    /// The position in the log up to which every answer holds at least.
    async fn position(&self) -> Result<u64, ReadStoreError>;

    /// Assets of all tenants that stand like this, and whose they are, in the order of their ids, behind `after`, at most
    /// `limit`.
    async fn standing(
        &self,
        standing: AssetStanding,
        after: Option<AssetId>,
        limit: usize,
    ) -> Result<Vec<(AssetId, Tenant)>, ReadStoreError>;

    /// Whether a dubbing of this asset is not at its end.
    async fn is_being_dubbed(&self, asset: AssetId) -> Result<bool, ReadStoreError>;

    /// Whether anything else needs a file of this content, whoever's it is: another asset that waits or is ready, a
    /// dubbing made from it, a result that was published, a glossary.
    async fn is_needed(&self, file: &Sha256, apart_from: AssetId) -> Result<bool, ReadStoreError>;
}

/// Where an asset stands, as far as its file is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetStanding {
    /// It waits to be looked at.
    Waiting,
    /// It was put aside or erased: its file is not needed for its own sake.
    Gone,
}
