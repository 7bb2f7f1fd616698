//! Publish: the result becomes visible.

use super::handler::{Done, StageError, TrackJob, TrackStage};
use async_trait::async_trait;
use domain::track::{PublishedTrack, TrackEvent};

/// The handler.
pub struct Publish;

#[async_trait]
impl TrackStage for Publish {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        let muxed = job.track.muxed.as_ref().ok_or(StageError::Absent("the finished file"))?;
        let signed = job.track.signed.as_ref().ok_or(StageError::Absent("the signed file"))?;
        let assessed = job.track.assessed.as_ref().ok_or(StageError::Absent("the report"))?;
        let published = PublishedTrack {
            media: signed.media.clone(),
            srt: muxed.srt.clone(),
            vtt: muxed.vtt.clone(),
            report: assessed.report.clone(),
        };
        Ok(Done::made(vec![TrackEvent::TrackPublished(published)], vec![]))
    }
}
