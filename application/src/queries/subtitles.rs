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
    dubbing::Dubbing,
    track::PublishedTrack,
    value::{Sha256, Span, SpeakerId},
};
use thiserror::Error;

/// Why there are none.
#[derive(Debug, Error)]
pub enum SubtitlesError {
    /// The published subtitles are gone from the blob store.
    #[error("blob {0} is gone")]
    Lost(Sha256),
    /// The published subtitles cannot be read.
    #[error("the published subtitles could not be read")]
    Unreadable(#[from] SubtitleError),
    /// The blob store could not be read.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// The published subtitles as Advanced SubStation Alpha. Texts and times are the published ones; who speaks is who
/// speaks longest meanwhile in the transcript.
pub async fn ass(
    blobs: &dyn BlobStore,
    dubbing: &Dubbing,
    published: &PublishedTrack,
) -> Result<String, SubtitlesError> {
    let sha256 = published.srt.sha256;
    let file = blobs.get_bytes(&sha256).await?.ok_or(SubtitlesError::Lost(sha256))?;
    let cues = srt::cues(&file)?.into_iter();
    let cue = |cue: crate::stages::mux::SubtitleCue| AssCue {
        speaker: speaker(dubbing, cue.span),
        span: cue.span,
        text: cue.text,
    };
    Ok(ass::write(&cues.map(cue).collect::<Vec<_>>()))
}

fn speaker(dubbing: &Dubbing, shown: Span) -> Option<SpeakerId> {
    let shared_ms =
        |span: Span| span.end_ms().min(shown.end_ms()).saturating_sub(span.start_ms().max(shown.start_ms()));
    let heard = dubbing.utterances.values().map(|line| (shared_ms(line.span), line.utterance));
    let (_, longest) = heard.filter(|(shared_ms, _)| *shared_ms > 0).max_by_key(|(shared_ms, _)| *shared_ms)?;
    dubbing.speaker_of(longest)
}
