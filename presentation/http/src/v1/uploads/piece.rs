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
    upload::{Arriving, Renewal, import::import},
};
use application::{
    commands::import_asset::Imported,
    ports::upload_store::{Upload, UploadError, UploadWriter},
};
use axum::body::Body;
use domain::value::Timestamp;
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
    /// Until when it is kept.
    pub expires_at: Timestamp,
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
        let (offset, expires_at) = match api.uploads.open(caller.tenant(), upload.id, piece.offset).await {
            Ok(writer) => write(&api, writer, upload.expires_at, piece).await?,
            // An answer was lost, and the client asks for it once more.
            Err(UploadError::Finished) if upload.length == Some(piece.offset) => (piece.offset, upload.expires_at),
            Err(UploadError::Finished) => return Err(UploadError::OffsetMismatch { actual: upload.offset }.into()),
            Err(error) => return Err(error.into()),
        };
        let is_complete = upload.length == Some(offset);
        let imported = if is_complete { Some(import(&api, &caller, trace, upload.id).await?) } else { None };
        Ok(Taken { offset, expires_at, imported })
    };
    let done = tokio::spawn(work.in_current_span()).await;
    done.unwrap_or_else(|broken| Err(Problem::internal(broken)))
}

/// Writes a piece; where the upload ends then, and until when it is kept.
async fn write(
    api: &Api,
    mut writer: Box<dyn UploadWriter>,
    expires_at: Timestamp,
    piece: Piece,
) -> Result<(u64, Timestamp), Problem> {
    let Piece { offset: begin, body, mut checksum } = piece;
    let mut arriving = Arriving::new(body, api);
    let mut renewal = Renewal::new(api);
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
            Ok(()) => renewal.now_and_then(&mut *writer).await?,
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
        (None, _) => Ok(keep(api, writer, begin, expires_at).await?),
        (Some(problem), Some(_)) => {
            writer.discard().await?;
            Err(problem)
        }
        (Some(problem), None) => {
            let (offset, _) = keep(api, writer, begin, expires_at).await?;
            Err(problem.extension("offset", offset))
        }
    }
}

/// Keeps what came. An upload that goes on begins its time anew, before its client learns that it went on: whatever
/// crashes in between, it is kept for long enough.
async fn keep(
    api: &Api,
    mut writer: Box<dyn UploadWriter>,
    begin: u64,
    mut expires_at: Timestamp,
) -> Result<(u64, Timestamp), UploadError> {
    if writer.offset() > begin {
        expires_at = writer.renew(api.upload_expiry()).await?;
    }
    Ok((writer.keep().await?, expires_at))
}
