//! Assess: open the finished file again and measure it.

use super::{
    handler::{Done, StageError, TrackJob, TrackStage, producer},
    ingest::MediaInfo,
};
use crate::{
    ports::engine::{Engine, EngineError},
    report,
};
use async_trait::async_trait;
use domain::{
    track::{AssessedTrack, TrackEvent},
    value::{Decibel, Span},
};
use serde::{Deserialize, Serialize};
use std::{path::Path, sync::Arc};

/// Measures finished files.
#[async_trait]
pub trait Inspector: Engine {
    /// Decodes the first audio stream of `file` as a stream and measures it.
    /// `silences` of at least 2 s below −60 dBFS are reported as dead air.
    async fn inspect(&self, file: &Path) -> Result<Inspection, EngineError>;
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// Streams and duration.
    pub media: MediaInfo,
    /// Length of the decoded sound in milliseconds.
    pub sound_ms: u64,
    /// Programme loudness in LUFS.
    pub loudness: Decibel,
    /// True peak in dBTP.
    pub true_peak: Decibel,
    /// Silences of at least 2 s.
    pub silences: Vec<Span>,
}

/// The handler.
pub struct Assess {
    /// Measures.
    pub inspector: Arc<dyn Inspector>,
}

#[async_trait]
impl TrackStage for Assess {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        let muxed = job.track.muxed.as_ref().ok_or(StageError::Absent("the finished file"))?;
        let inspection = self.inspector.inspect(&job.attempt.file(&muxed.media).await?).await?;
        let built = report::build(&job.id.dubbing.to_string(), &job.dubbing, &job.track, &inspection);
        let report = built.ok_or(StageError::Absent("something that the report tells of"))?;
        if report.summary.overlaps > 0 {
            // The planner promises that this cannot be: a file that breaks the promise is not published.
            return Err(StageError::Refused(format!("{} lines sound at once", report.summary.overlaps)));
        }
        let mut bytes = serde_json::to_vec_pretty(&report).map_err(|_| StageError::Absent("the report"))?;
        bytes.push(b'\n');
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let fact = TrackEvent::QualityAssessed(AssessedTrack {
            lines_to_attend: count(report.summary.lines_to_attend),
            overlaps: count(report.summary.overlaps),
            loudness: inspection.loudness,
            true_peak: inspection.true_peak,
            report: job.attempt.kit.blobs.put_bytes(bytes, "application/json").await?,
        });
        Ok(Done::made(vec![fact], vec![producer(&*self.inspector).await?]))
    }
}
