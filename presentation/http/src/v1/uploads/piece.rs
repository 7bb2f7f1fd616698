//! Takes a piece of an upload, to the disk as it comes.
//!
//! What arrived before a client broke off stays, so that it goes on from there; unless the piece has a checksum, which
//! only a whole piece can match. It is carried out in a task of its own: a client that goes away drops nothing half
//! done. After the last piece the upload is an asset.

use super::checksum::Checksum;
use crate::{
    api::Api,
    extract::Caller,
    problem::{Code, Problem},
    trace::Trace,
    upload::{Arriving, import::import},
};
use application::{
    commands::import_asset::Imported,
    ports::upload_store::{Upload, UploadError, UploadWriter},
};
use axum::body::Body;
use tracing::Instrument;

/// A piece that is to be taken.
pub(crate) struct Piece {
    /// Where it begins.
    pub offset: u64,
    /// Its bytes.
    pub body: Body,
    /// What it must have.
    pub checksum: Option<Checksum>,
}

/// How far an upload is after a piece.
pub(crate) struct Taken {
    pub offset: u64,
    /// What it became, when this was the last piece.
    pub imported: Option<Imported>,
}

/// Takes a piece.
pub(crate) async fn take(
    api: &Api,
    caller: &Caller,
    trace: Trace,
    upload: &Upload,
    piece: Piece,
) -> Result<Taken, Problem> {
    let (api, caller, upload) = (api.clone(), caller.clone(), upload.clone());
    let work = async move {
        let offset = match api.uploads.open(caller.tenant(), upload.id, piece.offset).await {
            Ok(writer) => write(&api, writer, piece).await?,
            // An answer was lost, and the client asks for it once more.
            Err(UploadError::Finished) if upload.length == Some(piece.offset) => piece.offset,
            Err(UploadError::Finished) => return Err(UploadError::OffsetMismatch { actual: upload.offset }.into()),
            Err(error) => return Err(error.into()),
        };
        let is_complete = upload.length == Some(offset);
        let imported = if is_complete { Some(import(&api, &caller, trace, upload.id).await?) } else { None };
        Ok(Taken { offset, imported })
    };
    let done = tokio::spawn(work.in_current_span()).await;
    done.unwrap_or_else(|broken| Err(Problem::internal(broken)))
}

async fn write(api: &Api, mut writer: Box<dyn UploadWriter>, piece: Piece) -> Result<u64, Problem> {
    let Piece { body, mut checksum, .. } = piece;
    let mut arriving = Arriving::new(body, api);
    let problem = loop {
        let chunk = match arriving.next().await {
            Ok(None) => break None,
            Ok(Some(chunk)) => chunk,
            Err(problem) => break Some(problem),
        };
        if let Some(checksum) = &mut checksum {
            checksum.update(&chunk);
        }
        match writer.write(&chunk).await {
            Ok(()) => {}
            Err(error @ (UploadError::BeyondLength { .. } | UploadError::TooLarge { .. })) => break Some(error.into()),
            // The writer is of no more use; what reached the disk stays.
            Err(error) => return Err(error.into()),
        }
    };
    match (problem, checksum) {
        (None, Some(checksum)) if !checksum.is_right() => {
            writer.discard().await?;
            Err(Problem::new(Code::ChecksumMismatch))
        }
        (None, _) => Ok(writer.keep().await?),
        (Some(problem), Some(_)) => {
            writer.discard().await?;
            Err(problem)
        }
        (Some(problem), None) => {
            let offset = writer.keep().await?;
            Err(problem.extension("offset", offset))
        }
    }
}
