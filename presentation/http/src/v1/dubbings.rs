//! Dubbings: ordering them, reading how they stand, steering them. What concerns one language stands under tracks.

pub(crate) mod control;
pub(crate) mod estimate;
pub(crate) mod fork;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod order;
pub(crate) mod refusal;
pub(crate) mod skip;
pub(crate) mod view;
pub(crate) mod wish;

use crate::{
    api::Api,
    extract::Caller,
    problem::{Code, Problem},
};
use application::aggregates::Loaded;
use domain::{dubbing::Dubbing, value::DubbingId};

impl Api {
    /// A dubbing of the caller's tenant; 404 when there is none.
    pub(crate) async fn require_dubbing(&self, caller: &Caller, id: DubbingId) -> Result<Loaded<Dubbing>, Problem> {
        let loaded = self.aggregates.dubbing(id).await?;
        if loaded.is_of(caller.tenant()) { Ok(loaded) } else { Err(Problem::new(Code::NotFound)) }
    }
}

/// Where a dubbing is.
pub(crate) fn path(id: DubbingId) -> String {
    format!("/v1/dubbings/{id}")
}
