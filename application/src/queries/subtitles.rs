//! Subtitles with a style per speaker, made from the published ones when they are asked for.

use crate::{
    ports::blob_store::{BlobError, BlobStore},
    text::subtitles::{
        SubtitleError,
        ass::{self, AssCue},
        srt,
    },
};
use domain::{
    track::PublishedTrack,
    value::{Sha256, Span, SpeakerId},
};
use serde::Deserialize;
use thiserror::Error;

/// Why there are none.
#[derive(Debug, Error)]
pub enum SubtitlesError {
    /// A published file is gone from the blob store.
    #[error("blob {0} is gone")]
    Lost(Sha256),
    /// The published subtitles cannot be read.
    #[error("the published subtitles could not be read")]
    Unreadable(#[from] SubtitleError),
    /// The published report cannot be read.
    #[error("the published report could not be read")]
    Report(#[from] serde_json::Error),
    /// The blob store could not be read.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// Who speaks when, of a published report.
#[derive(Deserialize)]
struct Spoken {
    lines: Vec<SpokenLine>,
}

#[derive(Deserialize)]
struct SpokenLine {
    speaker: Option<String>,
    slot: Span,
}

/// The published subtitles as Advanced SubStation Alpha: nothing in them changes before the next publication. Who
/// speaks is who, by the published report, speaks longest meanwhile in the source.
pub async fn ass(blobs: &dyn BlobStore, published: &PublishedTrack) -> Result<String, SubtitlesError> {
    let cues = srt::cues(&read(blobs, published.srt.sha256).await?)?.into_iter();
    let spoken: Spoken = serde_json::from_slice(&read(blobs, published.report.sha256).await?)?;
    let cue = |cue: crate::stages::mux::SubtitleCue| AssCue {
        speaker: speaker(&spoken, cue.span),
        span: cue.span,
        text: cue.text,
    };
    Ok(ass::write(&cues.map(cue).collect::<Vec<_>>()))
}

async fn read(blobs: &dyn BlobStore, sha256: Sha256) -> Result<Vec<u8>, SubtitlesError> {
    blobs.get_bytes(&sha256).await?.ok_or(SubtitlesError::Lost(sha256))
}

fn speaker(spoken: &Spoken, shown: Span) -> Option<SpeakerId> {
    let shared_ms =
        |span: Span| span.end_ms().min(shown.end_ms()).saturating_sub(span.start_ms().max(shown.start_ms()));
    let heard = spoken.lines.iter().map(|line| (shared_ms(line.slot), line));
    let (_, longest) = heard.filter(|(shared_ms, _)| *shared_ms > 0).max_by_key(|(shared_ms, _)| *shared_ms)?;
    longest.speaker.as_deref()?.strip_prefix('S')?.parse().ok().map(SpeakerId)
}
