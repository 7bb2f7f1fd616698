//! Sign: provenance that travels in the file. Always last to touch it.

use super::handler::{Done, StageError, TrackJob, TrackStage, producer};
use crate::ports::provenance::{ProvenanceSigner, SignInput, SoftwareAgent};
use async_trait::async_trait;
use domain::{
    flow::{Flow, Stage},
    track::{SignedTrack, TrackEvent},
};
use std::{path::PathBuf, sync::Arc};

/// The handler.
pub struct Sign {
    /// Signs.
    pub signer: Arc<dyn ProvenanceSigner>,
    /// Names of speech engines whose voices are trained models; others speak by rule.
    pub trained_voices: Vec<String>,
}

#[async_trait]
impl TrackStage for Sign {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        let muxed = job.track.muxed.as_ref().ok_or(StageError::Absent("the finished file"))?;
        let output = job.attempt.scratch.folder().await?.join("signed");
        let signed = self.signer.sign_dub(self.input(job, output.clone()).await?).await?;
        let fact = TrackEvent::ProvenanceSigned(SignedTrack {
            media: job.attempt.keep(&output, &muxed.media.media_type).await?,
            manifest: signed.manifest,
            manifest_sha256: signed.manifest_sha256,
            revision: job.revision.0,
        });
        Ok(Done::made(vec![fact], vec![producer(&*self.signer).await?]))
    }
}

impl Sign {
    async fn input(&self, job: &TrackJob, output: PathBuf) -> Result<SignInput, StageError> {
        let header = job.track.header.as_ref().ok_or(StageError::Absent("the track"))?;
        let request = job.dubbing.request.as_ref().ok_or(StageError::Absent("the request"))?;
        let source = job.dubbing.source.as_ref().ok_or(StageError::Absent("the source"))?;
        let muxed = job.track.muxed.as_ref().ok_or(StageError::Absent("the finished file"))?;
        let engines = [agents(&job.dubbing.flow), agents(&job.track.flow)].concat();
        let trained = |agent: &SoftwareAgent| {
            agent.stage == Stage::Synthesise.name() && self.trained_voices.contains(&agent.name)
        };
        Ok(SignInput {
            input: job.attempt.file(&muxed.media).await?,
            output,
            source: job.attempt.file(&source.media).await?,
            source_media_type: source.container.clone(),
            source_signed: source.signed,
            source_sha256: request.source.sha256,
            source_language: header.source_language.clone(),
            target_language: header.language.clone(),
            trained_voice: engines.iter().any(trained),
            engines,
            dubbing: header.dubbing.to_string(),
            stream: job.attempt.stream.to_string(),
            revision: job.revision.0,
            revision_hash: job.revision.1,
        })
    }
}

/// The engines of each finished stage.
pub fn agents(flow: &Flow) -> Vec<SoftwareAgent> {
    let of_stage = flow.summaries.iter().flat_map(|(stage, summary)| {
        summary.producers.iter().map(move |producer| SoftwareAgent {
            name: producer.engine.clone(),
            version: producer.version.clone(),
            stage: stage.name().to_owned(),
        })
    });
    of_stage.collect()
}
