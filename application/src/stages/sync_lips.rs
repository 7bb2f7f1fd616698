//! SyncLips: lips moved to the new speech. There is no engine for it yet, and the event says so.

use super::handler::{Done, StageError, TrackJob, TrackStage};
use async_trait::async_trait;
use domain::track::TrackEvent;

/// The handler: engine `none`.
pub struct SyncLips;

#[async_trait]
impl TrackStage for SyncLips {
    async fn run(&self, _job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        Ok(Done::skipped("none", "no engine moves lips: the picture is the source's"))
    }
}
