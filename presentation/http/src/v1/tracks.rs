//! Tracks: one target language of a dubbing each.

pub(crate) mod get;
pub(crate) mod links;
pub(crate) mod list;
pub(crate) mod order;
pub(crate) mod regenerate;
pub(crate) mod view;
pub(crate) mod withdraw;

use crate::{api::Api, problem::Problem};
use domain::value::{DubbingId, LanguageTag, TrackId};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

/// Which track.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct TrackPath {
    /// The dubbing.
    id: Uuid,
    /// The language, as a BCP 47 tag.
    #[param(value_type = String, example = "es", pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", max_length = 35)]
    lang: LanguageTag,
}

impl TrackPath {
    /// The track's id.
    pub fn id(self) -> TrackId {
        TrackId { dubbing: DubbingId(self.id), language: self.lang }
    }
}

/// The path of a track.
pub(crate) fn path_of(id: &TrackId) -> String {
    format!("/v1/dubbings/{}/tracks/{}", id.dubbing, id.language)
}

/// Where the log holds what a command brought about: where it was written, or, when it was so already, as far as the log
/// goes.
pub(crate) async fn position(api: &Api, written: Option<u64>) -> Result<u64, Problem> {
    match written {
        Some(position) => Ok(position),
        None => Ok(api.log.head().await?),
    }
}
