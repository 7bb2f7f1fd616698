//! Deliver: put published results where the user wants them. Never over a foreign file.

use crate::{
    aggregates::{Aggregates, CommandError, CommandMeta},
    ports::{
        blob_store::{BlobError, BlobStore},
        clock::Ids,
        event_log::{ReadError, StreamId},
        shelf::{Shelf, ShelfError},
    },
};
use domain::{
    dubbing::Delivery,
    track::{DeliveredFile, PublishedTrack, Role, Track, TrackCommand, TrackRejection},
    value::{DubbingId, LanguageTag, Personal, Sha256, TrackId},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use thiserror::Error;

/// The use case, with what it needs.
pub struct Deliver {
    /// Commands to the log.
    pub aggregates: Arc<Aggregates>,
    /// Where results are kept.
    pub blobs: Arc<dyn BlobStore>,
    /// Where they are put.
    pub shelf: Arc<dyn Shelf>,
    /// Ids of commands.
    pub ids: Arc<dyn Ids>,
}

/// The files of one track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredTrack {
    /// Its language.
    pub language: LanguageTag,
    /// What is where.
    pub files: Vec<(Role, PathBuf)>,
    /// Whether any file had to be written: it was missing or older.
    pub is_written: bool,
}

/// Why results were not put in place.
#[derive(Debug, Error)]
pub enum DeliverError {
    /// A file that is not ours is in the way.
    #[error("{} is in the way and was not made by this job; move it, choose another --out, or overwrite it with --force", .0.display())]
    InTheWay(PathBuf),
    /// A result is gone from the blob store.
    #[error("a result of this job is gone from the data folder; dub again with another --data-dir")]
    Gone,
    /// A result in the blob store is not what it was.
    #[error(
        "a result of this job is damaged in the data folder; check the disk, then dub again with another --data-dir"
    )]
    Damaged,
    /// The personal data of the job has been erased, its destination too.
    #[error("the personal data of this dubbing has been erased")]
    Erased,
    /// The file system refused.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// Blobs could not be read.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log could not be written.
    #[error(transparent)]
    Command(#[from] CommandError<TrackRejection>),
}

/// Where each file of a track goes; `media_type` tells a video from sound alone.
pub fn paths(delivery: &Delivery, language: &LanguageTag, has_picture: bool) -> Option<Vec<(Role, PathBuf)>> {
    let (folder, stem) = (delivery.folder.reveal()?, delivery.stem.reveal()?);
    let file = |ending: &str| Path::new(folder).join(format!("{stem}.{language}.{ending}"));
    let mut files = vec![(Role::Video, file(if has_picture { "mp4" } else { "m4a" }))];
    if delivery.sidecars {
        files.extend([(Role::Srt, file("srt")), (Role::Vtt, file("vtt"))]);
    }
    files.push((Role::Report, file("report.json")));
    Some(files)
}

/// Where each file of a published track goes.
fn files_of(delivery: &Delivery, language: &LanguageTag, published: &PublishedTrack) -> Option<Vec<(Role, PathBuf)>> {
    paths(delivery, language, published.media.media_type.starts_with("video/"))
}

/// These files as the log records them.
fn as_delivered(files: &[(Role, PathBuf)], published: &PublishedTrack) -> Vec<DeliveredFile> {
    let sha256 = |role: &Role| match role {
        Role::Video => published.media.sha256,
        Role::Srt => published.srt.sha256,
        Role::Vtt => published.vtt.sha256,
        Role::Report => published.report.sha256,
    };
    let as_delivered = |(role, path): &(Role, PathBuf)| DeliveredFile {
        role: *role,
        path: Personal::new(path.display().to_string()),
        sha256: sha256(role),
    };
    files.iter().map(as_delivered).collect()
}

