//! Clean: what nobody needs any more goes; what results and memos refer to stays.

use super::handler::{Done, DubbingJob, DubbingStage, StageError};
use crate::commands::release_file::FileUse;
use async_trait::async_trait;
use domain::{
    dubbing::DubbingEvent,
    value::{DubbingId, Sha256, TrackId},
};
use std::sync::Arc;

/// Knows who else has the bytes of a source.
#[async_trait]
pub trait Siblings: Send + Sync {
    /// Whether any job of this source, apart from one, is not finished: it may need the same blobs.
    async fn is_any_unfinished(&self, source: &Sha256, apart_from: DubbingId) -> Result<bool, StageError>;

    /// Whether somebody keeps a file of this content for its own sake: it was handed in as an asset, or is what
    /// another job published.
    async fn is_kept(&self, source: &Sha256) -> Result<bool, StageError>;
}

/// The handler.
pub struct Clean {
    /// Who else may need what this job does not need any more.
    pub siblings: Arc<dyn Siblings>,
    /// Turns with those who begin to use files.
    pub files: FileUse,
}

#[async_trait]
impl DubbingStage for Clean {
    async fn run(&self, job: &DubbingJob) -> Result<Done<DubbingEvent>, StageError> {
        let request = job.dubbing.request.as_ref().ok_or(StageError::Absent("the request"))?;
        let source = job.dubbing.source.as_ref().ok_or(StageError::Absent("the source"))?;
        let blobs = &job.attempt.kit.blobs;
        let file = &request.source.sha256;
        // Most of the waiting for read models is done while others go on.
        self.siblings.is_kept(file).await?;
        let _turn = self.files.end().await?;
        if self.siblings.is_any_unfinished(file, job.id).await? {
            // Whoever is done last cleans up.
            return Ok(Done::made(vec![], vec![]));
        }
        // An asset is its owner's: it goes when it is erased, not when a job is done.
        let is_ours = request.order.asset.is_none() && !self.siblings.is_kept(file).await?;
        if is_ours && source.media.sha256 != *file {
            // The copy signed at intake holds the same media; the user has the original.
            blobs.delete(file).await?;
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
