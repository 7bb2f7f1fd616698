//! Mark: a watermark in the sound. There is no engine for it yet, and the event says so.

use super::handler::{Done, StageError, TrackJob, TrackStage};
use async_trait::async_trait;
use domain::track::TrackEvent;

/// The handler: engine `none`.
pub struct Mark;

#[async_trait]
impl TrackStage for Mark {
    async fn run(&self, _job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        Ok(Done::skipped("none", "no engine marks sound: the dub carries no watermark"))
    }
}