impl Deliver {
    /// Looks for files in the way before anything is made. `has_picture` may be unknown yet.
    pub async fn check(
        &self,
        delivery: &Delivery,
        languages: &[LanguageTag],
        known: Option<DubbingId>,
    ) -> Result<(), DeliverError> {
        if delivery.overwrite {
            return Ok(());
        }
        for language in languages {
            let ours = match known {
                Some(dubbing) => {
                    let id = TrackId { dubbing, language: language.clone() };
                    self.note_landed(&id).await?;
                    self.aggregates.track(&id).await?.state.delivered.clone()
                }
                None => vec![],
            };
            for has_picture in [true, false] {
                for (_, path) in paths(delivery, language, has_picture).ok_or(DeliverError::Erased)? {
                    self.require_ours(&path, &ours).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether every published track of a dubbing was put where it is wanted now, says the log. Nobody looks whether
    /// the files are there still.
    pub async fn is_delivered(&self, job: DubbingId) -> Result<bool, DeliverError> {
        let dubbing = self.aggregates.dubbing(job).await?.state;
        for language in dubbing.tracks.keys() {
            let id = TrackId { dubbing: job, language: language.clone() };
            let track = self.aggregates.track(&id).await?.state;
            let delivery = dubbing.request.as_ref().and_then(|request| request.delivery.as_ref());
            let (Some(delivery), Some(published)) = (delivery, &track.published) else {
                continue;
            };
            // Where it was wanted cannot be told any more when personal data was erased: nothing is owed then.
            let files = files_of(delivery, &id.language, published).unwrap_or_default();
            if as_delivered(&files, published).iter().any(|file| !track.delivered.contains(file)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Puts every published track of a dubbing in place. What is there already stays.
    pub async fn run(&self, job: DubbingId) -> Result<Vec<DeliveredTrack>, DeliverError> {
        let dubbing = self.aggregates.dubbing(job).await?.state;
        let mut delivered = Vec::new();
        for language in dubbing.tracks.keys() {
            let id = TrackId { dubbing: job, language: language.clone() };
            let track = self.aggregates.track(&id).await?.state;
            let delivery = dubbing.request.as_ref().and_then(|request| request.delivery.as_ref());
            if let (Some(delivery), Some(published)) = (delivery, &track.published) {
                delivered.push(self.track(delivery, published, &track, id).await?);
            }
        }
        Ok(delivered)
    }

    async fn track(
        &self,
        delivery: &Delivery,
        published: &PublishedTrack,
        track: &Track,
        id: TrackId,
    ) -> Result<DeliveredTrack, DeliverError> {
        let files = files_of(delivery, &id.language, published).ok_or(DeliverError::Erased)?;
        let (news, mut is_written) = (as_delivered(&files, published), false);
        for ((_, path), file) in files.iter().zip(&news) {
            is_written |= self.put(path, &file.sha256, &track.delivered, delivery.overwrite).await?;
        }
        let stream = StreamId::Track(id.clone());
        let meta = CommandMeta::fresh("cli", self.ids.next());
        self.aggregates.execute::<Track>(&stream, TrackCommand::Deliver(news), &meta).await?;
        Ok(DeliveredTrack { language: id.language, files, is_written })
    }

    async fn put(
        &self,
        path: &Path,
        sha256: &Sha256,
        ours: &[DeliveredFile],
        overwrite: bool,
    ) -> Result<bool, DeliverError> {
        if self.shelf.digest(path).await? == Some(*sha256) {
            return Ok(false);
        }
        if !overwrite {
            self.require_ours(path, ours).await?;
        }
        let blob = self.blobs.path(sha256).await?.ok_or(DeliverError::Gone)?;
        // What has rotted on the disk is never handed out.
        if self.shelf.digest(&blob).await? != Some(*sha256) {
            return Err(DeliverError::Damaged);
        }
        self.shelf.put(&blob, path).await?;
        Ok(true)
    }

    /// Records files that a killed process put in place but could not record any more: what is made anew may then
    /// replace them.
    async fn note_landed(&self, id: &TrackId) -> Result<(), DeliverError> {
        let dubbing = self.aggregates.dubbing(id.dubbing).await?.state;
        let track = self.aggregates.track(id).await?.state;
        let delivery = dubbing.request.as_ref().and_then(|request| request.delivery.as_ref());
        let (Some(delivery), Some(published)) = (delivery, &track.published) else {
            return Ok(());
        };
        let files = files_of(delivery, &id.language, published).unwrap_or_default();
        let mut landed = Vec::new();
        for ((_, path), file) in files.iter().zip(as_delivered(&files, published)) {
            if !track.delivered.contains(&file) && self.shelf.digest(path).await? == Some(file.sha256) {
                landed.push(file);
            }
        }
        if !landed.is_empty() {
            let meta = CommandMeta::fresh("cli", self.ids.next());
            self.aggregates
                .execute::<Track>(&StreamId::Track(id.clone()), TrackCommand::Deliver(landed), &meta)
                .await?;
        }
        Ok(())
    }

    /// A file may be replaced when it is not there, or still what this job once put there.
    async fn require_ours(&self, path: &Path, ours: &[DeliveredFile]) -> Result<(), DeliverError> {
        let Some(found) = self.shelf.digest(path).await? else {
            return Ok(());
        };
        let name = path.display().to_string();
        let is_ours = |file: &DeliveredFile| file.sha256 == found && file.path.reveal() == Some(&name);
        if ours.iter().any(is_ours) { Ok(()) } else { Err(DeliverError::InTheWay(path.to_owned())) }
    }
}
