//! Tracks: one target language of a dubbing each.

pub(crate) mod get;
pub(crate) mod links;
pub(crate) mod list;
pub(crate) mod order;
pub(crate) mod regenerate;
pub(crate) mod view;
pub(crate) mod withdraw;

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
