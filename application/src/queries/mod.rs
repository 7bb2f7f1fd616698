//! What users look at, one file per noun.
//!
//! What a single dubbing holds is read from its aggregates, which are folded in memory already and can reveal what is
//! personal; lists over many of them are read from rows.

pub mod lines;
pub mod subtitles;
pub mod tracks;
pub mod transcript;

use crate::{
    aggregates::{Aggregates, Loaded},
    ports::event_log::{ReadError, Tenant},
};
use domain::{
    dubbing::Dubbing,
    track::Track,
    value::{DubbingId, TrackId},
};
use thiserror::Error;

/// Why there is nothing to look at.
#[derive(Debug, Error)]
pub enum QueryError {
    /// There is no such thing, or it is another tenant's.
    #[error("there is no such thing")]
    NotFound,
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// A dubbing of this tenant.
pub async fn dubbing(aggregates: &Aggregates, id: DubbingId, tenant: &Tenant) -> Result<Loaded<Dubbing>, QueryError> {
    let dubbing = aggregates.dubbing(id).await?;
    if dubbing.is_of(tenant) { Ok(dubbing) } else { Err(QueryError::NotFound) }
}

/// A track that was asked for in a dubbing of this tenant, with the dubbing. It may not have begun yet.
pub async fn track(
    aggregates: &Aggregates,
    id: &TrackId,
    tenant: &Tenant,
) -> Result<(Loaded<Dubbing>, Loaded<Track>), QueryError> {
    let dubbing = dubbing(aggregates, id.dubbing, tenant).await?;
    if !dubbing.state.tracks.contains_key(&id.language) {
        return Err(QueryError::NotFound);
    }
    Ok((dubbing, aggregates.track(id).await?))
}
