//! Other jobs of the same source, found in the read models.

use application::{
    aggregates::Aggregates,
    ports::{
        event_log::ReadError,
        read_store::{ReadStore, Row},
    },
    stages::{clean::Siblings, handler::StageError},
};
use async_trait::async_trait;
use domain::{
    dubbing::Phase,
    value::{DubbingId, Sha256},
};
use serde_json::Value;
use std::sync::Arc;

/// Finds jobs by their source. Complete, since the owner of the data folder begins one job at a time and brings the
/// read models up to date before.
pub struct JobsOfSource {
    /// Where jobs are listed.
    pub read_store: Arc<dyn ReadStore>,
    /// Where they stand.
    pub aggregates: Arc<Aggregates>,
}

#[async_trait]
impl Siblings for JobsOfSource {
    async fn is_any_unfinished(&self, source: &Sha256, apart_from: DubbingId) -> Result<bool, StageError> {
        let filter = [("source_sha256", Value::from(source.to_string()))];
        let rows = self.read_store.query(&projections::jobs::TABLE, &filter).await;
        let rows = rows.map_err(|error| ReadError::Unavailable(Box::new(error)))?;
        let id_of = |row: &Row| row.get("job_id")?.as_str()?.parse::<DubbingId>().ok();
        for id in rows.iter().filter_map(id_of).filter(|id| *id != apart_from) {
            if self.aggregates.dubbing(id).await?.state.phase == Phase::Processing {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
