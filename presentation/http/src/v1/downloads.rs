//! The files of a track's result, to read with a token or through a signed link.
//!
//! All of them belong to what was published last: while a track is made anew, they stay as they are. Who downloads one
//! stands in the security trail before its first byte goes out.

mod provenance;
mod routes;

pub(crate) use routes::*;

use crate::{
    api::Api,
    download::{Content, Download, FileName, Lost},
    extract::Caller,
    problem::{Code, Problem},
};
use application::{
    identity::{Handout, TrailError},
    queries::{
        self,
        subtitles::{self, SubtitlesError},
    },
};
use axum::{
    http::{HeaderMap, Method, StatusCode, header},
    response::Response,
};
use domain::{
    dubbing::Dubbing,
    track::{PublishedTrack, PublishedWith, Track},
    value::TrackId,
};
use std::sync::Arc;

/// When to ask again after a download could not be written down, in seconds.
const UNWRITTEN_RETRY_SECONDS: u32 = 5;

/// A file of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum File {
    Video,
    Audio,
    Srt,
    Vtt,
    Ass,
    Report,
    Provenance,
}

impl File {
    /// What the security trail calls it.
    fn kind(self) -> &'static str {
        match self {
            File::Video => "video",
            File::Audio => "audio",
            File::Srt | File::Vtt | File::Ass => "subtitles",
            File::Report => "report",
            File::Provenance => "provenance",
        }
    }

    /// Media are; texts are sent in less time than it takes to ask elsewhere.
    fn is_large(self) -> bool {
        match self {
            File::Video | File::Audio => true,
            File::Srt | File::Vtt | File::Ass | File::Report | File::Provenance => false,
        }
    }
}

/// What can be seen of a track.
pub(crate) struct Shown {
    id: TrackId,
    dubbing: Arc<Dubbing>,
    published: PublishedTrack,
    with: PublishedWith,
}

/// The result of a track: 410 when it was withdrawn, 409 before there is one.
pub(crate) async fn require(api: &Api, caller: &Caller, id: &TrackId) -> Result<Shown, Problem> {
    let (dubbing, track) = queries::track(&api.aggregates, id, caller.tenant()).await?;
    let track: &Track = &track.state;
    let Some(published) = track.published.clone() else {
        return Err(without_result(track));
    };
    let with = track.published_with.clone().unwrap_or_default();
    Ok(Shown { id: id.clone(), dubbing: dubbing.state, published, with })
}

async fn send(
    api: &Api,
    caller: &Caller,
    id: &TrackId,
    file: File,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let shown = require(api, caller, id).await?;
    let download = Download {
        content: shown.content(api, file).await?,
        media_type: shown.media_type(file),
        name: shown.name(file),
        may_be_elsewhere: file.is_large(),
    };
    let answer = download.answer(api, method, headers).await?;
    // To be told where it is, is to have it.
    let is_handed_out = answer.status().is_success() || answer.status() == StatusCode::TEMPORARY_REDIRECT;
    if method == Method::GET && is_handed_out {
        let content = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
        let handout = Handout {
            tenant: caller.tenant().clone(),
            actor: caller.actor().to_owned(),
            address: caller.whence().address.clone(),
            track: id.clone(),
            file: file.kind(),
            content: content.to_owned(),
            by_link: caller.principal().is_link(),
        };
        let by = caller.whence().by(caller.principal());
        api.handouts().record(handout, by).await.map_err(unwritten)?;
    }
    Ok(answer)
}

/// What cannot be written down is not handed out.
pub(crate) fn unwritten(error: TrailError) -> Problem {
    Problem::new(Code::Unavailable).retry_after(UNWRITTEN_RETRY_SECONDS).caused_by(error)
}

/// Why there is nothing to fetch of a track that is not published.
pub(crate) fn without_result(track: &Track) -> Problem {
    match (track.withdrawn, track.cancelled) {
        (true, _) => Problem::new(Code::Withdrawn),
        (false, true) => Problem::new(Code::NotPossible).detail("the track was called off before it had a result"),
        (false, false) => Problem::new(Code::NotPublished),
    }
}

impl Shown {
    async fn content(&self, api: &Api, file: File) -> Result<Content, Problem> {
        let published = &self.published;
        Ok(match file {
            File::Video => Content::Blob(published.media.clone()),
            File::Audio => Content::Blob(self.with.sound.clone().ok_or_else(|| Problem::new(Code::NotPublished))?),
            File::Srt => Content::Blob(published.srt.clone()),
            File::Vtt => Content::Blob(published.vtt.clone()),
            File::Report => Content::Blob(published.report.clone()),
            File::Ass => {
                let made = subtitles::ass(&*api.blobs, published).await;
                Content::Made(made.map_err(unmade)?.into())
            }
            File::Provenance => {
                let made = serde_json::to_vec_pretty(&provenance::of(self)).map_err(Problem::internal)?;
                Content::Made(made.into())
            }
        })
    }

    fn media_type(&self, file: File) -> String {
        let text = |media_type: &str| format!("{media_type}; charset=utf-8");
        match file {
            File::Video => self.published.media.media_type.clone(),
            File::Audio => "audio/wav".to_owned(),
            File::Srt => text("application/x-subrip"),
            File::Vtt => text("text/vtt"),
            File::Ass => text("text/x-ssa"),
            File::Report | File::Provenance => "application/json".to_owned(),
        }
    }

    fn name(&self, file: File) -> FileName {
        let ending = match file {
            File::Video if self.published.media.media_type == "audio/mp4" => "m4a",
            File::Video => "mp4",
            File::Audio => "wav",
            File::Srt => "srt",
            File::Vtt => "vtt",
            File::Ass => "ass",
            File::Report => "report.json",
            File::Provenance => "provenance.json",
        };
        let source = self.dubbing.request.as_ref().and_then(|request| request.name.reveal());
        FileName::new(source.map(String::as_str), self.id.language.as_str(), ending)
    }
}

fn unmade(error: SubtitlesError) -> Problem {
    match error {
        SubtitlesError::Lost(sha256) => Problem::new(Code::FileLost).caused_by(Lost(sha256)),
        SubtitlesError::Unreadable(_) | SubtitlesError::Report(_) => Problem::internal(error),
        SubtitlesError::Blob(error) => error.into(),
    }
}
