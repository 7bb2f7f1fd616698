//! How mux is done.

use super::{MuxInput, Muxer, OriginalSound, SubtitleCue};
use crate::{
    stages::handler::{Done, StageError, TrackJob, TrackStage, memo_key, producer},
    text::{
        split::{SourceCue, split},
        subtitles::{srt, vtt},
    },
};
use async_trait::async_trait;
use domain::{
    flow::Stage,
    track::{MuxedTrack, TrackEvent},
    value::{Artefact, Decibel, LanguageTag, Span},
};
use serde::Serialize;
use std::{path::PathBuf, sync::Arc};

/// The handler.
pub struct Mux {
    /// Writes the container.
    pub muxer: Arc<dyn Muxer>,
    /// Highest true peak of the finished file, in dBTP.
    pub true_peak_max: Decibel,
}

/// Everything that the file depends on: what it is keyed by.
#[derive(Serialize)]
struct Parts<'a> {
    source: &'a Artefact,
    video_stream: Option<u32>,
    dub: &'a Artefact,
    language: &'a LanguageTag,
    original: Option<&'a Artefact>,
    embed: bool,
    cues: &'a [SubtitleCue],
    true_peak_max: Decibel,
}

#[async_trait]
impl TrackStage for Mux {
    async fn run(&self, job: &TrackJob) -> Result<Done<TrackEvent>, StageError> {
        let cues = subtitles(job)?;
        let parts = self.parts(job, &cues)?;
        let producers = vec![producer(&*self.muxer).await?];
        let key = memo_key(Stage::Mux, &(&parts, &producers))?;
        if let Some(known) = job.track.muxed.as_ref().filter(|known| known.key == key)
            && job.attempt.has(&known.media).await?
        {
            return Ok(Done::reused(vec![], producers));
        }
        let output = job.attempt.scratch.folder().await?.join("dub");
        let muxed = self.muxer.mux(input(job, &parts, output.clone()).await?).await?;
        let media_type = if parts.video_stream.is_some() { "video/mp4" } else { "audio/mp4" };
        let blobs = &job.attempt.kit.blobs;
        let fact = TrackEvent::TrackMuxed(MuxedTrack {
            key,
            media: job.attempt.keep(&output, media_type).await?,
            srt: blobs.put_bytes(srt::write(&cues).into_bytes(), "application/x-subrip").await?,
            vtt: blobs.put_bytes(vtt::write(&cues).into_bytes(), "text/vtt").await?,
            video_copied: muxed.video_copied,
        });
        Ok(Done::made(vec![fact], producers))
    }
}

impl Mux {
    fn parts<'a>(&self, job: &'a TrackJob, cues: &'a [SubtitleCue]) -> Result<Parts<'a>, StageError> {
        let header = job.track.header.as_ref().ok_or(StageError::Absent("the track"))?;
        let source = job.dubbing.source.as_ref().ok_or(StageError::Absent("the source"))?;
        let sound = job.dubbing.sound.as_ref().ok_or(StageError::Absent("the decoded sound"))?;
        let mixed = job.track.mixed.as_ref().ok_or(StageError::Absent("the mix"))?;
        Ok(Parts {
            source: &source.media,
            video_stream: source.picture.as_ref().map(|picture| picture.stream),
            dub: &mixed.sound,
            language: &header.language,
            original: header.settings.keep_original.then_some(&sound.background),
            embed: header.settings.embed_subtitles,
            cues,
            true_peak_max: self.true_peak_max,
        })
    }
}

/// The track's subtitles: each line's translation over the cues that it came from.
fn subtitles(job: &TrackJob) -> Result<Vec<SubtitleCue>, StageError> {
    let mut cues = Vec::new();
    for (_, utterance, line) in job.lines() {
        let Some(translation) = &line.translation else {
            continue;
        };
        let text = translation.text.reveal().ok_or(StageError::Erased)?;
        // A cue's share of the words is its share of the time.
        let shares = utterance.cues.iter().map(|span| SourceCue { span: *span, chars: chars_of(*span) });
        cues.extend(split(text, &shares.collect::<Vec<_>>()));
    }
    cues.sort_by_key(|cue| cue.span);
    Ok(cues)
}

/// Characters read in a time, at 15 a second.
fn chars_of(span: Span) -> usize {
    usize::try_from(span.len_ms() * 15 / 1_000 + 1).unwrap_or(usize::MAX)
}

async fn input(job: &TrackJob, parts: &Parts<'_>, output: PathBuf) -> Result<MuxInput, StageError> {
    let original = match (parts.original, job.track.header.as_ref()) {
        (Some(sound), Some(header)) => {
            Some(OriginalSound { wav: job.attempt.file(sound).await?, language: header.source_language.clone() })
        }
        (Some(_) | None, _) => None,
    };
    Ok(MuxInput {
        source: job.attempt.file(parts.source).await?,
        video_stream: parts.video_stream,
        dub: job.attempt.file(parts.dub).await?,
        language: parts.language.clone(),
        original,
        subtitles: parts.embed.then(|| parts.cues.to_vec()),
        true_peak_max: parts.true_peak_max,
        scratch: job.attempt.scratch.folder().await?.to_owned(),
        output,
    })
}
