//! From a complete upload to an asset, carried out to its end even when the client goes away.

use super::digest;
use crate::{
    api::Api,
    extract::Caller,
    problem::{Code, Problem},
    trace::Trace,
};
use application::{
    commands::import_asset::{ImportError, Imported},
    ports::upload_store::UploadError,
    quotas::Turn,
};
use tracing::Instrument;
use uuid::Uuid;

/// Imports a complete upload. One that does not have the digest that was announced can never be complete: it is
/// removed.
pub(crate) async fn import(api: &Api, caller: &Caller, trace: Trace, upload: Uuid) -> Result<Imported, Problem> {
    let turn = api.quotas().import(caller.tenant()).await?;
    import_within(turn, api, caller, trace, upload).await
}

/// The same, within the turn in which it was let in.
pub(crate) async fn import_within(
    turn: Turn,
    api: &Api,
    caller: &Caller,
    trace: Trace,
    upload: Uuid,
) -> Result<Imported, Problem> {
    let (api, caller) = (api.clone(), caller.clone());
    let work = async move {
        let imported = api.import_asset().run(upload, &caller.command(upload, trace)).await;
        if let Err(ImportError::Upload(UploadError::DigestMismatch)) = imported {
            api.uploads.terminate(caller.tenant(), upload).await?;
            return Err(digest::mismatch());
        }
        let imported = imported?;
        turn.wrote(imported.appended.map(|appended| appended.position));
        Ok(imported)
    };
    let done = tokio::spawn(work.in_current_span()).await;
    done.unwrap_or_else(|broken| Err(Problem::internal(broken)))
}

/// How large an upload may be, said to one that is larger.
pub(crate) fn too_large(limit: u64) -> Problem {
    Problem::new(Code::BodyTooLarge).extension("limit_bytes", limit)
}
