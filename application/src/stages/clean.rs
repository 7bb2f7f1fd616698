//! Clean: what nobody needs any more goes; what results and memos refer to stays.

use super::handler::{Done, DubbingJob, DubbingStage, StageError};
use async_trait::async_trait;
use domain::{
    dubbing::DubbingEvent,
    value::{DubbingId, Sha256, TrackId},
};
use std::sync::Arc;

/// Knows other jobs of a source.
#[async_trait]
pub trait Siblings: Send + Sync {
    /// Whether any job of this source, apart from one, is not finished: it may need the same blobs.
    async fn is_any_unfinished(&self, source: &Sha256, apart_from: DubbingId) -> Result<bool, StageError>;
}

/// The handler.
pub struct Clean {
    /// Who else may need what this job does not need any more.
    pub siblings: Arc<dyn Siblings>,
}

#[async_trait]
impl DubbingStage for Clean {
    async fn run(&self, job: &DubbingJob) -> Result<Done<DubbingEvent>, StageError> {
        let request = job.dubbing.request.as_ref().ok_or(StageError::Absent("the request"))?;
        let source = job.dubbing.source.as_ref().ok_or(StageError::Absent("the source"))?;
        let blobs = &job.attempt.kit.blobs;
        if self.siblings.is_any_unfinished(&request.source.sha256, job.id).await? {
            // Whoever is done last cleans up.
            return Ok(Done::made(vec![], vec![]));
        }
        // An asset is its owner's: it goes when it is erased, not when a job is done.
        if request.order.asset.is_none() && source.media.sha256 != request.source.sha256 {
            // The copy signed at intake holds the same media; the user has the original.
            blobs.delete(&request.source.sha256).await?;
        }
        for language in job.dubbing.tracks.keys() {
            let track = TrackId { dubbing: job.id, language: language.clone() };
            let track = job.attempt.kit.aggregates.track(&track).await?.state;
            let (Some(muxed), Some(signed)) = (&track.muxed, &track.signed) else {
                continue;
            };
            if muxed.media.sha256 != signed.media.sha256 {
                // The signed file is what was published; the unsigned one is made again when needed.
                blobs.delete(&muxed.media.sha256).await?;
            }
        }
        Ok(Done::made(vec![], vec![]))
    }
}
